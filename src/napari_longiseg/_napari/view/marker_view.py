"""The markers of a session, drawn in a viewer, and its lesions' own colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import napari.viewer

from napari_longiseg._napari.layers.colours import label_colours, lesion_colormap
from napari_longiseg._napari.view.cell import Cell
from napari_longiseg._napari.view.drawing import drawing
from napari_longiseg._napari.view.markers import Markers, markers
from napari_longiseg._napari.view.steps import Turns
from napari_longiseg.session import Session

ZOOM_STEP = 1.15
"""Markers are drawn anew when the zoom has changed by this factor: they keep their size on the screen."""


class MarkerView:
    """Draws clicks, proposals and boxes on all cells, and keeps them as the session has them.

    Whoever makes it must keep it: signals hold it weakly.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Also a ``ViewerModel``.
    session : Session
        What is shown.
    cells : callable
        The cells of the viewer, at any time.
    turns : Turns
        When they are drawn, one after the other: several findings may come at once.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        session: Session,
        cells: Callable[[], Iterable[Cell]],
        turns: Turns,
    ) -> None:
        self._viewer = viewer
        self._session = session
        self._cells = cells
        self._turns = turns
        self._stale: dict[str, None] = {}
        self._zoom = float(viewer.scene.camera.zoom)
        self._colours = label_colours(session.lesions)
        session.lesions_changed.connect(self._on_lesions)
        session.findings_changed.connect(self._on_finding)
        session.selection_changed.connect(self.draw_all)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.scene.camera.events.zoom.connect(self._on_zoom)
        viewer.dims.events.order.connect(self._on_view)
        viewer.dims.events.ndisplay.connect(self._on_view)

    def close(self) -> None:
        """Stop watching."""
        self._session.lesions_changed.disconnect(self._on_lesions)
        self._session.findings_changed.disconnect(self._on_finding)
        self._session.selection_changed.disconnect(self.draw_all)
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)
        self._viewer.scene.camera.events.zoom.disconnect(self._on_zoom)
        self._viewer.dims.events.order.disconnect(self._on_view)
        self._viewer.dims.events.ndisplay.disconnect(self._on_view)

    def markers(self, cell: Cell) -> Markers:
        """The markers of a cell, as the session has them."""
        session, scan_id = self._session, cell.scan.id
        return markers(cell.scan, session.lesions, session.proposals_on(scan_id), session.selected)

    def draw(self, cell: Cell, shown: Markers | None = None) -> None:
        """Draw the markers of a cell: as the session has them, or others for the time being."""
        shown = self.markers(cell) if shown is None else shown
        cell.show_markers(drawing(shown, cell.scan.grid, self._viewer.dims.not_displayed, self._zoom))

    def draw_all(self, *_: object) -> None:
        """Draw the markers of all cells as the session has them, soon."""
        for cell in self._cells():
            self._draw_soon(cell.scan.id)

    def _draw_soon(self, scan_id: str) -> None:
        self._stale[scan_id] = None
        self._turns.soon(self._on_turn)

    def _on_turn(self) -> None:
        """Draw one cell."""
        scan_id = next(iter(self._stale))
        del self._stale[scan_id]
        for cell in self._cells():
            if cell.scan.id == scan_id:
                self.draw(cell)
        if self._stale:
            self._turns.soon(self._on_turn)

    # ---- what the session says

    def _on_lesions(self) -> None:
        colours = label_colours(self._session.lesions)
        if colours != self._colours:
            self._colours = colours
            for cell in self._cells():
                cell.labels.colormap = lesion_colormap(self._session.lesions)
        self.draw_all()

    def _on_finding(self, _: int, scan_id: str) -> None:
        self._draw_soon(scan_id)

    # ---- what napari says

    def _on_inserted(self, event: Any) -> None:  # noqa: ANN401 - napari's event
        """Fill the layers of a new cell, and those that take the place of removed ones."""
        for cell in self._cells():
            if event.value.unique_id == cell.clicks.unique_id:
                self.draw(cell)
            elif event.value.unique_id == cell.labels.unique_id:
                cell.labels.colormap = lesion_colormap(self._session.lesions)

    def _on_zoom(self, _: Any) -> None:  # noqa: ANN401 - napari's event
        zoom = float(self._viewer.scene.camera.zoom)
        if not 1 / ZOOM_STEP < zoom / self._zoom < ZOOM_STEP:
            self._zoom = zoom
            self.draw_all()

    def _on_view(self, _: Any) -> None:  # noqa: ANN401 - napari's event
        self.draw_all()
