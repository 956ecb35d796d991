"""Clicks in the viewer, sent to the scan whose cell was clicked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import napari.viewer
import numpy as np
from psygnal import Signal

from napari_longiseg._napari.bridge import LayerBridge
from napari_longiseg._napari.cell import Cell

DRAG_PIXELS = 4
"""A press that moves farther than this before the release pans the view and places nothing."""


class ClickRouter:
    """Turns mouse clicks into points of the patient, while it is switched on.

    Signals
    -------
    clicked(str, Point, bool)
        Scan id, LPS mm in the order (z, y, x), and whether it is positive (without Shift).
    missed(str)
        Why a click placed nothing, in one sentence.
    """

    clicked = Signal(str, tuple, bool)
    missed = Signal(str)

    def __init__(self, viewer: napari.viewer.Viewer, bridge: LayerBridge) -> None:
        self._viewer = viewer
        self._bridge = bridge
        self._on = False

    @property
    def enabled(self) -> bool:
        """Whether clicks place points; otherwise they are napari's alone."""
        return self._on

    @enabled.setter
    def enabled(self, on: bool) -> None:
        callbacks = self._viewer.mouse_drag_callbacks
        if on and not self._on:
            callbacks.append(self._on_mouse)
        elif self._on and not on:
            callbacks.remove(self._on_mouse)
        self._on = on

    def _on_mouse(self, viewer: Any, event: Any) -> Iterator[None]:  # noqa: ANN401 - napari's event
        """Wait for the release: a drag is napari's, a click is ours."""
        if event.button != 1 or "Alt" in event.modifiers or "Control" in event.modifiers:
            return
        start, world = np.array(event.pos), tuple(event.position)
        viewbox = self._viewer.cursor.viewbox
        positive = "Shift" not in event.modifiers
        farthest = 0.0
        yield
        while event.type == "mouse_move":
            farthest = max(farthest, float(np.abs(np.array(event.pos) - start).max()))
            yield
        if farthest <= DRAG_PIXELS:
            self._place(world, viewbox, positive)

    def _place(self, world: tuple[float, ...], viewbox: tuple[int, int] | None, positive: bool) -> None:
        if self._viewer.dims.ndisplay != 2:
            self.missed.emit("Clicks need the 2-D view: switch 3-D off below the layer list.")
            return
        cell = self._cell_at(viewbox)
        if cell is None or len(world) != 3:
            self.missed.emit("There is no scan where you clicked.")
            return
        point = cell.to_patient(world, self._viewer.dims.not_displayed)
        if not cell.scan.grid.contains(point):
            self.missed.emit(f"That click lies outside scan {cell.scan.id}.")
            return
        self.clicked.emit(cell.scan.id, point, positive)

    def _cell_at(self, viewbox: tuple[int, int] | None) -> Cell | None:
        """The scan in a cell of the grid; without the grid, the scan of the active layer."""
        viewer = self._viewer
        if not viewer.canvas.grid.enabled or viewbox is None:
            active = viewer.layers.selection.active
            return None if active is None else self._bridge.cell_of(active)
        for index in viewer.canvas.grid.contents_at(viewbox, viewer.layers):
            if cell := self._bridge.cell_of(viewer.layers[index]):
                return cell
        return None
