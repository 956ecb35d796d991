"""Geometry as values: a grid between voxels and patient space, and boxes of voxels.

Indices and points have shape ``(N, 3)`` or ``(3,)`` in the order ``(z, y, x)``; points are LPS millimetres.
The centre of voxel ``(0, 0, 0)`` lies at ``origin_mm``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import GeometryError

Array = npt.NDArray[np.float64]
Point = tuple[float, float, float]
Shape = tuple[int, int, int]

IDENTITY_DIRECTION = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
SNAP_TOLERANCE = 1e-4
"""Direction cosines this close to 0 or 1 count as such: 0.05 mm over 500 mm."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the voxels of an array lie in patient space.

    Attributes
    ----------
    shape : (3,) int
        Number of voxels along the array's axes.
    spacing_mm : (3,) float
        Distance between voxel centres along the array's axes, in mm.
    origin_mm : (3,) float
        Centre of voxel (0, 0, 0) in patient space, LPS mm in the order (z, y, x).
    direction : (3, 3) float
        Column *j* is the unit vector in patient space, components ordered (z, y, x), along which array
        axis *j* grows. The identity for the LPS grids that the package works on.
    """

    shape: Shape
    spacing_mm: Point
    origin_mm: Point = (0.0, 0.0, 0.0)
    direction: tuple[Point, Point, Point] = IDENTITY_DIRECTION

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 1:
            msg = f"A grid needs three axes of at least one voxel, not {self.shape}."
            raise GeometryError(msg)
        if not all(np.isfinite(self.spacing_mm)) or min(self.spacing_mm) <= 0:
            msg = f"The voxel spacing must be positive, not {self.spacing_mm} mm."
            raise GeometryError(msg)
        # Plain numbers, so that equal grids look the same, and with them the key of a scan.
        z, y, x = (as_point(row) for row in self.direction)
        object.__setattr__(self, "shape", as_shape(self.shape))
        object.__setattr__(self, "spacing_mm", as_point(self.spacing_mm))
        object.__setattr__(self, "origin_mm", as_point(self.origin_mm))
        object.__setattr__(self, "direction", (z, y, x))

    @property
    def matrix(self) -> Array:
        """(3, 3) matrix from index steps to mm."""
        matrix: Array = np.asarray(self.direction) * np.asarray(self.spacing_mm)
        return matrix

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in ml."""
        return float(np.prod(self.spacing_mm)) / 1000.0

    @property
    def size_mm(self) -> Point:
        """Edge lengths of the volume in mm, voxels taken as boxes."""
        return as_point(np.asarray(self.shape) * self.spacing_mm)

    @property
    def middle_mm(self) -> Point:
        """Patient point (mm) in the middle of the volume."""
        return as_point(self.to_mm((np.asarray(self.shape) - 1) / 2))

    @property
    def is_lps(self) -> bool:
        """Whether array axes are the patient axes (z to the head, y to the back, x to the left)."""
        return bool(np.allclose(self.direction, IDENTITY_DIRECTION, rtol=0, atol=SNAP_TOLERANCE))

    def to_mm(self, indices: npt.ArrayLike) -> Array:
        """Patient points (mm) of continuous voxel indices, shape (..., 3)."""
        points: Array = np.asarray(indices, dtype=np.float64) @ self.matrix.T + np.asarray(self.origin_mm)
        return points

    def to_index(self, points_mm: npt.ArrayLike) -> Array:
        """Continuous voxel indices of patient points (mm), shape (..., 3)."""
        offset = np.asarray(points_mm, dtype=np.float64) - np.asarray(self.origin_mm)
        indices: Array = offset @ np.linalg.inv(self.matrix).T
        return indices

    def nearest_voxel(self, point_mm: npt.ArrayLike) -> Shape:
        """Index of the voxel whose centre is nearest, clipped to the grid."""
        index = np.clip(np.rint(self.to_index(point_mm)), 0, np.asarray(self.shape) - 1)
        return as_shape(index)

    def contains(self, points_mm: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether points lie inside the volume (voxels taken as boxes), shape (...)."""
        index = self.to_index(points_mm)
        inside = (index >= -0.5) & (index <= np.asarray(self.shape) - 0.5)
        return np.asarray(inside.all(axis=-1))

    def crop(self, box: Box) -> Grid:
        """Grid of a box of this grid; the box may stick out."""
        return replace(self, shape=box.shape, origin_mm=as_point(self.to_mm(box.start)))

    def box_between(self, low_mm: Point, high_mm: Point) -> Box:
        """The voxels whose centres lie between two corners (mm); it may stick out. For LPS grids."""
        start, last = np.ceil(self.to_index(low_mm) - 1e-6), np.floor(self.to_index(high_mm) + 1e-6)
        return Box(as_shape(start), as_shape(last + 1))

    def overlap_mm(self, other: Grid) -> Point:
        """Edge lengths in mm of the common part of two grids' bounding boxes; 0 where they miss."""
        low_a, high_a = self.bounds_mm()
        low_b, high_b = other.bounds_mm()
        return as_point(np.clip(np.minimum(high_a, high_b) - np.maximum(low_a, low_b), 0, None))

    def bounds_mm(self) -> tuple[Array, Array]:
        """Lowest and highest patient coordinate (mm) of the volume, voxels taken as boxes."""
        edges = [(-0.5, n - 0.5) for n in self.shape]
        corners = self.to_mm(np.stack(np.meshgrid(*edges, indexing="ij"), axis=-1).reshape(-1, 3))
        return corners.min(axis=0), corners.max(axis=0)


@dataclass(frozen=True, slots=True)
class Box:
    """Voxels ``start <= index < stop`` of a grid, order (z, y, x); it may stick out of the grid."""

    start: Shape
    stop: Shape

    @property
    def shape(self) -> Shape:
        """Number of voxels along each axis; 0 where the box is empty."""
        return as_shape(np.clip(np.subtract(self.stop, self.start), 0, None))

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as slices into an array of the whole grid; for boxes inside it."""
        z, y, x = (slice(a, b) for a, b in zip(self.start, self.stop, strict=True))
        return z, y, x

    @property
    def is_empty(self) -> bool:
        """Whether the box holds no voxel."""
        return 0 in self.shape

    def clipped(self, shape: Sequence[int]) -> Box:
        """The part of the box inside an array of this shape."""
        return self.intersection(Box((0, 0, 0), as_shape(shape)))

    def intersection(self, other: Box) -> Box:
        """The common part of two boxes of the same grid."""
        start = np.maximum(self.start, other.start)
        stop = np.maximum(np.minimum(self.stop, other.stop), start)
        return Box(as_shape(start), as_shape(stop))

    def union(self, other: Box) -> Box:
        """The smallest box around two boxes of the same grid."""
        return Box(as_shape(np.minimum(self.start, other.start)), as_shape(np.maximum(self.stop, other.stop)))

    def grown(self, voxels: int | Sequence[int]) -> Box:
        """The box with a margin of this many voxels on every side."""
        return Box(as_shape(np.subtract(self.start, voxels)), as_shape(np.add(self.stop, voxels)))

    def relative_to(self, outer: Box) -> Box:
        """The same voxels, counted from the start of *outer*."""
        return Box(
            as_shape(np.subtract(self.start, outer.start)), as_shape(np.subtract(self.stop, outer.start))
        )

    @classmethod
    def around(cls, index: npt.ArrayLike, shape: Sequence[int]) -> Box:
        """Box of this shape centred on a voxel index."""
        start = np.rint(np.asarray(index)).astype(int) - np.asarray(shape) // 2
        return cls(as_shape(start), as_shape(start + np.asarray(shape)))

    @classmethod
    def of_mask(cls, mask: npt.NDArray[Any]) -> Box:
        """Tightest box around the non-zero voxels; empty where there are none."""
        if not mask.any():
            return cls((0, 0, 0), (0, 0, 0))
        spans = [np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
        return cls(as_shape([s[0] for s in spans]), as_shape([s[-1] + 1 for s in spans]))


def distance_mm(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Euclidean distance of two points in mm."""
    return float(np.linalg.norm(np.subtract(a, b)))


def as_point(values: npt.ArrayLike) -> Point:
    """Three numbers as a tuple of floats, order (z, y, x)."""
    z, y, x = (float(v) for v in np.asarray(values, dtype=np.float64))
    return z, y, x


def as_shape(values: npt.ArrayLike) -> Shape:
    """Three whole numbers as a tuple of ints, order (z, y, x)."""
    z, y, x = (int(v) for v in np.asarray(values))
    return z, y, x
