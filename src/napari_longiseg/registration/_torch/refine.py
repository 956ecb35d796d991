"""A second, finer look at the surroundings of one point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from napari_longiseg.core.geometry import Array, Box, Point, as_shape
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._spline import SplineField, empty_field
from napari_longiseg.registration._torch.align import CONTROLS, RADIUS, body
from napari_longiseg.registration._torch.dense import Recipe, agreement, fit_field
from napari_longiseg.registration._torch.volume import Volume, load_cube
from napari_longiseg.registration._torch.warp import Warp
from napari_longiseg.registration._transform import Transform
from napari_longiseg.registration.agreement import Agreement

MARGIN_MM = 16.0
"""What the moving cube is larger by, for the field to move in."""
MIN_COMPARED = 0.05
"""Share of the cube that must lie in both scans."""
STEP_MM = 6.0
"""Spacing of the points that tell where the cube goes."""


@dataclass(frozen=True)
class Refinement:
    """What a second look gives.

    Attributes
    ----------
    field : SplineField or None
        To add to the transform; None where it would make the agreement worse, or nothing could be compared.
    agreement : Agreement or None
        Around the point, with the field where there is one; None where nothing could be compared.
    """

    field: SplineField | None
    agreement: Agreement | None


def refine(
    source: Scan,
    target: Scan,
    transform: Transform,
    point_mm: Point,
    device: torch.device,
    spacing_mm: float,
    radius_mm: float,
    iterations: int,
) -> Refinement:
    """Fit a finer field in a cube around a source point (LPS mm, order z, y, x)."""
    centre = np.asarray(point_mm)
    cube = np.stack(np.meshgrid(*[np.arange(-radius_mm, radius_mm + 1, STEP_MM)] * 3, indexing="ij"), axis=-1)
    goes = transform(centre + cube.reshape(-1, 3))
    fixed = _cut(source, centre - radius_mm, centre + radius_mm, spacing_mm, device)
    moving = _cut(target, goes.min(axis=0) - MARGIN_MM, goes.max(axis=0) + MARGIN_MM, spacing_mm, device)
    if fixed is None or moving is None:
        return Refinement(None, None)
    warp, weight = Warp(fixed, moving), body(fixed)
    before = agreement(warp, transform, weight, RADIUS)
    if np.isfinite(before.correlation).mean() < MIN_COMPARED:
        return Refinement(None, None)
    empty = empty_field(centre - radius_mm, centre + radius_mm, CONTROLS * spacing_mm, extends=False)
    field = fit_field(warp, transform, empty, weight, Recipe(iterations, RADIUS), lambda _: None)
    after = agreement(warp, transform.plus(field), weight, RADIUS)
    return Refinement(field, after) if after.mean >= before.mean else Refinement(None, before)


def _cut(scan: Scan, low: Array, high: Array, spacing_mm: float, device: torch.device) -> Volume | None:
    """A box (mm) of a scan at a finer spacing; None where they have too little in common."""
    start, stop = np.floor(scan.grid.to_index(low)), np.ceil(scan.grid.to_index(high)) + 1
    box = Box(as_shape(start), as_shape(stop)).clipped(scan.grid.shape)
    if box.is_empty or min(np.asarray(box.shape) * scan.grid.spacing_mm) < 4 * spacing_mm:
        return None
    return load_cube(scan.crop(box), scan.grid.crop(box), spacing_mm, device)
