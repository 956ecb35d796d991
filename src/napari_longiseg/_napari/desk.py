"""A session at work in a viewer: layers, clicks and jobs put together. The panel is a view of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import napari.viewer
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_longiseg._napari.adopt import kept_session, loaded_study, same_scans
from napari_longiseg._napari.aim import aim
from napari_longiseg._napari.bridge import LayerBridge
from napari_longiseg._napari.clicks import ClickRouter
from napari_longiseg._napari.registration_check import CheckView
from napari_longiseg._napari.runner import Runner
from napari_longiseg.core.errors import LongisegError
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.lesion import Click
from napari_longiseg.core.scan import Study
from napari_longiseg.session import Session
from napari_longiseg.tracking.setup import TrackSettings


class Desk:
    """Owns a session, its bridge to the viewer, the view of a check, the click router and the runner.

    Signals hold all of these weakly, so whoever makes a desk must keep it, and close it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Studies that are loaded in it are taken up, now and later.
    settings : callable
        How to track, asked at each run.

    Attributes
    ----------
    negative : bool
        Clicks are negative even without Shift.
    track_on_click : bool
        Each click starts tracking.

    Signals
    -------
    noticed(str)
        One sentence about what a click did.
    failed(str)
        One sentence about what cannot be done.
    """

    noticed = Signal(str)
    failed = Signal(str)

    def __init__(self, viewer: napari.viewer.Viewer, settings: Callable[[], TrackSettings]) -> None:
        self._viewer = viewer
        self._settings = settings
        self._closed = False
        self.negative = False
        self.track_on_click = True
        self._last: tuple[int, Click] | None = None
        self.session = kept_session(viewer.layers) or Session()
        self.bridge = LayerBridge(viewer, self.session, self._defer)
        self.check_view = CheckView(viewer, self.session, self.bridge)
        self.router = ClickRouter(viewer, self.bridge)
        self.runner = Runner(self.session)
        self.router.clicked.connect(self._on_clicked)
        self.router.missed.connect(self.failed)
        self.runner.refused.connect(self._on_refused)
        self.runner.checked.connect(self.check_view.open)
        viewer.layers.events.inserted.connect(self._on_inserted)

    def close(self) -> None:
        """Stop all work and let go of the viewer; may be called more than once."""
        if self._closed:
            return
        self._closed = True
        self.runner.close()
        self.router.enabled = False
        self.check_view.close()
        self.bridge.close()
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)

    def adopt(self) -> None:
        """Take up a study that the reader or File > Open Sample has loaded, or a panel before this one."""
        study = loaded_study(self._viewer.layers)
        if study is None:
            return
        if same_scans(study, self.session.study):
            if not self.bridge.cells:
                self.session.announce()
            return
        if self.session.lesions and (len(study.scans) == 1 or _extends(study, self.session.study)):
            self.failed.emit("The new scan stays beside the study: open all scans before you mark lesions.")
            return
        self.session.open(study)

    def track(self, lesion_ids: Iterable[int]) -> None:
        """Track lesions that have a prompt; say so where none has."""
        ready = [i for i in lesion_ids if self.session.lesion(i).source_scan is not None]
        if not ready:
            self.failed.emit("Click a lesion on one of the scans first.")
            return
        self._track(ready)

    def check(self, source: str, target: str) -> None:
        """Align two scans, and look at how well they fit."""
        if settings := self._checked_settings():
            self.runner.check(source, target, settings)

    def export(self, folder: Path) -> None:
        """Write masks, table and record of all lesions into a folder."""
        if settings := self._checked_settings():
            self.runner.export(folder, settings)

    def _track(self, lesion_ids: Iterable[int], clicked_on: str | None = None) -> None:
        if settings := self._checked_settings():
            self.runner.track(lesion_ids, settings, clicked_on)

    def _checked_settings(self) -> TrackSettings | None:
        try:
            return self._settings()
        except LongisegError as error:
            self.failed.emit(str(error))
            return None

    def _defer(self, call: Callable[[], None]) -> None:
        QTimer.singleShot(0, lambda: None if self._closed else call())

    def _on_inserted(self, _: Any) -> None:  # noqa: ANN401 - napari's event
        self._defer(self.adopt)

    def _on_clicked(self, scan_id: str, point_mm: Point, positive: bool) -> None:
        session = self.session
        positive = positive and not self.negative
        selected = session.selected
        if not positive and (selected is None or session.lesion(selected).source_scan is None):
            self.failed.emit("A lesion starts with a positive click; make a negative one after it.")
            return
        meant = aim(session, scan_id, point_mm, positive)
        if meant.lesion is not None and not meant.adds:
            self._choose(meant.lesion, scan_id)
            return
        lesion_id = session.add_lesion().id if meant.lesion is None else meant.lesion
        click = Click(scan_id, point_mm, positive)
        try:
            session.add_click(lesion_id, click)
        except LongisegError as error:
            self.failed.emit(str(error))
            return
        self._last = lesion_id, click
        kind = "Click" if positive else "Negative click"
        self.noticed.emit(f"{kind} for lesion {lesion_id} on {scan_id}.")
        if self.track_on_click:
            self._track([lesion_id], clicked_on=scan_id)

    def _choose(self, lesion_id: int, scan_id: str) -> None:
        """Select the lesion that was clicked, and track it where that was not done yet."""
        self.session.select(lesion_id)
        name = self.session.lesion(lesion_id).name or f"lesion {lesion_id}"
        self.noticed.emit(f"That is {name}, selected now.")
        if self.track_on_click and self.session.finding(lesion_id, scan_id) is None:
            self._track([lesion_id])

    def _on_refused(self, lesion_id: int, why: str) -> None:
        """Take back the click that hit nothing, and a lesion that was made for it."""
        if self._last is not None and self._last[0] == lesion_id:
            self.session.remove_click(*self._last)
            lesion = self.session.lesion(lesion_id)
            if not lesion.clicks and lesion.source_mask is None and not lesion.name:
                self.session.remove_lesion(lesion_id)
        self._last = None
        self.failed.emit(f"{why} Nothing was marked: click inside the lesion.")


def _extends(study: Study, known: Study | None) -> bool:
    """Whether a study is another one with more scans."""
    voxels = {id(scan.image) for scan in study.scans}
    return known is not None and {id(scan.image) for scan in known.scans} < voxels
