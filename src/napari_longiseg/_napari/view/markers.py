"""What marks lesions on a scan besides their outlines: clicks, proposals and boxes; pure functions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_longiseg._napari.layers.colours import Rgba, colour_of, rgba
from napari_longiseg.core.geometry import Array, Point
from napari_longiseg.core.lesion import Click, Lesion
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Scan

UNKNOWN_MM = 5.0
"""Radius of a proposal's ring where the registration cannot tell its error."""
LEAST_MM = 0.5
"""Radius of a ring, at the least: one of a point that is known exactly is still a ring."""
FAINT = 0.6
"""Opacity of the other lesions' markers while one is selected."""
REACH_PIXELS = 8
"""A press this close to a marker takes hold of it."""


@dataclass(frozen=True, slots=True)
class MarkerBox:
    """The outline of a box: its corners (LPS mm, order z, y, x) and its colour."""

    low_mm: Point
    high_mm: Point
    rgba: Rgba


@dataclass(frozen=True, slots=True, eq=False)
class Markers:
    """The markers of one scan.

    Attributes
    ----------
    lesions : (N,) int
        Whose they are.
    points_mm : (N, 3) float
        LPS mm, order (z, y, x).
    radii_mm : (N,) float
        Of a proposal's sphere, which is drawn hollow; 0 for a click.
    symbols : (N,) str
        napari's: a cross for a positive click, an x for a negative one, a disc for a proposal.
    rgba : (N, 4) float
        Red, green, blue, alpha from 0 to 1.
    strong : (N,) bool
        Drawn with thick lines: all of them, or those of the selected lesion.
    movable : (N,) bool
        Whether the reader may move them: all but negative clicks.
    boxes : tuple of MarkerBox
        The selected lesion's.
    """

    lesions: npt.NDArray[np.int64]
    points_mm: Array
    radii_mm: Array
    symbols: npt.NDArray[np.str_]
    rgba: Array
    strong: npt.NDArray[np.bool_]
    movable: npt.NDArray[np.bool_]
    boxes: tuple[MarkerBox, ...] = ()

    def moved(self, marker: int, point_mm: Point) -> Markers:
        """The same with one marker elsewhere."""
        points = self.points_mm.copy()
        points[marker] = point_mm
        return replace(self, points_mm=points)

    def with_box(self, low_mm: Point, high_mm: Point) -> Markers:
        """The same with one box more, in white."""
        return replace(self, boxes=(*self.boxes, MarkerBox(low_mm, high_mm, (1.0, 1.0, 1.0, 1.0))))


def markers(
    scan: Scan, lesions: Sequence[Lesion], proposals: Sequence[Proposal], selected: int | None
) -> Markers:
    """The markers of one scan.

    Parameters
    ----------
    scan : Scan
        Where they lie.
    lesions : sequence of Lesion
        All lesions; their clicks on the scan are marked.
    proposals : sequence of Proposal
        Of the scan.
    selected : int or None
        The lesion that stands out; with none, all are equal.
    """
    by_id = {lesion.id: lesion for lesion in lesions}
    marked: list[tuple[Lesion, Click | Proposal]] = [
        (lesion, click) for lesion in lesions for click in lesion.clicks_on(scan.id)
    ]
    marked += [(by_id[proposal.lesion], proposal) for proposal in proposals]
    strong = [selected in (None, lesion.id) for lesion, _ in marked]
    colours = [rgba(colour_of(x), 1.0 if s else FAINT) for (x, _), s in zip(marked, strong, strict=True)]
    chosen = by_id.get(selected) if selected is not None else None
    return Markers(
        lesions=np.array([lesion.id for lesion, _ in marked], dtype=np.int64),
        points_mm=np.array([mark.point_mm for _, mark in marked], dtype=np.float64).reshape(-1, 3),
        radii_mm=np.array([_radius_mm(mark) for _, mark in marked], dtype=np.float64),
        symbols=np.array([_symbol(mark) for _, mark in marked], dtype="U8"),
        rgba=np.array(colours, dtype=np.float64).reshape(-1, 4),
        strong=np.array(strong, dtype=bool),
        movable=np.array([isinstance(mark, Proposal) or mark.positive for _, mark in marked], dtype=bool),
        boxes=() if chosen is None else _boxes(scan, chosen),
    )


def section_radii(radii_mm: npt.ArrayLike, offsets_mm: npt.ArrayLike) -> Array:
    """Radius of the circles in which planes cut spheres, at these distances from their centres; 0 beside."""
    squared = np.square(np.asarray(radii_mm, dtype=np.float64)) - np.square(offsets_mm)
    radii: Array = np.sqrt(np.clip(squared, 0.0, None))
    return radii


def marker_at(
    shown: Markers, scan: Scan, point_mm: Point, across: Collection[int], reach_mm: float
) -> int | None:
    """The movable marker that a press takes hold of: its centre or its ring lies this close in the plane.

    Parameters
    ----------
    shown : Markers
        Of the scan.
    scan : Scan
        The scan.
    point_mm : Point
        Where the mouse was pressed; along the axes that the view cuts across, the slice shown.
    across : collection of int
        Axes that the view cuts across.
    reach_mm : float
        How close is close enough.

    Returns
    -------
    int or None
        Its index; the selected lesion's markers come before others, then the nearest.
    """
    offsets = shown.points_mm - np.asarray(point_mm)
    along = [axis for axis in range(3) if axis not in across]
    apart = np.linalg.norm(offsets[:, along], axis=1)
    deep = np.linalg.norm(offsets[:, list(across)], axis=1)
    half_voxel = max((scan.grid.spacing_mm[axis] / 2 for axis in across), default=np.inf)
    seen = deep <= np.maximum(shown.radii_mm, half_voxel + 1e-6)
    ring = np.abs(apart - section_radii(shown.radii_mm, deep))
    gap = np.where(shown.radii_mm > 0, np.minimum(apart, ring), apart)
    near = np.flatnonzero(seen & shown.movable & (gap <= reach_mm))
    return min(near.tolist(), key=lambda i: (not shown.strong[i], gap[i]), default=None)


def _boxes(scan: Scan, lesion: Lesion) -> tuple[MarkerBox, ...]:
    box = lesion.box_on(scan.id)
    return () if box is None else (MarkerBox(box.low_mm, box.high_mm, rgba(colour_of(lesion))),)


def _radius_mm(mark: Click | Proposal) -> float:
    if isinstance(mark, Click):
        return 0.0
    return UNKNOWN_MM if mark.uncertainty_mm is None else max(mark.uncertainty_mm, LEAST_MM)


def _symbol(mark: Click | Proposal) -> str:
    if isinstance(mark, Proposal):
        return "disc"
    return "cross" if mark.positive else "x"
