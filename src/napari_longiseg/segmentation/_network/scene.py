"""What a network is shown of one lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Box, Grid, Point
from napari_longiseg.core.resample import resample_smoothly
from napari_longiseg.core.scan import AIR_HU
from napari_longiseg.models.inputs import Inputs
from napari_longiseg.models.voi import voi_grid
from napari_longiseg.segmentation._replies import negative_points, positive_points
from napari_longiseg.segmentation.base import Prior, VoiRequest

Float32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Look:
    """Where to look, and how closely.

    Attributes
    ----------
    centre_mm : Point
        LPS, order (z, y, x).
    spacing_mm : float or None
        Of isotropic voxels; None for the VOI's own.
    """

    centre_mm: Point
    spacing_mm: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One input of a network.

    Attributes
    ----------
    image : (Z, Y, X) float32
        HU, of the size that the network wants.
    grid : Grid
        Of the image.
    positive, negative : (N, 3)
        Voxel indices of the clicks, order (z, y, x).
    baseline, baseline_mask : (Z, Y, X) float32 and bool, or None
        The lesion on the other scan, in voxels of the same size.
    """

    image: Float32
    grid: Grid
    positive: npt.NDArray[np.float64]
    negative: npt.NDArray[np.float64]
    baseline: Float32 | None = None
    baseline_mask: Mask | None = None


def scene(request: VoiRequest, look: Look, inputs: Inputs, prior: Prior | None) -> Scene:
    """Cut it out of a request, with the prior where the network wants one."""
    image, grid = _seen(request.image, request.grid, look, inputs)
    baseline = mask = None
    if prior is not None:
        there = Look(grid_around(prior.mask, prior.grid).middle_mm, look.spacing_mm)
        baseline, near = _seen(prior.image, prior.grid, there, inputs)
        mask = resample_smoothly(prior.mask.astype(np.float32), prior.grid, near, fill=0.0) >= 0.5
    return Scene(
        image,
        grid,
        _indices(grid, positive_points(request)),
        _indices(grid, negative_points(request)),
        baseline,
        mask,
    )


def grid_around(mask: Mask, grid: Grid) -> Grid:
    """Grid of the box around a mask that is not empty: how large a lesion is, and where its middle is."""
    return grid.crop(Box.of_mask(mask))


def _seen(image: Float32, grid: Grid, look: Look, inputs: Inputs) -> tuple[Float32, Grid]:
    target = voi_grid(grid, look.centre_mm, inputs, look.spacing_mm)
    return resample_smoothly(image, grid, target, fill=AIR_HU), target


def _indices(grid: Grid, points: tuple[Point, ...]) -> npt.NDArray[np.float64]:
    return grid.to_index(points) if points else np.zeros((0, 3))
