"""Displacements by the demons' forces, coarse to fine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from napari_longiseg.core.resample import Float32
from napari_longiseg.io._itk import grid_of, simple_itk
from napari_longiseg.registration._itk.run import Tick, part, run
from napari_longiseg.registration._itk.volumes import image_of, on_source
from napari_longiseg.registration._torch.pair import Pair
from napari_longiseg.registration.transforms import Affine, Displacement

LEVELS = ((4.0, 0.05), (2.0, 0.2), (1.0, 1.0))
"""Voxel sizes in units of the finest, and the share of the progress at which each ends."""
ALIKE_MM = 15.0
"""Standard deviation of the Gaussian in which the mean intensities are made equal. The demons take every
difference for a movement: with 60 HU of contrast more they were wrong by 2 to 4 mm without this, and by less
than 1 mm with it; on scans of equal contrast it costs them 0.3 mm."""


@dataclass(frozen=True)
class Recipe:
    """How to fit the displacements.

    Attributes
    ----------
    iterations : int
        At each level.
    smoothing : float
        Standard deviation in voxels of the Gaussian that smooths the displacements after each iteration.
    """

    iterations: int
    smoothing: float


def fit_demons(pair: Pair, affine: Affine, recipe: Recipe, tick: Tick) -> Displacement:
    """Displacements on the source scan, to be followed by the affine transform.

    Fast symmetric forces (Vercauteren et al., "Diffeomorphic demons: efficient non-parametric image
    registration", 2009), additive, with a Gaussian as regularisation.
    """
    sitk = simple_itk()
    field: Any = None
    start = 0.0
    for factor, stop in LEVELS:
        level = pair.reduced(factor * pair.spacing_mm)
        fixed = image_of(level.source)
        demons = sitk.FastSymmetricForcesDemonsRegistrationFilter()
        demons.SetNumberOfIterations(recipe.iterations)
        demons.SetStandardDeviations(recipe.smoothing)
        images = [fixed, _moved(level, affine)]
        if field is not None:
            images.append(_on_grid(field, fixed))
        field = run(demons, recipe.iterations, part(tick, start, stop), *images)
        start = stop
    vectors = np.moveaxis(sitk.GetArrayViewFromImage(field), -1, 0)[::-1]
    return Displacement(np.ascontiguousarray(vectors, dtype=np.float32), grid_of(field))


def _moved(level: Pair, affine: Affine) -> Any:  # noqa: ANN401 - SimpleITK has no types
    """The target after the affine transform on the source's grid, with the source's mean intensities."""
    moved, reaches = on_source(level, affine)
    source, body = level.source.data.cpu().numpy(), level.source_body.data.cpu().numpy()
    # Where the target does not reach, nothing must pull: equal intensities make no force.
    moved = np.where(reaches > 0, moved, source)
    return image_of(level.source, _alike(moved, source, reaches * body, ALIKE_MM / level.spacing_mm))


def _alike(moved: Float32, fixed: Float32, weight: Float32, sigma: float) -> Float32:
    """An image with the other one's local mean, both (Z, Y, X), where the weight is 1."""
    difference, known = (
        ndimage.gaussian_filter(values, sigma, truncate=3.0) for values in (weight * (fixed - moved), weight)
    )
    return np.asarray(moved + weight * difference / np.maximum(known, 1e-3), dtype=np.float32)


def _on_grid(field: Any, image: Any) -> Any:  # noqa: ANN401 - SimpleITK has no types
    """The displacements on another image's grid; beyond their border, the border's."""
    sitk = simple_itk()
    return sitk.Resample(
        field,
        image,
        sitk.Transform(),
        sitk.sitkLinear,
        0.0,
        sitk.sitkVectorFloat64,
        useNearestNeighborExtrapolator=True,
    )
