"""The bridge between a session and a napari viewer: it shows one, through the public API of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import napari.viewer
from psygnal import Signal

from napari_longiseg._napari.adopt import scan_layers
from napari_longiseg._napari.cell import Cell
from napari_longiseg._napari.grid import in_order, order_layers, put_in_grid, remove_layers, set_stride
from napari_longiseg._napari.headings import DATE_COLOURS, date_colours
from napari_longiseg._napari.layers import LABEL_OPACITY, OVERLAY_KEY, SESSION_KEY
from napari_longiseg._napari.marker_view import MarkerView
from napari_longiseg._napari.placing import Placing
from napari_longiseg._napari.window_link import WindowLink
from napari_longiseg._napari.windows import WINDOWS, window_name
from napari_longiseg.core.geometry import Box
from napari_longiseg.core.scan import Study
from napari_longiseg.session import Session

VIEW_MARGIN = 0.06
"""Room around the scans, as a share of the cell: aligning on a lesion moves them."""

Deferred = Callable[[Callable[[], None]], None]


class LayerBridge:
    """Shows the scans, findings and clicks of a session as layers, side by side.

    Whoever makes it must keep it: signals hold it weakly.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Also a ``ViewerModel``.
    session : Session
        What is shown.
    defer : callable
        Runs a function once napari has finished what it is doing; layers must not be added or removed while
        napari is removing some.

    Attributes
    ----------
    markers : MarkerView
        Draws the clicks, proposals and boxes.
    placing : Placing
        Where the scans are displayed.

    Signals
    -------
    extras_removed()
        The reader has removed a layer that :meth:`show_extras` has added, or a scan; all of these are gone.
    emptied()
        The reader has removed the images of all scans.
    """

    extras_removed = Signal()
    emptied = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, session: Session, defer: Deferred) -> None:
        self._viewer = viewer
        self._session = session
        self._defer = defer
        self._cells: dict[str, Cell] = {}
        self._painted: dict[tuple[int, str], Box] = {}
        self._colours: Sequence[str] = DATE_COLOURS
        self._windows = WindowLink()
        self._arranging = False
        self.placing = Placing(viewer, session, lambda: self.cells)
        session.study_changed.connect(self._on_study)
        session.findings_changed.connect(self._on_finding)
        session.selection_changed.connect(self._on_selection)
        viewer.layers.events.removed.connect(self._on_layer_removed)
        viewer.layers.events.reordered.connect(self._on_reordered)
        self.markers = MarkerView(viewer, session, lambda: self.cells)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The scans shown, from left to right."""
        return tuple(self._cells.values())

    def cell_of(self, layer: Any) -> Cell | None:  # noqa: ANN401 - may be a proxy of a layer
        """The cell that a layer belongs to."""
        return next((cell for cell in self.cells if cell.owns(layer)), None)

    def close(self) -> None:
        """Stop watching; the layers stay in the viewer."""
        session = self._session
        session.study_changed.disconnect(self._on_study)
        session.findings_changed.disconnect(self._on_finding)
        session.selection_changed.disconnect(self._on_selection)
        self._viewer.layers.events.removed.disconnect(self._on_layer_removed)
        self._viewer.layers.events.reordered.disconnect(self._on_reordered)
        self.markers.close()
        self._windows.join(())

    def set_window(self, name: str) -> None:
        """Show all scans in a CT window of :data:`WINDOWS`."""
        self._windows.set(name)

    def set_aligned(self, aligned: bool) -> None:
        """Whether the selected lesion is shown at the same place in all cells, or each scan where it lies."""
        self.placing.aligned = aligned

    def toggle_masks(self) -> None:
        """Hide the outlines on all scans, or show them again."""
        shown = any(cell.labels.opacity > 0 for cell in self.cells)
        for cell in self.cells:  # a layer that is not visible at all makes napari lay the grid out anew
            cell.labels.opacity = 0.0 if shown else LABEL_OPACITY

    def set_date_colours(self, palette: Sequence[str]) -> None:
        """Write the scans' titles in these colours ``#rrggbb``, from the first date on."""
        self._colours = tuple(palette) or DATE_COLOURS
        for cell, code in zip(self.cells, date_colours(len(self.cells), self._colours), strict=True):
            cell.colour(code)

    def go_to(self, lesion_id: int, scan_id: str) -> None:
        """Move the slice to a lesion on a scan, and the camera where the lesion is out of sight."""
        self.placing.go_to(lesion_id, scan_id)

    def show_extras(self, extras: Mapping[str, Any]) -> None:
        """Show one more layer between a scan and its outlines, by scan id; an empty mapping takes all away.

        The layers start at the scan's origin. Where other cells have one, those without get a hidden
        spacer: napari's grid gives every cell the same number of layers.
        """
        if not extras and all(cell.extra is None for cell in self.cells):
            return
        self._arranging = True
        try:
            with self._viewer.layers.batched_update():  # the grid is laid out once, which takes long
                self._put_extras(extras)
                if extras:
                    order_layers(self._viewer, self.cells)
                set_stride(self._viewer, self.cells)
        finally:
            self._arranging = False
        for cell in self.cells:
            cell.shift(cell.shift_mm)

    # ---- what the session says

    def _on_study(self, study: Study | None) -> None:
        self._windows.join(())
        old, self._cells, self._painted = self.cells, {}, {}
        self._arranging = True
        try:
            loaded = scan_layers(self._viewer.layers, study) if study else {}
            kept = {layer.unique_id for layer in loaded.values()}
            stale = [layer for cell in old for layer in cell.layers if layer.unique_id not in kept]
            stale += [layer for layer in self._viewer.layers if OVERLAY_KEY in layer.metadata]
            remove_layers(self._viewer, stale)
            if study is None:
                self._viewer.canvas.grid.enabled = False
                return
            window = WINDOWS[window_name(study.scans)]
            self._cells = {scan.id: Cell(scan, study, window, loaded.get(scan.id)) for scan in study.scans}
            for cell in self.cells:
                cell.image.metadata[SESSION_KEY] = self._session
            put_in_grid(self._viewer, self.cells)
        finally:
            self._arranging = False
        self._windows.join(self.cells)
        self.set_date_colours(self._colours)
        self.placing.align()
        self._viewer.reset_view(margin=VIEW_MARGIN)

    def _on_finding(self, lesion_id: int, scan_id: str) -> None:
        cell = self._cells.get(scan_id)
        if cell is None:
            return
        self._paint(cell, lesion_id)
        if lesion_id == self._session.selected:
            self.placing.align()
            finding = self._session.finding(lesion_id, scan_id)
            if finding is not None and finding.scan == finding.source_scan:
                self.placing.go_to_selected()

    def _on_selection(self, lesion_id: int | None) -> None:
        self.placing.align()
        self.placing.go_to_selected()

    # ---- what napari says

    def _on_layer_removed(self, event: Any) -> None:  # noqa: ANN401 - napari's event
        if not self._arranging and self.cell_of(event.value) is not None:
            self._defer(self.settle)

    def _on_reordered(self, _: Any) -> None:  # noqa: ANN401 - napari's event
        if not self._arranging and not in_order(self._viewer, self.cells):
            self._defer(self.restore_order)

    def restore_order(self) -> None:
        """Bring the layers back in order after the user has moved some: the grid shows what the list says."""
        self._arranging = True
        try:
            with self._viewer.layers.batched_update():
                order_layers(self._viewer, self.cells)
        finally:
            self._arranging = False

    def settle(self) -> None:
        """Make the layers whole again after the user has removed some.

        A scan whose image is gone leaves the grid with its other layers; missing labels and clicks come
        back; when no scan is left, whoever listens decides what becomes of the study.
        """
        present = {layer.unique_id for layer in self._viewer.layers}
        gone = [cell for cell in self.cells if cell.image.unique_id not in present]
        if not self._cells:
            return
        if len(gone) == len(self._cells):
            self.emptied.emit()
            return
        extras = [cell.extra for cell in self.cells if cell.extra is not None]
        spoilt = any(gone or extra.unique_id not in present for extra in extras)
        self._windows.join(())
        self._arranging = True
        try:
            if spoilt:
                self._put_extras({})
            for cell in gone:
                del self._cells[cell.scan.id]
                remove_layers(self._viewer, cell.layers)
            for cell in self.cells:
                self._restore(cell, present)
            put_in_grid(self._viewer, self.cells)
        finally:
            self._arranging = False
            self._windows.join(self.cells)
        if spoilt:
            self.extras_removed.emit()

    # ---- helpers

    def _put_extras(self, extras: Mapping[str, Any]) -> None:
        """Give every cell its extra layer, or a spacer, or none; those of before leave the viewer."""
        before = [cell.extra for cell in self.cells if cell.extra is not None]
        for cell in self.cells:
            cell.extra = extras.get(cell.scan.id, cell.spacer) if extras else None
        now = [cell.extra for cell in self.cells]
        remove_layers(self._viewer, [layer for layer in before if layer not in now])

    def _restore(self, cell: Cell, present: set[Any]) -> None:
        if cell.labels.unique_id not in present:
            cell.labels = cell.new_labels()
            cell.paint(self._session.findings_on(cell.scan.id), Box((0, 0, 0), cell.scan.grid.shape))
        if cell.clicks.unique_id not in present:
            cell.clicks = cell.new_clicks()
        if cell.cursor.unique_id not in present:
            cell.cursor = cell.new_cursor()
        cell.shift(cell.shift_mm)

    def _paint(self, cell: Cell, lesion_id: int) -> None:
        """Draw one lesion's box anew, together with where it was before."""
        key = (lesion_id, cell.scan.id)
        finding = self._session.finding(*key)
        before = self._painted.pop(key, None)
        now = finding.mask.box if finding is not None and finding.mask is not None else None
        if now is not None:
            self._painted[key] = now
        boxes = [box for box in (before, now) if box is not None]
        for box in boxes:
            cell.paint(self._session.findings_on(cell.scan.id), box)
