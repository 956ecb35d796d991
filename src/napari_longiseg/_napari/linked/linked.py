"""Scans that scroll together: the same anatomy in all cells, not the same slice number."""

from __future__ import annotations

from typing import Any

import napari.viewer
import numpy as np

from napari_longiseg._napari.linked.pointing import pointed
from napari_longiseg._napari.view.bridge import LayerBridge
from napari_longiseg._napari.view.cell import Cell
from napari_longiseg._napari.view.steps import FrameTimer
from napari_longiseg._napari.view.under_mouse import cell_at
from napari_longiseg.core.geometry import Point, as_point
from napari_longiseg.registration.links import Link, StudyLinks
from napari_longiseg.session import Session


class LinkedScans:
    """Shifts the other scans as the reader scrolls one of them, and centres all on one place.

    All cells of napari's grid share one slice position, so a scan shows another slice by being displayed
    farther up or down. While the reader scrolls, each scan moves along that axis only, and only once it is
    off by more than half a slice: the picture neither jumps sideways nor is it cut anew at every step. It is
    aligned in all directions when it is centred.

    Whoever makes it must keep it, and close it before the bridge.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Also a ``ViewerModel``.
    session : Session
        Links belong to its study.
    bridge : LayerBridge
        Owns the cells.
    """

    def __init__(self, viewer: napari.viewer.Viewer, session: Session, bridge: LayerBridge) -> None:
        self._viewer = viewer
        self._session = session
        self._bridge = bridge
        self._timer = FrameTimer(self.follow)
        viewer.dims.events.point.connect(self._on_point)
        bridge.placing.placed.connect(self._on_placed)
        session.study_changed.connect(self._on_study)

    def close(self) -> None:
        """Stop following; the scans stay where they are."""
        self._timer.stop()
        self._viewer.dims.events.point.disconnect(self._on_point)
        self._bridge.placing.placed.disconnect(self._on_placed)
        self._session.study_changed.disconnect(self._on_study)

    @property
    def links(self) -> StudyLinks:
        """Maps between the scans."""
        return self._bridge.placing.links

    @links.setter
    def links(self, links: StudyLinks | None) -> None:
        self._bridge.placing.links = StudyLinks() if links is None else links
        self._realign()

    def add(self, link: Link) -> None:
        """Know one more pair of scans."""
        self.links.add(link)
        self._realign()

    @property
    def enabled(self) -> bool:
        """Whether scans are brought over each other; otherwise each is displayed where it lies."""
        return self._bridge.placing.aligned

    @enabled.setter
    def enabled(self, on: bool) -> None:
        self._bridge.placing.aligned = on

    def follow(self) -> None:
        """Bring the other scans to what the scan being read shows in the middle of the view."""
        dims, placing = self._viewer.dims, self._bridge.placing
        if placing.moving or not self.enabled or dims.ndisplay != 2 or dims.ndim != 3:
            return
        here = self._read()
        if here is None:
            return
        (axis,) = dims.not_displayed
        middle = self._middle(here)
        wanted: dict[str, Point] = {}
        for cell in self._bridge.cells:
            there = placing.carried(here.scan.id, cell.scan.id, middle)
            if cell is here or there is None:
                continue
            shift = list(cell.shift_mm)
            shift[axis] = here.to_world(middle)[axis] - there[axis]
            if abs(shift[axis] - cell.shift_mm[axis]) > cell.scan.grid.spacing_mm[axis] / 2:
                wanted[cell.scan.id] = as_point(shift)
        placing.shift(wanted)

    def centre_on_lesion(self, lesion_id: int) -> bool:
        """Show a lesion in the middle of all cells, each scan on its own slice; say whether it is known."""
        here = self._read()
        return self._bridge.placing.centre_on_lesion(lesion_id, None if here is None else here.scan.id)

    def centre_on_cursor(self) -> bool:
        """Show what is under the mouse in the middle of all cells; say whether there is a scan."""
        place = pointed(self._viewer, self._bridge)
        if place is not None:
            scan_id = place.cell.scan.id
            self._bridge.placing.centre(self._bridge.placing.spread(scan_id, place.point_mm), scan_id)
        return place is not None

    # ---- what others say

    def _on_point(self, _: Any) -> None:  # noqa: ANN401 - napari's event
        if not self._bridge.placing.moving:
            self._timer.soon()

    def _on_placed(self) -> None:
        self._timer.stop()

    def _on_study(self, _: object) -> None:
        self.links = None

    # ---- helpers

    def _realign(self) -> None:
        self._bridge.placing.align()
        if self._session.selected is None:
            self.follow()

    def _read(self) -> Cell | None:
        """The scan being read: that under the mouse, else the first."""
        cell = cell_at(self._viewer, self._bridge, self._viewer.cursor.viewbox)
        return cell or next(iter(self._bridge.cells), None)

    def _middle(self, cell: Cell) -> Point:
        """The point (LPS mm) of a scan in the middle of the view, or the nearest that it has."""
        dims = self._viewer.dims
        world = np.array(dims.point, dtype=np.float64)
        world[list(dims.displayed)] = np.asarray(self._viewer.scene.camera.center)[-2:]
        low, high = cell.scan.grid.bounds_mm()
        return as_point(np.clip(np.subtract(world, cell.shift_mm), low, high))
