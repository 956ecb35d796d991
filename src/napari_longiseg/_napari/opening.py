"""How studies come into a viewer's session: from a file, from layers, from a session of before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import napari.viewer
from psygnal import Signal

from napari_longiseg._napari.layers.adopt import kept_session, left_off, loaded_study, same_scans
from napari_longiseg._napari.layers.from_layers import take_over
from napari_longiseg._napari.saving import Saving
from napari_longiseg._napari.view.bridge import LayerBridge
from napari_longiseg._napari.work.runner import Runner
from napari_longiseg._napari.work.tasks import Opened
from napari_longiseg.core.scan import Study
from napari_longiseg.core.state import State
from napari_longiseg.session import Session


class Opening:
    """Opens studies, after asking where work of the reader would be lost.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Its layers may hold studies.
    session : Session
        Gets them.
    runner : Runner
        Loads files.
    bridge : LayerBridge
        Shows them.
    saving : Saving
        Knows what is not saved yet.

    Attributes
    ----------
    may_lose : callable
        Asks the reader whether something, described in a sentence, may be lost; by default it may not.

    Signals
    -------
    noticed(str), failed(str)
        One sentence.
    taken_up()
        The session of a panel before is at work again; what it had asked for may be missing.
    """

    noticed = Signal(str)
    failed = Signal(str)
    taken_up = Signal()

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        session: Session,
        runner: Runner,
        bridge: LayerBridge,
        saving: Saving,
    ) -> None:
        self._viewer = viewer
        self._session = session
        self._runner = runner
        self._bridge = bridge
        self._saving = saving
        self._refused: Study | None = None
        self.may_lose: Callable[[str], bool] = lambda _: False
        bridge.emptied.connect(self._on_emptied)
        runner.opened.connect(self._on_opened)

    @staticmethod
    def session_in(viewer: napari.viewer.Viewer) -> Session:
        """The session that a panel before has left in a viewer, else a new one."""
        return kept_session(viewer.layers) or Session()

    @property
    def layers(self) -> Sequence[Any]:
        """All layers of the viewer."""
        return self._viewer.layers  # type: ignore[no-any-return]  # napari is not typed for us

    def open(self, path: Path) -> None:
        """Open a study or a session from a file or a folder."""
        if not self._may_leave():
            return
        self._runner.open(path)

    def open_state(self, state: State) -> None:
        """Go on with what was known of the open study when it was interrupted."""
        if self._session.study is not None:
            self._session.open(self._session.study, state)
            self.noticed.emit("Going on where you were interrupted.")

    def use_layers(self, study: Study, layers: Sequence[Any]) -> None:
        """Work on a study that was made of open layers, which show it from now on."""
        if self._may_leave():
            take_over(study, layers)
            self._session.open(study)

    def adopt(self) -> None:
        """Take up a study that the reader or File > Open Sample has loaded, or a panel before this one."""
        study = loaded_study(self._viewer.layers)
        if study is None or (self._refused is not None and same_scans(study, self._refused)):
            return
        session = self._session
        if same_scans(study, session.study):
            if not self._bridge.cells:
                session.announce()
                self.taken_up.emit()
            return
        if session.lesions and (len(study.scans) == 1 or _extends(study, session.study)):
            self.failed.emit("The new scan stays beside the study: open all scans before you mark lesions.")
            return
        if not self._may_leave():
            self._refused = study
            return
        left = left_off(self._viewer.layers, study)
        if left is None:
            session.open(study)
        else:
            session.open(study, left.state, left.past)
            self._saving.use(left.path)

    # ---- helpers

    def _may_leave(self) -> bool:
        """Whether the study at hand may be closed; what was saved of it by itself is not needed then."""
        session = self._session
        if not self._saving.unsaved or session.study is None:
            return True
        reviewed = sum(finding.is_reviewed for finding in session.findings)
        with_reviewed = f" with {reviewed} reviewed findings" if reviewed else ""
        what = f"Study {session.study.patient} has {len(session.lesions)} lesions{with_reviewed}, not saved."
        if not self.may_lose(what):
            return False
        self._saving.let_go()
        return True

    def _on_opened(self, opened: Opened) -> None:
        """A session file is kept where it is."""
        if opened.left is not None:
            self._saving.use(opened.left.path)

    def _on_emptied(self) -> None:
        """All scans were removed from the layer list by hand: they come back, unless that was meant."""
        if self._may_leave():
            self._session.open(None)
        else:
            self._session.announce()


def _extends(study: Study, known: Study | None) -> bool:
    """Whether a study is another one with more scans."""
    voxels = {id(scan.image) for scan in study.scans}
    return known is not None and {id(scan.image) for scan in known.scans} < voxels
