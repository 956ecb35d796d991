"""Saving a session now and then, without a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from napari_longiseg.core.scan import Study
from napari_longiseg.core.state import State
from napari_longiseg.session.session import Session

INTERVAL_S = 60.0


class Write(Protocol):
    """Writes a session, as :func:`napari_longiseg.io.session_store.write_session` does."""

    def __call__(self, path: Path, study: Study, state: State, history: Sequence[str]) -> None:
        """Write all or, with an error, nothing."""


class Autosave:
    """Knows when a session is to be saved, and makes the work of it for whoever has a thread.

    Parameters
    ----------
    session : Session
        As it is now, it counts as saved: it was just opened.
    path : Path
        Where it is saved.
    write : callable
        Gets the path, the study, the state and the labels of what was done; may take long and may fail.
    interval_s : float
        So long after a save began, the next one is due.
    clock : callable
        Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        session: Session,
        path: Path,
        write: Write,
        interval_s: float = INTERVAL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.interval_s = interval_s
        self._session = session
        self._write = write
        self._clock = clock
        self._saved = session.study, session.state
        self._begun = clock()

    @property
    def changed(self) -> bool:
        """Whether the session is another one than was saved last; states are values, never changed."""
        study, state = self._saved
        return self._session.study is not study or self._session.state is not state

    def due(self) -> bool:
        """Whether it is time to save, and there is something to save."""
        return (
            self._session.study is not None
            and self.changed
            and self._clock() - self._begun >= self.interval_s
        )

    def save(self) -> Callable[[], None] | None:
        """The work of saving the session as it is now; None where no study is open.

        To be called in the thread that changes the session. The work itself may be done in any other, while
        the session goes on changing; where it fails, the session counts as changed still.
        """
        study, state = self._session.study, self._session.state
        if study is None:
            return None
        labels = self._session.history.labels
        self._begun = self._clock()

        def work() -> None:
            self._write(self.path, study, state, labels)
            self._saved = study, state

        return work
