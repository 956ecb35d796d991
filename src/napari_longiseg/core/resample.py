"""Move arrays between grids."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.geometry import Box, Grid, as_shape

Float32 = npt.NDArray[np.float32]

BLUR = 0.4
"""Sigma of the blur before voxels get larger, as a share of what they gain (in quadrature)."""


def crop(image: npt.NDArray[Any], box: Box, fill: float) -> Float32:
    """Float32 copy of a box of an image (Z, Y, X); what sticks out of the image has the value *fill*."""
    inside = box.clipped(image.shape)
    voi = np.full(box.shape, fill, dtype=np.float32)
    if not inside.is_empty:
        voi[inside.relative_to(box).slices] = image[inside.slices]
    return voi


def resample(image: npt.NDArray[Any], grid: Grid, target: Grid, fill: float) -> Float32:
    """Linear interpolation of an image on another grid.

    Parameters
    ----------
    image : (Z, Y, X)
        On *grid*.
    target : Grid
        Any orientation.
    fill : float
        Value outside the image.

    Returns
    -------
    (Z, Y, X) float32
        On *target*; the values themselves where the voxels coincide.
    """
    matrix, offset = _index_transform(grid, target)
    # "grid-constant": plain "constant" loses the outermost voxels to the last bit of a rounding error.
    if _is_shift(matrix, offset):
        start = np.rint(offset).astype(int)
        return crop(image, Box(as_shape(start), as_shape(start + target.shape)), fill)
    return np.asarray(
        ndimage.affine_transform(
            image, matrix, offset, target.shape, np.float32, order=1, mode="grid-constant", cval=fill
        )
    )


def resample_smoothly(image: npt.NDArray[Any], grid: Grid, target: Grid, fill: float) -> Float32:
    """As :func:`resample`, but blurred first along the axes where voxels get larger.

    Only the part of the image near the target is touched, so that it may lie in a file.

    Parameters
    ----------
    image : (Z, Y, X)
        On *grid*.
    grid, target : Grid
        LPS, both.
    fill : float
        Value outside the image.

    Returns
    -------
    (Z, Y, X) float32
        On *target*.
    """
    low, high = (grid.to_index(edge) for edge in target.bounds_mm())
    box = Box(as_shape(np.floor(low) - 2), as_shape(np.ceil(high) + 3)).clipped(grid.shape)
    if box.is_empty:
        return np.full(target.shape, fill, dtype=np.float32)
    near = np.asarray(image[box.slices], dtype=np.float32)
    spacing = np.asarray(grid.spacing_mm)
    blur = np.sqrt(np.maximum(np.square(target.spacing_mm) - spacing**2, 0)) * BLUR / spacing
    if blur.any():
        near = ndimage.gaussian_filter(near, blur, truncate=3.0)
    return resample(near, grid.crop(box), target, fill)


def resample_labels(labels: npt.NDArray[Any], grid: Grid, target: Grid) -> npt.NDArray[Any]:
    """Labels on another grid by nearest neighbour; exact where the grids differ by axis order and flips.

    Parameters
    ----------
    labels : (Z, Y, X) integer or bool
        On *grid*.
    target : Grid
        Any orientation.
    """
    if exact := axis_order(grid, target):
        axes, flipped = exact
        return np.ascontiguousarray(np.flip(labels.transpose(axes), flipped))
    matrix, offset = _index_transform(grid, target)
    return np.asarray(
        ndimage.affine_transform(
            labels, matrix, offset, target.shape, labels.dtype, order=0, mode="grid-constant"
        )
    )


def axis_order(grid: Grid, target: Grid) -> tuple[tuple[int, int, int], tuple[int, ...]] | None:
    """How to get from one grid to another without interpolation.

    Returns
    -------
    axes, flipped
        ``np.flip(array.transpose(axes), flipped)`` on *grid* is the array on *target*; None where the
        grids differ by more than the order and the sense of their axes.
    """
    matrix, offset = _index_transform(grid, target)
    order = np.rint(matrix)
    if not np.allclose(matrix, order, atol=2e-4) or not (np.abs(order).sum(axis=0) == 1).all():
        return None
    axes = np.abs(order).argmax(axis=0)  # target axis j runs along source axis axes[j]
    senses = order[axes, np.arange(3)]
    if tuple(np.asarray(grid.shape)[axes]) != target.shape:
        return None
    expected = np.zeros(3)
    for j, axis in enumerate(axes):
        expected[axis] = 0 if senses[j] > 0 else target.shape[j] - 1
    if not np.allclose(offset, expected, atol=0.05):
        return None
    a, b, c = (int(axis) for axis in axes)
    return (a, b, c), tuple(int(j) for j in np.flatnonzero(senses < 0))


def _index_transform(grid: Grid, target: Grid) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Matrix and offset that turn indices of *target* into continuous indices of *grid*."""
    inverse = np.linalg.inv(grid.matrix)
    return inverse @ target.matrix, grid.to_index(target.origin_mm)


def _is_shift(matrix: npt.NDArray[Any], offset: npt.NDArray[Any]) -> bool:
    return bool(np.allclose(matrix, np.eye(3), atol=1e-6) and np.allclose(offset, np.rint(offset), atol=1e-3))
