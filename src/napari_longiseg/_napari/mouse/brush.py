"""Painting on the label layers with napari's own brush, eraser and bucket."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import napari.viewer
import numpy as np
from psygnal import Signal

from napari_longiseg._napari.mouse.stroke import repainted
from napari_longiseg._napari.view.bridge import LayerBridge
from napari_longiseg._napari.view.cell import Cell
from napari_longiseg._napari.view.steps import Deferred
from napari_longiseg._napari.view.under_mouse import cell_at, tool_in_hand
from napari_longiseg.core.geometry import Box
from napari_longiseg.session import Session

BRUSH_MM = 6.0
"""Diameter of the brush at first."""
UNDO, REDO = "Control-Z", "Control-Shift-Z"


class Brush:
    """Watches the label layers of all scans for what a reader paints.

    A stroke, from press to release, is told once. Then the layer is drawn as the session has it: where
    nobody has taken the stroke up, it is gone. The label that is painted is the selected lesion's; with none
    selected it is the next free one, so that painting starts a lesion. The brush in hand changes to the scan
    that the mouse is over, which napari leaves to the reader.

    Whoever makes it must keep it: signals hold it weakly.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Also a ``ViewerModel``.
    session : Session
        What is shown.
    bridge : LayerBridge
        Shows it.
    defer : callable
        Runs a function once napari has finished what it is doing: it tells of some strokes before it has
        painted them.

    Signals
    -------
    painted(str, dict)
        Scan id, and lesion id to outline of the lesions that were changed. An id that is none of a lesion
        asks for a new one; that is so only where no lesion is selected.
    undo_requested(), redo_requested()
        Ctrl-Z or Ctrl-Shift-Z on a label layer: napari would undo the paint there, but not the measurements.
    """

    painted = Signal(str, dict)
    undo_requested = Signal()
    redo_requested = Signal()

    def __init__(
        self, viewer: napari.viewer.Viewer, session: Session, bridge: LayerBridge, defer: Deferred
    ) -> None:
        self._viewer = viewer
        self._session = session
        self._bridge = bridge
        self._defer = defer
        self._strokes: dict[str, Box] = {}
        self._keys: tuple[tuple[str, Callable[[Any], None]], ...] = (
            (UNDO, self._on_undo),
            (REDO, self._on_redo),
        )
        for cell in bridge.cells:
            self._watch(cell)
        session.selection_changed.connect(self._choose_labels)
        session.lesions_changed.connect(self._choose_labels)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.mouse_move_callbacks.append(self._on_mouse)

    def close(self) -> None:
        """Stop watching; a brush in hand is put down."""
        self._session.selection_changed.disconnect(self._choose_labels)
        self._session.lesions_changed.disconnect(self._choose_labels)
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)
        self._viewer.mouse_move_callbacks.remove(self._on_mouse)
        for cell in self._bridge.cells:
            cell.labels.events.labels_update.disconnect(self._on_update)
            cell.labels.events.paint.disconnect(self._on_stroke)
            cell.labels.mode = "pan_zoom"
            for key, _ in self._keys:
                cell.labels.bind_key(key, None)

    def _watch(self, cell: Cell) -> None:
        labels = cell.labels
        labels.brush_size = max(1, round(BRUSH_MM / cell.scan.grid.spacing_mm[2]))
        labels.events.labels_update.connect(self._on_update)
        labels.events.paint.connect(self._on_stroke)
        for key, call in self._keys:
            labels.bind_key(key, call, overwrite=True)
        labels.selected_label = self._label()

    # ---- what the session says

    def _label(self) -> int:
        """What is painted."""
        return self._session.selected or self._session.next_id

    def _choose_labels(self, *_: object) -> None:
        for cell in self._bridge.cells:
            cell.labels.selected_label = self._label()

    # ---- what napari says

    def _on_inserted(self, event: Any) -> None:  # noqa: ANN401 - napari's event
        for cell in self._bridge.cells:
            if cell.labels.unique_id == event.value.unique_id:
                self._watch(cell)

    def _on_update(self, event: Any) -> None:  # noqa: ANN401 - napari's event
        """Part of a stroke was painted; napari says where in the axes that it shows."""
        cell = self._bridge.cell_of(event.source)
        if cell is None:
            return
        ends = self._slice_shown(cell)
        shown = self._viewer.dims.displayed[-event.data.ndim :]
        for axis, start, count in zip(shown, event.offset, event.data.shape, strict=True):
            ends[axis] = (int(start), int(start) + count)
        box = Box(*zip(*ends, strict=True)).clipped(cell.scan.grid.shape)
        known = self._strokes.get(cell.scan.id)
        self._strokes[cell.scan.id] = box if known is None else known.union(box)

    def _slice_shown(self, cell: Cell) -> list[tuple[int, int]]:
        """First voxel that may be painted and the one after the last: a slice, or all for a 3-D brush."""
        ends = [(0, count) for count in cell.scan.grid.shape]
        if cell.labels.n_edit_dimensions < 3:
            index = np.rint(cell.labels.world_to_data(self._viewer.dims.point)).astype(int)
            for axis in self._viewer.dims.not_displayed:
                ends[axis] = (int(index[axis]), int(index[axis]) + 1)
        return ends

    def _on_stroke(self, event: Any) -> None:  # noqa: ANN401 - napari's event
        cell = self._bridge.cell_of(event.source)
        if cell is not None:
            self._defer(partial(self._tell, cell))

    def _tell(self, cell: Cell) -> None:
        scan, session = cell.scan, self._session
        box = self._strokes.pop(scan.id, None)
        if box is None or cell not in self._bridge.cells:
            return
        labels = np.asarray(cell.labels.data[box.slices])
        findings = session.findings_on(scan.id)
        lesions = [lesion.id for lesion in session.lesions]
        outlines = repainted(labels, box, scan, findings, lesions, session.selected)
        if outlines:
            self.painted.emit(scan.id, outlines)
            cell.paint(session.findings_on(scan.id), box)

    def _on_undo(self, _: Any) -> None:  # noqa: ANN401 - the layer
        self.undo_requested.emit()

    def _on_redo(self, _: Any) -> None:  # noqa: ANN401 - the layer
        self.redo_requested.emit()

    def _on_mouse(self, viewer: Any, event: Any) -> None:  # noqa: ANN401 - napari's
        """Take the brush along to the scan under the mouse."""
        active = self._viewer.layers.selection.active
        old = None if active is None else self._bridge.cell_of(active)
        if old is None or active.unique_id != old.labels.unique_id or not tool_in_hand(self._viewer):
            return
        new = cell_at(self._viewer, self._bridge, self._viewer.cursor.viewbox)
        if new is not None and new is not old:
            self._take_along(old, new)

    def _take_along(self, old: Cell, new: Cell) -> None:
        mode = old.labels.mode
        old.labels.mode = "pan_zoom"
        self._viewer.layers.selection.active = new.labels
        ratio = old.scan.grid.spacing_mm[2] / new.scan.grid.spacing_mm[2]
        new.labels.brush_size = max(1, round(old.labels.brush_size * ratio))
        new.labels.selected_label = old.labels.selected_label
        new.labels.n_edit_dimensions = old.labels.n_edit_dimensions
        new.labels.mode = mode
