"""The left mouse button in the viewer: clicks, moved markers and boxes, sent to the scan that they are on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import napari.viewer
import numpy as np
from psygnal import Signal

from napari_longiseg._napari.mouse.box_tool import BoxDrag
from napari_longiseg._napari.mouse.drag import MarkerDrag, held
from napari_longiseg._napari.view.bridge import LayerBridge
from napari_longiseg._napari.view.under_mouse import Press, cell_at, tool_in_hand
from napari_longiseg.core.geometry import Point

DRAG_PIXELS = 4
"""A press that moves farther than this before the release is a drag, and places nothing."""


class ClickRouter:
    """Turns the mouse into points and boxes of the patient, while it is switched on.

    A click is ours; a drag moves the marker that it starts on, or draws a box where that tool is on, and
    else is napari's, which pans the view. While the active layer has a tool in hand, such as the brush,
    all is napari's. The box tool draws one box: with Shift it stays on.

    Signals
    -------
    clicked(str, Point, bool)
        Scan id, LPS mm in the order (z, y, x), and whether it is positive (without Shift).
    moved(str, int, Point)
        Scan id, lesion id, and where its marker was moved to.
    box_changed(bool)
        The box tool was switched on or off.
    box_drawn(str, Point, Point)
        Scan id, lowest and highest corner, LPS mm in the order (z, y, x).
    missed(str)
        Why a click placed nothing, in one sentence.
    """

    clicked = Signal(str, tuple, bool)
    moved = Signal(str, int, tuple)
    box_changed = Signal(bool)
    box_drawn = Signal(str, tuple, tuple)
    missed = Signal(str)

    def __init__(self, viewer: napari.viewer.Viewer, bridge: LayerBridge) -> None:
        self._viewer = viewer
        self._bridge = bridge
        self._on = False
        self._box = False

    @property
    def enabled(self) -> bool:
        """Whether clicks place points; otherwise the mouse is napari's alone."""
        return self._on

    @enabled.setter
    def enabled(self, on: bool) -> None:
        callbacks = self._viewer.mouse_drag_callbacks
        if on and not self._on:
            callbacks.append(self._on_mouse)
        elif self._on and not on:
            callbacks.remove(self._on_mouse)
        self._on = on

    @property
    def box(self) -> bool:
        """Whether the box tool is on."""
        return self._box

    @box.setter
    def box(self, on: bool) -> None:
        if on != self._box:
            self._box = on
            self.box_changed.emit(on)

    def _on_mouse(self, viewer: Any, event: Any) -> Iterator[None]:  # noqa: ANN401 - napari's event
        """Wait for the release: only then a click and a drag can be told apart."""
        taken = "Alt" in event.modifiers or "Control" in event.modifiers
        if event.button != 1 or taken or tool_in_hand(self._viewer):
            return
        start, world = np.array(event.pos), tuple(event.position)
        viewbox = self._viewer.cursor.viewbox
        positive = "Shift" not in event.modifiers
        drag = self._drag_from(world, viewbox, positive) if positive or self.box else None
        farthest = 0.0
        with nullcontext() if drag is None else held(self._viewer, drag):
            yield
            while event.type == "mouse_move":
                farthest = max(farthest, float(np.abs(np.array(event.pos) - start).max()))
                if drag is not None and farthest > DRAG_PIXELS:
                    drag.follow(tuple(event.position))
                yield
        if drag is not None and (drag.cancelled or farthest > DRAG_PIXELS):
            drag.finish()
        elif farthest <= DRAG_PIXELS:
            self._place(world, viewbox, positive)

    def _drag_from(
        self, world: Sequence[float], viewbox: tuple[int, int] | None, positive: bool
    ) -> BoxDrag | MarkerDrag | None:
        """What a drag from here does; None leaves it to napari."""
        cell = cell_at(self._viewer, self._bridge, viewbox)
        if cell is None or len(world) != 3 or self._viewer.dims.ndisplay != 2:
            return None
        press = Press(cell, cell.to_patient(world, self._viewer.dims.not_displayed))
        if not cell.scan.grid.contains(press.point_mm):
            return None
        view = self._bridge.markers
        if self.box:
            return BoxDrag(self._viewer, view, press, partial(self._on_box, one=positive))
        return MarkerDrag.at(self._viewer, view, press, self.moved.emit)

    def _on_box(self, scan_id: str, low_mm: Point, high_mm: Point, *, one: bool) -> None:
        self.box_drawn.emit(scan_id, low_mm, high_mm)
        if one:
            self.box = False

    def _place(self, world: Sequence[float], viewbox: tuple[int, int] | None, positive: bool) -> None:
        if self._viewer.dims.ndisplay != 2:
            self.missed.emit("Clicks need the 2-D view: switch 3-D off below the layer list.")
            return
        cell = cell_at(self._viewer, self._bridge, viewbox)
        if cell is None or len(world) != 3:
            self.missed.emit("There is no scan where you clicked.")
            return
        point = cell.to_patient(world, self._viewer.dims.not_displayed)
        if not cell.scan.grid.contains(point):
            self.missed.emit(f"That click lies outside scan {cell.scan.id}.")
            return
        self.clicked.emit(cell.scan.id, point, positive)
