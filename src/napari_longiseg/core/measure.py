"""Volume, RECIST diameters and density of a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import cdist

from napari_longiseg.core.geometry import Array, Grid, as_point
from napari_longiseg.core.lesion import Measurements


def measure(mask: npt.NDArray[np.bool_], grid: Grid, image: npt.NDArray[Any]) -> Measurements:
    """Measure one lesion.

    Parameters
    ----------
    mask : (Z, Y, X) bool
        Not empty.
    grid : Grid
        LPS grid of mask and image.
    image : (Z, Y, X)
        HU.

    Notes
    -----
    The diameters follow RECIST 1.1: the long axis is the longest distance between voxel centres within one
    axial slice; the short axis is the longest chord of the same slice's convex hull perpendicular to it.
    Centre-to-centre distances have the smallest bias on discs of 6 to 40 mm. A slice of one voxel has
    diameters of 0 mm.
    """
    ends = _long_axis(mask, grid)
    across = _short_axis(mask, grid, ends)
    return Measurements(
        volume_ml=float(mask.sum()) * grid.voxel_ml,
        long_axis_mm=_length(ends),
        short_axis_mm=_length(across),
        mean_hu=float(image[mask].mean(dtype=np.float64)),
        long_axis_ends_mm=(as_point(ends[0]), as_point(ends[1])),
        short_axis_ends_mm=(as_point(across[0]), as_point(across[1])),
    )


def change_pct(value: float | None, reference: float | None) -> float | None:
    """Change of a measurement in per cent; None where it has no meaning."""
    if value is None or not reference:
        return None
    return 100.0 * (value - reference) / reference


def _long_axis(mask: npt.NDArray[np.bool_], grid: Grid) -> Array:
    """Ends (2, 3) in mm of the longest in-plane distance over all axial slices."""
    best = np.zeros((2, 3))
    longest = -1.0
    spans = np.stack([np.ptp(_ends(np.asarray(mask.any(axis=axis))), axis=0) for axis in (2, 1)], axis=-1)
    diagonals = np.linalg.norm(spans * grid.spacing_mm[1:], axis=-1)
    for z in np.flatnonzero(mask.any(axis=(1, 2))):
        if diagonals[z] < longest:  # nothing in the slice is as far apart
            continue
        hull = _hull_mm(mask, grid, int(z))
        distances = cdist(hull, hull)
        a, b = np.unravel_index(distances.argmax(), distances.shape)
        if distances[a, b] > longest:
            longest = float(distances[a, b])
            best = hull[[a, b]]
    return best


def _short_axis(mask: npt.NDArray[np.bool_], grid: Grid, long_ends: Array) -> Array:
    """Ends (2, 3) in mm of the longest chord perpendicular to the long axis, in its slice.

    The hull is a convex polygon, so the longest perpendicular chord starts or ends at one of its corners:
    cut the polygon at the position of every corner along the long axis.
    """
    along = long_ends[1] - long_ends[0]
    length = float(np.linalg.norm(along))
    if length == 0.0:
        return long_ends
    along = along / length
    across = np.array([0.0, -along[2], along[1]])
    z = int(np.rint(grid.to_index(long_ends[0])[0]))
    hull = _hull_mm(mask, grid, z)
    t, w = hull @ along, hull @ across
    best, widest = np.stack([long_ends.mean(axis=0)] * 2), 0.0
    for position in t:
        low, high = _chord(t, w, float(position))
        if high - low > widest:
            widest = high - low
            foot = hull[0] + (position - t[0]) * along - w[0] * across
            best = np.stack([foot + low * across, foot + high * across])
    return best


def _chord(t: Array, w: Array, position: float) -> tuple[float, float]:
    """Where the closed polygon (t, w) is cut at t = position: lowest and highest w."""
    t2, w2 = np.roll(t, -1), np.roll(w, -1)
    crosses = (np.minimum(t, t2) <= position + 1e-9) & (np.maximum(t, t2) >= position - 1e-9)
    step = np.where(np.abs(t2 - t) < 1e-9, 1.0, t2 - t)
    fraction = np.clip((position - t) / step, 0.0, 1.0)
    cuts = np.where(np.abs(t2 - t) < 1e-9, w, w + fraction * (w2 - w))[crosses]
    return float(cuts.min()), float(cuts.max())


def _hull_mm(mask: npt.NDArray[np.bool_], grid: Grid, z: int) -> Array:
    """Corners (N, 3) in mm of the convex hull of one axial slice, in order around it."""
    rows = np.flatnonzero(mask[z].any(axis=1))
    ends = _ends(mask[z, rows])  # what lies between the ends of a row is no corner
    yx = np.unique(np.column_stack([np.tile(rows, 2), ends.ravel()]), axis=0)
    points = grid.to_mm(np.column_stack([np.full(len(yx), z), yx]))
    if len(points) < 3:
        return points
    try:
        corners = ConvexHull(points[:, 1:]).vertices
    except QhullError:  # all on one line
        direction = points[-1] - points[0]
        corners = np.argsort(points @ direction)[[0, -1]]
    hull: Array = points[corners]
    return hull


def _ends(rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """First and last set voxel of each row: (2, N) of (N, M); 0 and the last where none is set."""
    return np.stack([rows.argmax(axis=1), rows.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)])


def _length(ends: Array) -> float:
    return float(np.linalg.norm(ends[1] - ends[0]))
