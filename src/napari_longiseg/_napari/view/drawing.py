"""How markers are drawn as the points of one napari layer; pure functions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from itertools import product

import numpy as np
import numpy.typing as npt

from napari_longiseg._napari.view.markers import MarkerBox, Markers, section_radii
from napari_longiseg.core.geometry import Array, Grid

CROSS_SHARE = 0.05
"""Size of a cross as a share of the scan's width: seen when the whole body is in view."""
CROSS_PIXELS = 13
"""Size of a cross on the screen, at most: it lies on the lesion."""
RING_PIXELS = 12
"""Diameter of a ring on the screen, at least."""
LINE_PIXELS, STRONG_LINE_PIXELS = 1.5, 3.0
DOT_PIXELS = 4
DOTS = 16
"""Along each edge of a box, which is drawn dotted: napari's points know no lines."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Points of a napari layer, in voxels.

    Attributes
    ----------
    indices : (N, 3) float
        Where they lie.
    sizes, lines : (N,) float
        Diameter and width of the border, in voxels along x, as napari wants them.
    faces, borders : (N, 4) float
        Colours; a hollow point's face is transparent.
    symbols : (N,) str
        napari's.
    """

    indices: Array
    sizes: Array
    lines: Array
    faces: Array
    borders: Array
    symbols: npt.NDArray[np.str_]

    def __eq__(self, other: object) -> bool:
        """Whether the same would be seen."""
        if not isinstance(other, Drawing):
            return NotImplemented
        return all(np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    __hash__ = None  # type: ignore[assignment]  # arrays


def drawing(shown: Markers, grid: Grid, across: Collection[int], zoom: float) -> Drawing:
    """Points that show the markers in a view.

    napari draws a point on the one slice that it lies on. A proposal is a sphere and a box has a depth, so
    both are repeated on all the slices that cut them.

    Parameters
    ----------
    shown : Markers
        Of one scan.
    grid : Grid
        The scan's.
    across : collection of int
        Axes that the view cuts across: one in 2-D, none in 3-D.
    zoom : float
        Pixels of the screen per mm: crosses and lines keep their size on it.
    """
    pixel = 1.0 / (zoom * grid.spacing_mm[2])
    which, indices, radii = _sections(shown, grid, across)
    cross = min(CROSS_PIXELS * pixel, CROSS_SHARE * grid.shape[2])
    rings = np.maximum(2 * radii / grid.spacing_mm[2], RING_PIXELS * pixel)
    hollow = shown.radii_mm[which] > 0
    faces = shown.rgba[which].copy()
    faces[hollow, 3] = 0.0
    dots = [_dots(box, grid, across) for box in shown.boxes]
    dot_colours = [np.tile(box.rgba, (len(d), 1)) for box, d in zip(shown.boxes, dots, strict=True)]
    count = sum(map(len, dots))
    line = np.where(shown.strong[which], STRONG_LINE_PIXELS, LINE_PIXELS) * pixel
    return Drawing(
        indices=np.concatenate([indices, *dots]),
        sizes=np.append(np.where(hollow, rings, cross), np.full(count, DOT_PIXELS * pixel)),
        lines=np.append(line, np.zeros(count)),
        faces=np.concatenate([faces, *dot_colours]),
        borders=np.concatenate([shown.rgba[which], *dot_colours]),
        symbols=np.append(shown.symbols[which], np.full(count, "disc")),
    )


def _sections(
    shown: Markers, grid: Grid, across: Collection[int]
) -> tuple[npt.NDArray[np.intp], Array, Array]:
    """Where each marker is drawn: which one (M,), voxel indices (M, 3), the radius there in mm (M,)."""
    centres = grid.to_index(shown.points_mm)
    which, indices, radii = [], [], []
    for marker, (centre, radius) in enumerate(zip(centres, shown.radii_mm, strict=True)):
        axes = [
            _slices(centre[i], radius / grid.spacing_mm[i], i in across, n) for i, n in enumerate(grid.shape)
        ]
        for index in product(*axes):
            which.append(marker)
            indices.append(index)
            offset = np.linalg.norm(np.subtract(index, centre) * grid.spacing_mm)
            radii.append(section_radii(radius, offset))
    return (
        np.array(which, dtype=np.intp),
        np.array(indices, dtype=np.float64).reshape(-1, 3),
        np.array(radii, dtype=np.float64),
    )


def _slices(centre: float, radius: float, cut: bool, count: int) -> Array:
    """Coordinates along one axis at which a sphere is drawn; all in voxels."""
    if not cut or radius == 0:
        return np.array([centre])
    nearest = np.rint(centre)
    low, high = min(nearest, np.ceil(centre - radius)), max(nearest, np.floor(centre + radius))
    return np.arange(max(low, 0), min(high, count - 1) + 1)


def _dots(box: MarkerBox, grid: Grid, across: Collection[int]) -> Array:
    """Voxel indices (N, 3) of points along the edges of a box, on every slice that cuts it."""
    low, high = grid.to_index(box.low_mm), grid.to_index(box.high_mm)
    ends = [
        np.arange(np.ceil(a), np.floor(b) + 1) if axis in across else np.array([a, b])
        for axis, (a, b) in enumerate(zip(low, high, strict=True))
    ]
    edges: list[tuple[float, ...]] = []
    for axis in range(3):
        if axis not in across:
            along = np.linspace(low[axis], high[axis], DOTS)
            edges += product(*(along if i == axis else ends[i] for i in range(3)))
    return np.array(edges, dtype=np.float64).reshape(-1, 3)
