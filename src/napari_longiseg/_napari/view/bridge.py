"""The bridge between a session and a napari viewer: it shows one, through the public API of the other."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import napari.viewer
from psygnal import Signal

from napari_longiseg._napari.layers.adopt import scan_layers
from napari_longiseg._napari.layers.headings import DATE_COLOURS, date_colours
from napari_longiseg._napari.layers.scans import OVERLAY_KEY, SESSION_KEY
from napari_longiseg._napari.layers.windows import WINDOWS, window_name
from napari_longiseg._napari.view import grid, outlines
from napari_longiseg._napari.view.camera import Camera
from napari_longiseg._napari.view.cell import Cell
from napari_longiseg._napari.view.label_view import LabelView
from napari_longiseg._napari.view.marker_view import MarkerView
from napari_longiseg._napari.view.overview import Overview
from napari_longiseg._napari.view.placing import Placing
from napari_longiseg._napari.view.steps import Deferred, Steps, Turns, at_once
from napari_longiseg._napari.view.volume_view import VolumeView
from napari_longiseg._napari.view.window_link import WindowLink
from napari_longiseg.core.scan import Study
from napari_longiseg.session import Session


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
    spread : callable, optional
        Runs each next step of bringing up a study in another turn of the event loop; by default all is done
        at once, which takes a second and more.

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
    scan_removed(str)
        The reader has removed the image of one scan: it is shown no more.
    emptied()
        The reader has removed the images of all scans.
    """

    extras_removed = Signal()
    scan_removed = Signal(str)
    emptied = Signal()

    def __init__(
        self, viewer: napari.viewer.Viewer, session: Session, defer: Deferred, spread: Deferred = at_once
    ) -> None:
        self._viewer = viewer
        self._session = session
        self._defer = defer
        self._cells: dict[str, Cell] = {}
        self._old: list[Cell] = []
        self._labels = LabelView(session)
        self._colours: Sequence[str] = DATE_COLOURS
        self._windows = WindowLink()
        self._arranging = False
        self._steps, turns = Steps(spread, self._arranged), Turns(spread)
        self._overview = Overview(viewer)
        self._volume = VolumeView(viewer, lambda: self.cells, self._windows)
        self.placing = Placing(viewer, session, lambda: self.cells, Camera(viewer, self._overview), turns)
        session.study_changed.connect(self._on_study)
        session.findings_changed.connect(self._on_finding)
        session.selection_changed.connect(self._on_selection)
        viewer.layers.events.removed.connect(self._on_layer_removed)
        viewer.layers.events.reordered.connect(self._on_reordered)
        self.markers = MarkerView(viewer, session, lambda: self.cells, turns)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The scans shown, from left to right; while a study is brought up, as many as are made."""
        return tuple(self._cells.values())

    @property
    def showing(self) -> bool:
        """Whether a study is still brought up, layer by layer."""
        return self._steps.running

    def cell_of(self, layer: Any) -> Cell | None:  # noqa: ANN401 - may be a proxy of a layer
        """The cell that a layer belongs to."""
        return next((cell for cell in self.cells if cell.owns(layer)), None)

    def finish(self) -> None:
        """Bring up at once what is left of a study: half of it could not be taken up again."""
        self._steps.finish()

    def close(self) -> None:
        """Stop watching; the layers stay in the viewer, and no more are added."""
        self._steps.drop()
        session = self._session
        session.study_changed.disconnect(self._on_study)
        session.findings_changed.disconnect(self._on_finding)
        session.selection_changed.disconnect(self._on_selection)
        self._viewer.layers.events.removed.disconnect(self._on_layer_removed)
        self._viewer.layers.events.reordered.disconnect(self._on_reordered)
        self.markers.close()
        self._overview.close()
        self._volume.close()
        self._windows.join(())

    def set_window(self, name: str) -> None:
        """Show all scans in a CT window of :data:`WINDOWS`."""
        self._windows.set(name)

    def next_outlines(self) -> None:
        """Draw the outlines on all scans as lines, then hide them, then fill them again."""
        in_3d = self._viewer.dims.ndisplay == 3
        outlines.draw(self.cells, outlines.after(outlines.drawn(self.cells), in_3d), in_3d)

    def set_date_colours(self, palette: Sequence[str]) -> None:
        """Write the scans' titles in these colours ``#rrggbb``, from the first date on."""
        self._colours = tuple(palette) or DATE_COLOURS
        for cell, code in zip(self.cells, date_colours(len(self.cells), self._colours), strict=True):
            cell.colour(code)

    def show_extras(self, extras: Mapping[str, Any]) -> None:
        """Show one more layer between a scan and its outlines, by scan id; an empty mapping takes all away.

        The layers start at the scan's origin. Where other cells have one, those without get a hidden
        spacer: napari's grid gives every cell the same number of layers.
        """
        if not extras and all(cell.extra is None for cell in self.cells):
            return
        self._steps.finish()
        with self._arranged(), self._viewer.layers.batched_update():  # the grid is laid out once
            self._put_extras(extras)
            if extras:
                grid.order_layers(self._viewer, self.cells)
            grid.set_stride(self._viewer, self.cells)
        for cell in self.cells:
            cell.place()

    # ---- what the session says

    def _on_study(self, study: Study | None) -> None:
        self._viewer.dims.ndisplay = 2  # with the window that belongs there
        self._windows.join(())
        self._labels.forget()
        self._old += self.cells
        self._cells = {}
        if study is not None:
            self._steps.start(self._show(study))
            return
        self._steps.drop()
        with self._arranged():
            for _ in self._removing_old(()):
                pass
        self._overview.end()

    def _show(self, study: Study) -> Generator[None]:
        """Bring up a study in place of old cells; a step takes about as long as napari does for one layer."""
        viewer = self._viewer
        loaded = scan_layers(viewer.layers, study)
        self._add_cell(study, 0, loaded)
        yield
        yield from self._removing_old(loaded.values())
        grid.set_stride(viewer, self.cells)
        self._overview.begin(study.scans)
        yield
        for number in range(len(study.scans)):
            if number:
                self._add_cell(study, number, loaded)
                yield
            yield from grid.ordering(viewer, self.cells)
            self.cells[number].show_title()
            yield
        viewer.layers.selection.active = self.cells[0].image
        self._overview.show()

    def _on_finding(self, lesion_id: int, scan_id: str) -> None:
        cell = self._cells.get(scan_id)
        if cell is None:
            return
        self._labels.paint(cell, lesion_id)
        if lesion_id == self._session.selected:
            self.placing.align()  # but the slice is the reader's, who may have scrolled on

    def _on_selection(self, lesion_id: int | None) -> None:
        self.placing.align()
        self.placing.go_to_selected()

    # ---- what napari says

    def _on_layer_removed(self, event: Any) -> None:  # noqa: ANN401 - napari's event
        if self._arranging or self.cell_of(event.value) is None:
            return
        present = {layer.unique_id for layer in self._viewer.layers}
        if not any(cell.image.unique_id in present for cell in self.cells):
            self._steps.drop()  # all scans were removed, as napari does when it closes
        self._defer(self.settle)

    def _on_reordered(self, _: Any) -> None:  # noqa: ANN401 - napari's event
        if not self._arranging and not grid.in_order(self._viewer, self.cells):
            self._defer(self.restore_order)

    def restore_order(self) -> None:
        """Bring the layers back in order after the user has moved some: the grid shows what the list says."""
        if self.showing:  # which puts them in order
            return
        with self._arranged(), self._viewer.layers.batched_update():
            grid.order_layers(self._viewer, self.cells)

    def settle(self) -> None:
        """Make the layers whole again after the user has removed some.

        A scan whose image is gone leaves the grid with its other layers; missing labels and clicks come
        back; when no scan is left, whoever listens decides what becomes of the study. What is removed while
        a study is brought up comes back.
        """
        if self.showing or not self._cells:
            return
        present = {layer.unique_id for layer in self._viewer.layers}
        gone = [cell for cell in self.cells if cell.image.unique_id not in present]
        if len(gone) == len(self._cells):
            self.emptied.emit()
            return
        extras = [cell.extra for cell in self.cells if cell.extra is not None]
        spoilt = any(gone or extra.unique_id not in present for extra in extras)
        self._windows.join(())
        with self._arranged():
            if spoilt:
                self._put_extras({})
            for cell in gone:
                del self._cells[cell.scan.id]
                grid.remove_layers(self._viewer, cell.layers)
            for cell in self.cells:
                if cell.renew(present):
                    self._labels.fill(cell)
            grid.put_in_grid(self._viewer, self.cells)
            self._overview.scans = [cell.scan for cell in self.cells]
        self._windows.join(self.cells)
        if spoilt:
            self.extras_removed.emit()
        for cell in gone:
            self.scan_removed.emit(cell.scan.id)

    # ---- helpers

    @contextmanager
    def _arranged(self) -> Iterator[None]:
        """Layers come, go and move by our own doing."""
        self._arranging = True
        try:
            yield
        finally:
            self._arranging = False

    def _add_cell(self, study: Study, number: int, loaded: Mapping[str, Any]) -> None:
        """Make the layers of one more scan, with all that is known; they are not in the viewer yet."""
        scan = study.scans[number]
        window = self._windows.limits or WINDOWS[window_name(study.scans)]
        cell = self._cells[scan.id] = Cell(scan, study, window, loaded.get(scan.id))
        cell.image.metadata[SESSION_KEY] = self._session
        self._labels.fill(cell)
        self._windows.join(self.cells)
        self.set_date_colours(self._colours)
        self.placing.align()

    def _put_extras(self, extras: Mapping[str, Any]) -> None:
        """Give every cell its extra layer, or a spacer, or none; those of before leave the viewer."""
        before = {cell.extra for cell in self.cells if cell.extra is not None}
        for cell in self.cells:
            cell.extra = extras.get(cell.scan.id, cell.spacer) if extras else None
        grid.remove_layers(self._viewer, before - {cell.extra for cell in self.cells})

    def _removing_old(self, kept: Iterable[Any]) -> Iterator[None]:
        """Remove the layers of old cells and all overlays of before, but none that is kept; one a step."""
        spared = {layer.unique_id for layer in kept}
        spared |= {layer.unique_id for cell in self.cells for layer in cell.layers}
        stale = [layer for cell in self._old for layer in cell.layers]
        stale += [layer for layer in self._viewer.layers if OVERLAY_KEY in layer.metadata]
        yield from grid.removing(self._viewer, [layer for layer in stale if layer.unique_id not in spared])
        self._old = []
