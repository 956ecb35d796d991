"""Distances from the border of a mask, worked out only where it matters.

Scipy's transform takes as long as the array is large, wherever the mask lies in it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.geometry import Array, Box

ONE = (1.0, 1.0, 1.0)


def depth_inside(mask: npt.NDArray[np.bool_], spacing: npt.ArrayLike = ONE, *, edged: bool = True) -> Array:
    """Distance of every voxel of a mask from the outside; 0 elsewhere.

    Parameters
    ----------
    mask : (Z, Y, X) bool
    spacing : (3,) float
        Size of a voxel.
    edged : bool
        Whether what lies beyond the array is outside; otherwise the array's edge is no border.

    Returns
    -------
    (Z, Y, X) float
        In the unit of *spacing*.
    """
    depth = np.zeros(mask.shape)
    if mask.any():
        box = Box.of_mask(mask)  # the nearest voxel outside is never farther than its next neighbours
        margin = box.grown(1)
        seen = margin.clipped(mask.shape)
        part = mask[seen.slices]
        if edged:
            start, stop = np.subtract(seen.start, margin.start), np.subtract(margin.stop, seen.stop)
            part = np.pad(part, list(zip(start, stop, strict=True)))
            seen = margin
        found = np.asarray(ndimage.distance_transform_edt(part, sampling=spacing))
        depth[box.slices] = found[box.relative_to(seen).slices]
    return depth


def distance_outside(mask: npt.NDArray[np.bool_], reach: float, spacing: npt.ArrayLike = ONE) -> Array:
    """Distance of every voxel outside from a mask, as far as *reach*; 0 inside.

    Parameters
    ----------
    mask : (Z, Y, X) bool
    reach : float
        What is farther away is infinitely far.
    spacing : (3,) float
        Size of a voxel.

    Returns
    -------
    (Z, Y, X) float
        In the unit of *spacing*.
    """
    distance = np.full(mask.shape, np.inf)
    if mask.any():
        margin = np.ceil(reach / np.asarray(spacing)).astype(int) + 1
        box = Box.of_mask(mask).grown(margin.tolist()).clipped(mask.shape)
        found = np.asarray(ndimage.distance_transform_edt(~mask[box.slices], sampling=spacing))
        distance[box.slices] = np.where(found <= reach, found, np.inf)
    return distance
