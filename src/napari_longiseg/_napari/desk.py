"""A session at work in a viewer: all its parts put together. The panel is a view of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path

import napari.viewer
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_longiseg._napari.check.view import CheckView
from napari_longiseg._napari.linked.cursor import RegisteredCursor
from napari_longiseg._napari.linked.linked import LinkedScans
from napari_longiseg._napari.mouse.brush import Brush
from napari_longiseg._napari.mouse.clicks import ClickRouter
from napari_longiseg._napari.next_place import hidden_text
from napari_longiseg._napari.opening import Opening
from napari_longiseg._napari.preferences import Preferences, preferences, watch
from napari_longiseg._napari.prompting import Prompting
from napari_longiseg._napari.reviewing import Reviewing
from napari_longiseg._napari.saving import Saving
from napari_longiseg._napari.telling import told
from napari_longiseg._napari.view.bridge import LayerBridge
from napari_longiseg._napari.work.garbage import Garbage
from napari_longiseg._napari.work.job import Stage
from napari_longiseg._napari.work.measuring import Measuring
from napari_longiseg._napari.work.runner import Runner
from napari_longiseg.core.scan import Study
from napari_longiseg.registration.links import Link
from napari_longiseg.tracking.setup import TrackSettings


class Desk:
    """Owns what works on a session in a viewer.

    Signals hold all of it weakly, so whoever makes a desk must keep it, and close it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Studies that are loaded in it are taken up, now and later.
    settings : callable
        How to track, asked at each run.

    Attributes
    ----------
    session, runner
        What is worked on, and what does the work.
    bridge, linked, cursor, check_view
        What is seen.
    router, brush
        What the mouse does.
    prompting, reviewing, opening, saving
        What becomes of a reader's wishes.

    Signals
    -------
    noticed(str)
        One sentence about what was done.
    failed(str)
        One sentence about what cannot be done.
    preferences_changed(object)
        The user's :class:`Preferences` are others now.
    """

    noticed = Signal(str)
    failed = Signal(str)
    preferences_changed = Signal(object)

    def __init__(self, viewer: napari.viewer.Viewer, settings: Callable[[], TrackSettings]) -> None:
        self._viewer = viewer
        self._settings = settings
        self._closed = self._works = False
        self.session = Opening.session_in(viewer)
        self.runner = Runner(self.session)
        self.bridge = LayerBridge(viewer, self.session, self._defer, self._spread)
        self.linked = LinkedScans(viewer, self.session, self.bridge)
        self.cursor = RegisteredCursor(viewer, self.session, self.bridge)
        self.check_view = CheckView(viewer, self.session, self.bridge)
        self.router = ClickRouter(viewer, self.bridge)
        self.brush = Brush(viewer, self.session, self.bridge, self._defer)
        self.prompting = Prompting(self.session, self.runner, self._checked_settings)
        self.reviewing = Reviewing(self.session, self.prompting, self._hidden)
        self.saving = Saving(self.session, self.runner, preferences)
        self.opening = Opening(viewer, self.session, self.runner, self.bridge, self.saving)
        self._measuring = Measuring(self.session, self.runner)
        self._garbage = Garbage(self._rest, lambda: self.runner.working)
        self._unwatch = watch(self._on_preferences)
        self._unlinked = False
        self._connect()
        self.cursor.enabled = True

    def close(self) -> None:
        """Stop all work and let go of the viewer; may be called more than once."""
        if self._closed:
            return
        self._closed = True
        self._measuring.close()
        self._unwatch()
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)
        self.session.study_changed.disconnect(self._on_study)
        self.runner.close()
        self._garbage.close()
        self.saving.close()
        self.reviewing.close()
        self.router.enabled = False
        self.cursor.close()
        self.brush.close()
        self.check_view.close()
        self.linked.close()
        self.bridge.close()

    def check(self, source: str, target: str) -> None:
        """Align two scans, and look at how well they fit."""
        if settings := self._checked_settings():
            self.runner.check(source, target, settings)

    def export(self, folder: Path) -> None:
        """Write masks, table and record of all lesions into a folder."""
        if settings := self._checked_settings():
            self.runner.export(folder, settings)

    def link(self) -> None:
        """Align the scans in the background, so that they scroll together and share the cursor."""
        if settings := self._checked_settings():
            self.runner.link(settings, self._on_link)

    # ---- helpers

    def _connect(self) -> None:
        router, prompting, reviewing = self.router, self.prompting, self.reviewing
        router.clicked.connect(prompting.click)
        router.moved.connect(prompting.move)
        router.box_drawn.connect(prompting.box)
        router.missed.connect(self.failed)
        self.brush.painted.connect(prompting.paint)
        self.brush.undo_requested.connect(reviewing.undo)
        self.brush.redo_requested.connect(reviewing.redo)
        reviewing.went.connect(self._on_went)
        for part in (prompting, reviewing, self.saving, self.opening):
            part.noticed.connect(self.noticed)
            part.failed.connect(self.failed)
        self.opening.taken_up.connect(self.prompting.resume)
        self.bridge.scan_removed.connect(self._on_scan_removed)
        self.runner.checked.connect(self.check_view.open)
        self.runner.stage_changed.connect(self._on_stage)
        self._viewer.layers.events.inserted.connect(self._on_inserted)
        self.session.study_changed.connect(self._on_study)

    def _checked_settings(self) -> TrackSettings | None:
        with told(self.failed.emit):
            return self._settings()
        return None

    def _defer(self, call: Callable[[], None]) -> None:
        QTimer.singleShot(0, lambda: None if self._closed else call())

    def _spread(self, call: Callable[[], None]) -> None:
        """In another turn of the event loop: without a delay Qt would make all such calls in this one."""
        QTimer.singleShot(1, lambda: None if self._closed else call())

    def _on_stage(self, stage: Stage | None) -> None:
        self._works = stage is not None

    def _rest(self) -> Hashable:
        """The same while the reader moves nothing and decides nothing; None while something runs."""
        if self._works or self.bridge.showing:
            return None
        viewer = self._viewer
        place = tuple(viewer.dims.point), tuple(viewer.scene.camera.center), viewer.scene.camera.zoom
        return tuple(viewer.cursor.position), place, self.session.selected, len(self.session.history)

    def _on_inserted(self, _: object) -> None:
        """Take up what is loaded; not while a study is brought up, whose layers come as the old ones go."""
        self._defer(partial(self._once_shown, self.opening.adopt))

    def _once_shown(self, call: Callable[[], None]) -> None:
        """Do it now, or as soon as the study is up."""
        if self.bridge.showing:
            self._spread(partial(self._once_shown, call))
        else:
            call()

    def _on_study(self, study: Study | None) -> None:
        if study is not None and len(study.scans) > 1:
            self._unlinked = True
            self._defer(partial(self._once_shown, self._link_new))

    def _link_new(self) -> None:
        """Align, once for all that wanted it; loading what that takes would keep layers from coming up."""
        if self._unlinked:
            self._unlinked = False
            self.link()

    def _hidden(self) -> frozenset[str]:
        """Scans whose layers the reader has removed."""
        if self.session.study is None or self.bridge.showing:
            return frozenset()
        shown = {cell.scan.id for cell in self.bridge.cells}
        return frozenset(scan.id for scan in self.session.study.scans) - shown

    def _on_scan_removed(self, scan_id: str) -> None:
        self.failed.emit(hidden_text(scan_id))

    def _on_link(self, link: object) -> None:
        if isinstance(link, Link):
            self.linked.add(link)

    def _on_went(self, lesion_id: int, scan_id: str) -> None:
        if not self.linked.enabled or not self.linked.centre_on_lesion(lesion_id):
            self.bridge.placing.go_to(lesion_id, scan_id)

    def _on_preferences(self, chosen: Preferences) -> None:
        for doubt in chosen.doubts:
            self.failed.emit(doubt)
        self.preferences_changed.emit(chosen)
