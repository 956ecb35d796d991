"""Which part of a mask belongs to a point."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.components import CONNECTIVITY
from napari_longiseg.core.geometry import Box, Grid, Point, Shape, as_shape

Mask = npt.NDArray[np.bool_]
Depth = npt.NDArray[np.float64]
"""Distance in mm from the border of a mask."""
NECK = 0.9
"""Two blobs are two where what joins them is thinner than the thinner one by this factor."""


def part_at(mask: Mask, grid: Grid, point_mm: Point, other_mm: Point) -> Mask | None:
    """The part of a mask that belongs to one point rather than to another.

    That is the point's connected component, where the other point lies in another one. Two blobs that touch
    are cut at their neck: the mask is eroded just as far as parts them, and the rest goes to the nearest
    core. Where nothing is between the points but one blob, each voxel goes to the nearer point.

    Parameters
    ----------
    mask : (Z, Y, X) bool
        Not empty.
    grid : Grid
        LPS grid of the mask.
    point_mm, other_mm : Point
        LPS mm, order (z, y, x). The second one counts as the mask's nearest voxel.

    Returns
    -------
    (Z, Y, X) bool or None
        Empty where both points are in one voxel; None where the point lies neither in the mask nor in a
        voxel beside it.
    """
    voxels = np.argwhere(mask)
    here, there = (_nearest(voxels, grid, point) for point in (point_mm, other_mm))
    if np.abs(grid.to_index(point_mm) - here).max() > 1.5:
        return None
    labels, _ = ndimage.label(mask, structure=CONNECTIVITY)
    if labels[here] != labels[there]:
        return np.asarray(labels == labels[here])
    depth = np.asarray(ndimage.distance_transform_edt(np.pad(mask, 1), sampling=grid.spacing_mm))[
        1:-1, 1:-1, 1:-1
    ]
    tops = _top(depth, grid, here), _top(depth, grid, there)
    cores = _cores(depth, *tops)
    if cores is None:
        ours, theirs = (np.linalg.norm((voxels - p) * grid.spacing_mm, axis=1) for p in (here, there))
        part = np.zeros_like(mask)
        part[tuple(voxels[ours < theirs].T)] = True
        return part
    nearest = ndimage.distance_transform_edt(
        cores == 0, sampling=grid.spacing_mm, return_distances=False, return_indices=True
    )
    return np.asarray(mask & (cores[tuple(nearest)] == 1))


def _nearest(voxels: npt.NDArray[np.intp], grid: Grid, point_mm: Point) -> Shape:
    distances = np.linalg.norm(grid.to_mm(voxels) - np.asarray(point_mm), axis=1)
    return as_shape(voxels[distances.argmin()])


def _top(depth: Depth, grid: Grid, voxel: Shape) -> Shape:
    """The deepest voxel of the blob around a voxel: from ball to inscribed ball, over small dips."""
    while True:
        reach = np.ceil(depth[voxel] / np.asarray(grid.spacing_mm)).astype(int)
        box = Box.around(voxel, (2 * reach + 1).tolist()).clipped(depth.shape)
        inside = np.argwhere(depth[box.slices] > depth[voxel]) + box.start
        inside = inside[np.linalg.norm((inside - voxel) * grid.spacing_mm, axis=1) <= depth[voxel]]
        if not len(inside):
            return voxel
        voxel = as_shape(inside[depth[tuple(inside.T)].argmax()])


def _cores(depth: Depth, top: Shape, other: Shape) -> npt.NDArray[np.uint8] | None:
    """The largest cores around two tops that do not touch: 1 and 2; None where no neck is between them."""

    def parted(above: float) -> npt.NDArray[np.uint8] | None:
        labels, _ = ndimage.label(depth > above, structure=CONNECTIVITY)
        if labels[top] == labels[other]:
            return None
        return np.where(labels == labels[top], 1, np.where(labels == labels[other], 2, 0)).astype(np.uint8)

    deepest = NECK * min(depth[top], depth[other])
    levels = np.unique(depth[depth <= deepest])
    found = parted(deepest)
    low, high = 0, len(levels) - 1
    while found is not None and low < high:
        middle = (low + high) // 2
        cores = parted(levels[middle])
        if cores is None:
            low = middle + 1
        else:
            found, high = cores, middle
    return found
