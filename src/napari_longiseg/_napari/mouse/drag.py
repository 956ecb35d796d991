"""Drags with the left button that are ours and not napari's; the one that moves a marker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import napari.viewer
import numpy as np

from napari_longiseg._napari.view.marker_view import MarkerView
from napari_longiseg._napari.view.markers import REACH_PIXELS, Markers, marker_at
from napari_longiseg._napari.view.under_mouse import Press
from napari_longiseg.core.geometry import Point, as_point

T = TypeVar("T")


class Drag(ABC, Generic[T]):
    """Follows the mouse from press to release; what comes of it is shown all the while.

    Beside the cell nothing would come of it, and nothing is shown; back in the cell it goes on.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Also a ``ViewerModel``.
    view : MarkerView
        Shows it.
    press : Press
        Where it begins.
    """

    def __init__(self, viewer: napari.viewer.Viewer, view: MarkerView, press: Press) -> None:
        self._viewer = viewer
        self._view = view
        self._press = press
        self._goal: T | None = None
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether the reader has thought better of it."""
        return self._cancelled

    def follow(self, world: Sequence[float]) -> None:
        """The mouse is at this displayed position (mm) now."""
        if self._cancelled:
            return
        there = self._press.to(self._viewer, world)
        self._goal = None if there is None else self._goal_at(there)
        self._view.draw(self._press.cell, None if self._goal is None else self._preview(self._goal))

    def cancel(self) -> None:
        """Show again what was there before; the release brings nothing."""
        self._cancelled = True
        self._view.draw(self._press.cell)

    def finish(self) -> None:
        """The button was released."""
        if self._cancelled:
            return
        if self._goal is not None:
            self._emit(self._goal)
        self._view.draw(self._press.cell)

    @abstractmethod
    def _goal_at(self, point_mm: Point) -> T | None:
        """What would come of a release at a point of the patient."""

    @abstractmethod
    def _preview(self, goal: T) -> Markers:
        """The markers of the cell while that would come of it."""

    @abstractmethod
    def _emit(self, goal: T) -> None:
        """Tell that this has come of it."""


class MarkerDrag(Drag[Point]):
    """Moves a marker within the slice shown.

    A marker of another slice, such as a proposal's ring, comes to the slice shown: there the reader sees it.

    Parameters
    ----------
    marker : int
        Which one of the cell's.
    moved : callable
        Told scan id, lesion id and the new point (LPS mm, order z, y, x).
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        view: MarkerView,
        press: Press,
        marker: int,
        moved: Callable[[str, int, Point], None],
    ) -> None:
        super().__init__(viewer, view, press)
        self._marker = marker
        self._moved = moved
        self._before = view.markers(press.cell)

    @classmethod
    def at(
        cls,
        viewer: napari.viewer.Viewer,
        view: MarkerView,
        press: Press,
        moved: Callable[[str, int, Point], None],
    ) -> MarkerDrag | None:
        """Take hold of the marker under the mouse; None where there is none."""
        reach_mm = REACH_PIXELS / viewer.scene.camera.zoom
        shown = view.markers(press.cell)
        across = viewer.dims.not_displayed
        marker = marker_at(shown, press.cell.scan, press.point_mm, across, reach_mm)
        return None if marker is None else cls(viewer, view, press, marker, moved)

    def _goal_at(self, point_mm: Point) -> Point | None:
        goal = self._before.points_mm[self._marker] + np.subtract(point_mm, self._press.point_mm)
        for axis in self._viewer.dims.not_displayed:
            goal[axis] = point_mm[axis]
        return as_point(goal) if self._press.cell.scan.grid.contains(goal) else None

    def _preview(self, goal: Point) -> Markers:
        return self._before.moved(self._marker, goal)

    def _emit(self, goal: Point) -> None:
        self._moved(self._press.cell.scan.id, int(self._before.lesions[self._marker]), goal)


@contextmanager
def held(viewer: napari.viewer.Viewer, drag: Drag[Any]) -> Iterator[None]:
    """While the button is down the view stays where it is, and Escape ends the drag."""
    camera = viewer.scene.camera
    pans = camera.mouse_pan
    camera.mouse_pan = False
    before = viewer.bind_key("Escape", lambda _: drag.cancel(), overwrite=True)
    try:
        yield
    finally:
        viewer.bind_key("Escape", before, overwrite=True)  # None sets it free
        camera.mouse_pan = pans
