"""Drawing a box around a lesion."""

from __future__ import annotations

from collections.abc import Callable, Collection

import napari.viewer
import numpy as np

from napari_longiseg._napari.mouse.drag import Drag
from napari_longiseg._napari.view.marker_view import MarkerView
from napari_longiseg._napari.view.markers import Markers
from napari_longiseg._napari.view.under_mouse import Press
from napari_longiseg.core.geometry import Grid, Point, as_point

Corners = tuple[Point, Point]


def box_between(one_mm: Point, other_mm: Point, across: Collection[int], grid: Grid) -> Corners | None:
    """The box that a rectangle drawn in a slice stands for.

    Its depth is the larger edge of the rectangle, with the slice in the middle: most lesions are about as
    deep as they are wide. It ends where the scan ends.

    Parameters
    ----------
    one_mm, other_mm : Point
        Opposite corners of the rectangle, on the slice shown; LPS mm, order (z, y, x).
    across : collection of int
        The axis that the view cuts across.
    grid : Grid
        The scan's.

    Returns
    -------
    (2, 3) tuple of Point or None
        Lowest and highest corner; None where the rectangle is thinner than a voxel.
    """
    low, high = np.minimum(one_mm, other_mm), np.maximum(one_mm, other_mm)
    edges = high - low
    depth = float(edges.max())
    for axis in range(3):
        if axis in across:
            low[axis], high[axis] = low[axis] - depth / 2, high[axis] + depth / 2
        elif edges[axis] < grid.spacing_mm[axis]:
            return None
    first, last = grid.bounds_mm()
    return as_point(np.maximum(low, first)), as_point(np.minimum(high, last))


class BoxDrag(Drag[Corners]):
    """Draws a box, from corner to corner.

    Parameters
    ----------
    drawn : callable
        Told scan id, lowest and highest corner (LPS mm, order z, y, x).
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        view: MarkerView,
        press: Press,
        drawn: Callable[[str, Point, Point], None],
    ) -> None:
        super().__init__(viewer, view, press)
        self._drawn = drawn
        self._before = view.markers(press.cell)

    def _goal_at(self, point_mm: Point) -> Corners | None:
        grid = self._press.cell.scan.grid
        return box_between(self._press.point_mm, point_mm, self._viewer.dims.not_displayed, grid)

    def _preview(self, goal: Corners) -> Markers:
        return self._before.with_box(*goal)

    def _emit(self, goal: Corners) -> None:
        self._drawn(self._press.cell.scan.id, *goal)
