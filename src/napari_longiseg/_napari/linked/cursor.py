"""A cross-hair on all scans, where the place under the mouse lies on each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import napari.viewer
import numpy as np
from psygnal import Signal

from napari_longiseg._napari.linked.pointing import Pointed, pointed
from napari_longiseg._napari.view.bridge import LayerBridge
from napari_longiseg._napari.view.cell import Cell
from napari_longiseg._napari.view.steps import FrameTimer
from napari_longiseg.core.geometry import Point, as_point
from napari_longiseg.session import Session

CLEAR, FAINT, HIDDEN = 1.0, 0.35, 0.0
"""Opacities: on the slice shown; on another slice, or under the mouse itself; on no scan."""
NEAR_MM = 2.0
"""A place this far from the slice shown counts as on it, at least."""


class RegisteredCursor:
    """Shows the place under the mouse on all scans to which a map leads.

    It is open in the middle, so that a small lesion is seen in it. In 2-D a cross-hair whose place lies on
    another slice is drawn faintly on the one shown; in 3-D the place is the first voxel of a lesion under the
    mouse, else the brightest. Off until :attr:`enabled` is set.

    Whoever makes it must keep it, and close it before the bridge.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Also a ``ViewerModel``.
    session : Session
        Places belong to its study.
    bridge : LayerBridge
        Owns the cells.

    Signals
    -------
    moved(str, Point)
        The mouse points at another place: scan id, LPS mm in the order (z, y, x). See :attr:`places`.
    left()
        It points at no scan any more.
    """

    moved = Signal(str, tuple)
    left = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, session: Session, bridge: LayerBridge) -> None:
        self._viewer = viewer
        self._session = session
        self._bridge = bridge
        self._on = False
        self._places: dict[str, Point] = {}
        self._timer = FrameTimer(self.update)
        viewer.dims.events.point.connect(self._on_view)
        viewer.scene.camera.events.zoom.connect(self._on_view)
        session.study_changed.connect(self._on_study)

    def close(self) -> None:
        """Take the cross-hairs away and stop watching."""
        self.enabled = False
        self._viewer.dims.events.point.disconnect(self._on_view)
        self._viewer.scene.camera.events.zoom.disconnect(self._on_view)
        self._session.study_changed.disconnect(self._on_study)

    @property
    def enabled(self) -> bool:
        """Whether cross-hairs are shown."""
        return self._on

    @enabled.setter
    def enabled(self, on: bool) -> None:
        callbacks = self._viewer.mouse_move_callbacks
        if on and not self._on:
            callbacks.append(self._on_mouse)
        elif self._on and not on:
            callbacks.remove(self._on_mouse)
            self._timer.stop()
            self._show(None)
        self._on = on

    @property
    def places(self) -> Mapping[str, Point]:
        """The place under the mouse by scan id, LPS mm in the order (z, y, x); empty beside all scans."""
        return MappingProxyType(self._places)

    def update(self) -> None:
        """Show where the mouse is now."""
        self._show(pointed(self._viewer, self._bridge))

    def _show(self, place: Pointed | None) -> None:
        had = bool(self._places)
        self._places = (
            {} if place is None else self._bridge.placing.spread(place.cell.scan.id, place.point_mm)
        )
        for cell in self._bridge.cells:
            point = self._places.get(cell.scan.id)
            if point is None or not cell.scan.grid.contains(point):
                cell.fade_cursor(HIDDEN)
            else:
                own = place is not None and cell is place.cell
                self._mark(cell, point, own)
        if place is not None:
            self.moved.emit(place.cell.scan.id, place.point_mm)
        elif had:
            self.left.emit()

    def _mark(self, cell: Cell, point: Point, own: bool) -> None:
        """Draw one cross-hair, on the slice shown."""
        dims, spacing = self._viewer.dims, np.asarray(cell.scan.grid.spacing_mm)
        index, across = cell.scan.grid.to_index(point), list(dims.not_displayed)
        shown = cell.scan.grid.to_index(np.subtract(dims.point, cell.shift_mm))[across]
        away = np.abs(index[across] - shown) * spacing[across]
        off = (away > np.maximum(spacing[across], NEAR_MM)).any()
        index[across] = np.rint(shown)
        zoom = self._viewer.scene.camera.zoom
        cell.point_at(as_point(index), dims.displayed, zoom, FAINT if own or off else CLEAR)

    # ---- what others say

    def _on_mouse(self, _viewer: Any, _event: Any) -> None:  # noqa: ANN401 - napari's
        self._timer.soon()

    def _on_view(self, _: Any) -> None:  # noqa: ANN401 - napari's event
        if self._on and self._places:
            self._timer.soon()

    def _on_study(self, _: object) -> None:
        self._timer.stop()
        self._places = {}
