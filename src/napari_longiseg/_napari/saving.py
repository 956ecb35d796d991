"""Session files: saved when a reader asks, and by themselves so that nothing is lost."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from threading import Lock, Thread
from uuid import uuid4

from platformdirs import user_data_path
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_longiseg._napari.preferences import Preferences
from napari_longiseg._napari.work.runner import Runner
from napari_longiseg.core.errors import InputError, LongisegError
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import Study
from napari_longiseg.core.state import State
from napari_longiseg.io.session_store import SUFFIX, is_session, read_state, read_title, write_session
from napari_longiseg.session import Session
from napari_longiseg.session.autosave import Autosave

logger = logging.getLogger(__name__)

LOOK_MS = 5000
"""So often it is looked whether saving is due."""
_WRITING = Lock()
"""A panel that is opened again may save the same session while the one before still does."""


@dataclass(frozen=True, eq=False)
class Found:
    """An interrupted session of a study, or where one would be kept."""

    study: Study
    path: Path
    state: State | None


class Saving:
    """Keeps a session in a file.

    Until the reader has chosen one it is saved beside all other data of the package, from where it is
    offered when the same scans are opened again after a crash; it is removed when the reader lets go of it.

    Parameters
    ----------
    session : Session
        Is saved.
    runner : Runner
        Does the writing, when nothing else is to be done.
    preferences : callable
        The user's, at any time.

    Attributes
    ----------
    may_replace : callable
        Asks the reader whether a session file, described in a sentence, may be replaced; by default it may
        not.

    Signals
    -------
    noticed(str), failed(str)
        One sentence.
    interrupted(object)
        A State that was saved for the scans that were just opened, and never let go of.
    """

    noticed = Signal(str)
    failed = Signal(str)
    interrupted = Signal(object)

    def __init__(self, session: Session, runner: Runner, preferences: Callable[[], Preferences]) -> None:
        self._session = session
        self._runner = runner
        self._preferences = preferences
        self._autosave: Autosave | None = None
        self._chosen: Path | None = None
        self._offered: Study | None = None
        self.may_replace: Callable[[str], bool] = lambda _: False
        self._timer = QTimer()
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        session.study_changed.connect(self._on_study)

    def close(self) -> None:
        """Save what is not saved yet, and no more from then on.

        The reader waits for it: when napari is closed too, Python ends what zarr does in other threads.
        """
        self._timer.stop()
        self._session.study_changed.disconnect(self._on_study)
        wanted = self._preferences().autosave and self.unsaved
        work = self._autosave.save() if wanted and self._autosave is not None else None
        if work is not None:
            _last_save(work)

    def leave_off(self) -> None:
        """Save nothing by itself, and look for nothing that was: nobody works in this window."""
        self._timer.stop()
        self._session.study_changed.disconnect(self._on_study)
        self._autosave = None

    @property
    def unsaved(self) -> bool:
        """Whether there is work of the reader that no file of his choice has."""
        if not self._session.history.undo_label:
            return False
        return self._chosen is None or self._autosave is None or self._autosave.changed

    def look(self) -> None:
        """Save now, if that is due."""
        preferences, autosave = self._preferences(), self._autosave
        if autosave is None or not preferences.autosave or self._runner.busy:
            return
        autosave.interval_s = preferences.autosave_s
        if self._session.history.undo_label and autosave.due():
            self._save(autosave, lambda: None)

    def use(self, path: Path) -> None:
        """The study that was just opened comes from this session file; it is kept there from now on."""
        self._chosen = path
        self._autosave = Autosave(self._session, path, write_session)

    def save_as(self, path: Path) -> None:
        """Save to this file now, and from now on, after asking where another session is lost by that.

        A place within a session stands for that session: Qt's dialog goes into a folder that is chosen.
        """
        path = next((parent for parent in path.parents if is_session(parent)), path)
        if not path.name.lower().endswith(SUFFIX):
            path = path.with_name(path.name + SUFFIX)
        if path.exists() and not is_session(path):
            self.failed.emit(f"{path.name} is something else than a session: choose another name.")
            return
        if path.exists() and path != self._chosen and not self.may_replace(_content(path)):
            return
        chosen = Autosave(self._session, path, write_session)
        self._save(chosen, partial(self._on_saved_as, chosen, self._session.study))

    def let_go(self) -> None:
        """The reader does not want what was saved by itself; a file of his choice stays."""
        if self._autosave is not None and self._chosen is None:
            _discard(self._autosave.path)

    # ---- helpers

    def _save(self, autosave: Autosave, then: Callable[[], None]) -> None:
        work = autosave.save()
        if work is None:
            self.failed.emit("No study is open that could be saved.")
            return

        def run(progress: Progress) -> Iterator[None]:
            progress(f"Saving {autosave.path.name}", 0.0)
            with _WRITING:
                work()
            yield None

        self._runner.run("Saving the session", run, lambda _: then())

    def _on_saved_as(self, chosen: Autosave, study: Study | None) -> None:
        """Only now that all is in the reader's file, it takes the place of the one before."""
        if self._session.study is study:
            self.let_go()
            self._autosave, self._chosen = chosen, chosen.path
        self.noticed.emit(f"The session is saved in {chosen.path}.")

    def _on_study(self, study: Study | None) -> None:
        """Where the work on it is kept is known once its scans are: that reads all of their voxels."""
        self._autosave = self._chosen = None
        if study is not self._offered:
            self._offered = None
        if study is None:
            return

        def run(progress: Progress) -> Iterator[Found]:
            path = _own_place(study, progress)
            yield Found(study, path, _interrupted(study, path))

        self._runner.run("Looking for an interrupted session", run, self._on_found)

    def _on_found(self, found: object) -> None:
        if not isinstance(found, Found) or self._session.study is not found.study or self._chosen:
            return
        self._autosave = Autosave(self._session, found.path, write_session)
        if found.state is not None and self._offered is not found.study:
            self._offered = found.study  # going on with it opens the study again: no second question
            self.interrupted.emit(found.state)


def _content(path: Path) -> str:
    """What a session file holds, in a sentence."""
    try:
        patient, lesions = read_title(path)
    except InputError:
        return f"{path.name} holds a session that cannot be read."
    many = "1 lesion" if lesions == 1 else f"{lesions} lesions"
    return f"{path.name} holds a session of {patient} with {many}."


def _discard(path: Path) -> None:
    """Have a session not to be there any more; its hundreds of files go in a thread that Python waits for."""
    if path.exists():
        with suppress(OSError):
            path = path.rename(path.with_name(f"{path.name}.{uuid4().hex}.gone"))
        Thread(target=shutil.rmtree, args=(path, True), name="longiseg-discard").start()


def _last_save(work: Callable[[], None]) -> None:
    """Nobody is there any more who could be told what went wrong."""
    try:
        with _WRITING:
            work()
    except LongisegError:
        logger.exception("The last changes could not be saved")


def _own_place(study: Study, progress: Progress) -> Path:
    """Where the work on a study is kept until the reader chooses a file: the same scans, the same place."""
    digest = blake2b(digest_size=6)
    for number, scan in enumerate(study.scans):
        progress("Looking for an interrupted session", number / len(study.scans))
        digest.update(scan.key.encode())
    name = re.sub(r"[^\w-]+", "_", study.patient)[:40] or "patient"
    return user_data_path("napari-longiseg") / "sessions" / f"{name}-{digest.hexdigest()}{SUFFIX}"


def _interrupted(study: Study, path: Path) -> State | None:
    """What was left of an interrupted session, for these very scans."""
    try:
        return read_state(path, study) if is_session(path) else None
    except InputError:  # of another version, or damaged: the next one takes its place
        return None
