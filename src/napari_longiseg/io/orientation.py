"""From the grid of a file to the LPS grid that the package works on."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import SNAP_TOLERANCE, Grid, as_point, as_shape
from napari_longiseg.core.resample import resample
from napari_longiseg.core.scan import AIR_HU

TILT_DEGREES = 0.1
"""A larger angle between the stacking direction of slices and their normal is a tilted gantry."""


def is_oblique(grid: Grid) -> bool:
    """Whether the array axes are not the patient axes in some order and sense."""
    direction = np.asarray(grid.direction)
    return not np.allclose(direction, np.rint(direction), rtol=0, atol=SNAP_TOLERANCE)


def shear_degrees(grid: Grid) -> float:
    """Angle between the first array axis and the normal of the slices: the tilt of the gantry, or 0."""
    stacking, rows, columns = np.asarray(grid.direction).T
    degrees = float(np.degrees(np.arccos(min(abs(stacking @ np.cross(rows, columns)), 1.0))))
    return degrees if degrees > TILT_DEGREES else 0.0


def straightened(grid: Grid) -> Grid:
    """The grid with perpendicular axes that has the slices of a sheared one, and room for all of each.

    No file format that ITK reads can hold a sheared grid.
    """
    stacking, rows, columns = np.asarray(grid.direction).T
    normal = np.cross(rows, columns)
    normal *= np.sign(normal @ stacking)
    step = stacking * grid.spacing_mm[0]
    aside = step @ np.stack([rows, columns], axis=1) / grid.spacing_mm[1:] * (grid.shape[0] - 1)
    before, after = np.floor(np.minimum(aside, 0)), np.ceil(np.maximum(aside, 0))
    direction = np.column_stack([normal, rows, columns])
    return Grid(
        shape=as_shape((grid.shape[0], *(np.asarray(grid.shape[1:]) + after - before))),
        spacing_mm=as_point((step @ normal, *grid.spacing_mm[1:])),
        origin_mm=as_point(grid.to_mm((0, *before))),
        direction=(as_point(direction[0]), as_point(direction[1]), as_point(direction[2])),
    )


def to_working(values: npt.NDArray[Any], native: Grid) -> tuple[npt.NDArray[Any], Grid]:
    """An image on its LPS working grid.

    Where the array axes are patient axes, they are only reordered and flipped, and the spacing is kept
    exactly. An oblique image is interpolated linearly on a grid that covers it, with the same spacing along
    the nearest axes; where the values are whole numbers they stay so.

    Parameters
    ----------
    values : (K, J, I)
        HU on *native*.
    native : Grid
        Any direction, also sheared.

    Returns
    -------
    image : (Z, Y, X), of the same type
    grid : Grid
        Its direction is the identity.
    """
    if is_oblique(native):
        grid = covering_grid(native)
        image = resample(values, native, grid, fill=AIR_HU)
        return (np.rint(image) if values.dtype.kind in "iu" else image).astype(values.dtype), grid
    axes = nearest_axes(native)
    senses = np.sign(np.asarray(native.direction)[np.arange(3), axes])
    start = np.zeros(3)
    start[axes] = np.where(senses > 0, 0, np.asarray(native.shape)[axes] - 1)
    image = np.flip(values.transpose(axes), tuple(np.flatnonzero(senses < 0)))
    return np.ascontiguousarray(image), Grid(
        shape=as_shape(image.shape),
        spacing_mm=as_point(np.asarray(native.spacing_mm)[axes]),
        origin_mm=as_point(native.to_mm(start)),
    )


def covering_grid(native: Grid) -> Grid:
    """The LPS grid that covers an oblique one, with its spacing along the nearest axes."""
    spacing = np.asarray(native.spacing_mm)[nearest_axes(native)]
    low, high = native.bounds_mm()
    shape = np.ceil((high - low) / spacing - 1e-6)
    origin = (low + high) / 2 - (shape - 1) / 2 * spacing
    return Grid(as_shape(shape), as_point(spacing), as_point(origin))


def nearest_axes(grid: Grid) -> npt.NDArray[np.intp]:
    """For each patient axis (z, y, x) the array axis that runs along it best, each taken once."""
    along = np.abs(grid.direction)
    orders = (np.array(order) for order in permutations(range(3)))
    return max(orders, key=lambda axes: float(along[np.arange(3), axes].sum()))
