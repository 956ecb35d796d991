"""Connected components and a lesion's point, in millimetres."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.distance import depth_inside
from napari_longiseg.core.geometry import Grid, Point, as_point

Mask = npt.NDArray[np.bool_]
CONNECTIVITY = np.ones((3, 3, 3), dtype=bool)
"""26 neighbours."""


def nearest_component(mask: Mask, grid: Grid, point_mm: Point) -> tuple[Mask, float]:
    """The connected component nearest to a point, and its distance in mm.

    LinGuinE, section 2.1: false positives in nearby tumours are dropped.

    Parameters
    ----------
    mask : (Z, Y, X) bool
        Any number of 26-connected components.
    grid : Grid
        The mask's grid.
    point_mm : Point
        LPS mm, order (z, y, x).

    Returns
    -------
    component : (Z, Y, X) bool
        Empty where the mask is.
    distance_mm : float
        From the point to the nearest voxel's centre, 0 where the point's own voxel belongs to the
        component; infinity where the mask is empty.
    """
    voxels = np.argwhere(mask)
    if not len(voxels):
        return np.zeros_like(mask), float("inf")
    labels, _ = ndimage.label(mask, structure=CONNECTIVITY)
    index = np.rint(grid.to_index(point_mm)).astype(int)
    if ((index >= 0) & (index < mask.shape)).all() and mask[tuple(index)]:
        return labels == labels[tuple(index)], 0.0
    distances = np.linalg.norm(grid.to_mm(voxels) - np.asarray(point_mm), axis=1)
    nearest = int(distances.argmin())
    return labels == labels[tuple(voxels[nearest])], float(distances[nearest])


def deepest_point(mask: Mask, grid: Grid) -> Point:
    """The voxel centre farthest from the mask's border, by a Euclidean distance transform in mm.

    Always inside the mask. Where several voxels are equally deep, the one nearest to their common centre
    is taken, so that thin lesions get a central point.

    Parameters
    ----------
    mask : (Z, Y, X) bool
        Not empty. What lies outside the array counts as background.
    grid : Grid
        The mask's grid.
    """
    depth = depth_inside(mask, grid.spacing_mm)
    deepest = grid.to_mm(np.argwhere(depth >= depth.max() - 1e-6))
    to_centre = np.linalg.norm(deepest - deepest.mean(axis=0), axis=1)
    return as_point(deepest[to_centre.argmin()])
