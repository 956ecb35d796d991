"""What the clicks say: where the lesion starts, its HU, and where it must not be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_longiseg.core.geometry import Grid, Point, as_shape
from napari_longiseg.segmentation._patch import Float32, Mask, Patch
from napari_longiseg.segmentation._prior import Expected

NOISE_LIMITS_HU = (3.0, 60.0)
AROUND_MM = 15.0
REFUSED_RATIO = 0.6
"""A voxel is refused where its distance to a negative click is less than this share of that to a positive."""


@dataclass(frozen=True, eq=False)
class Seed:
    """Where a lesion starts on a patch.

    Attributes
    ----------
    voxels : tuple of (3,) int
        One per positive click, in the patch.
    lesion_hu : tuple of float
        HU at each.
    distance_hu : (Z, Y, X) float32
        How far each voxel is from the nearest of them, noise suppressed; infinite where the lesion must
        not be.
    """

    voxels: tuple[tuple[int, int, int], ...]
    lesion_hu: tuple[float, ...]
    distance_hu: Float32


def noise_hu(image: Float32, grid: Grid, point_mm: Point) -> float:
    """Standard deviation of the noise around a point, from second differences within slices.

    The median of their sizes is hardly moved by the borders of organs. Constant parts (padding) do not count.
    """
    reach = np.maximum(np.ceil(AROUND_MM / np.asarray(grid.spacing_mm)), 3)
    centre = np.asarray(grid.nearest_voxel(point_mm))
    z, y, x = (slice(max(int(c - r), 0), int(c + r) + 1) for c, r in zip(centre, reach, strict=True))
    part = image[z, y, x]
    steps = np.concatenate([np.abs(np.diff(part, 2, axis=axis)).ravel() for axis in (1, 2)])
    steps = steps[steps > 0]
    if not len(steps):
        return NOISE_LIMITS_HU[0]
    return float(np.clip(np.median(steps) / (0.6745 * np.sqrt(6)), *NOISE_LIMITS_HU))


def seed(
    patch: Patch,
    positive: Sequence[Point],
    refused: Mask,
    smooth: Float32,
    tolerance_mm: float,
    expected: Expected | None,
) -> Seed:
    """Start voxels and the distance in HU from the lesion.

    Parameters
    ----------
    positive : sequence of Point
        LPS mm; those outside the patch are passed over, the first lies in it.
    refused : (Z, Y, X) bool
        Where the lesion must not be.
    smooth : (Z, Y, X) float32
        The patch with its noise suppressed.
    tolerance_mm : float
        How far the lesion may lie from a click.
    expected : Expected or None
        What the lesion looked like on another scan; a click then moves within its tolerance to the voxel
        that looks most like it.
    """
    voxels, values = [], []
    for point in positive:
        if not patch.grid.contains(point):
            continue
        voxel = patch.grid.nearest_voxel(point)
        if expected is not None and tolerance_mm > 0:
            voxel = _most_alike(patch, smooth, point, tolerance_mm, expected)
        voxels.append(voxel)
        values.append(float(smooth[voxel]))
    distance = np.min([np.abs(smooth - value) for value in values], axis=0)
    distance[refused | ~patch.seen] = np.inf
    return Seed(tuple(voxels), tuple(values), distance)


def refused(patch: Patch, positive: Sequence[Point], negative: Sequence[Point]) -> Mask:
    """Voxels that are clearly nearer to a negative click than to any positive one, (Z, Y, X) bool."""
    out = np.zeros(patch.grid.shape, dtype=bool)
    if not negative:
        return out
    wanted = np.min([patch.distance_mm(point) for point in positive], axis=0)
    for point in negative:
        out |= patch.distance_mm(point) < REFUSED_RATIO * wanted
        if patch.grid.contains(point):
            out[patch.grid.nearest_voxel(point)] = True
    return out


def _most_alike(
    patch: Patch, smooth: Float32, point: Point, tolerance_mm: float, expected: Expected
) -> tuple[int, int, int]:
    """The voxel near a point whose HU is nearest to what is expected; a little less far counts too."""
    inside = patch.distance_mm(point) <= tolerance_mm
    inside[patch.grid.nearest_voxel(point)] = True
    near = np.argwhere(inside)
    far = np.linalg.norm(patch.grid.to_mm(near) - np.asarray(point), axis=1) / tolerance_mm
    unlike = np.abs(smooth[tuple(near.T)] - expected.lesion_hu) / abs(expected.contrast_hu)
    return as_shape(near[int(np.argmin(unlike + 0.3 * far))])
