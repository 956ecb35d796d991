"""Work in a thread of napari's, with progress, cancel and errors of one sentence."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, Signal

from napari_longiseg.core.errors import Cancelled, LongisegError
from napari_longiseg.core.progress import Progress

logger = logging.getLogger(__name__)

Work = Callable[[Progress], Iterator[Any]]
"""Yields results as they are ready, reports its progress, and knows nothing of Qt."""

_RUNNING: set[Job] = set()
"""Keeps jobs until their threads have ended: a cancelled one goes on until it reports its progress again."""


class Job(QObject):
    """One run of some work in a thread; all signals arrive in the GUI thread.

    Cancelling ends the job at once for whoever listens: what its thread still brings is dropped.

    Signals
    -------
    progressed(str, float)
        Stage and fraction from 0 to 1.
    yielded(object)
        A result.
    failed(str)
        One sentence; ``ended`` follows.
    ended(bool)
        Once; whether all the work was done.
    """

    progressed = Signal(str, float)
    yielded = Signal(object)
    failed = Signal(str)
    ended = Signal(bool)
    _reported = Signal(str, float)

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._live = True
        self._cancelled = Event()
        self._worker = create_worker(_guarded, work, self._report, _ignore_errors=True)
        self._reported.connect(self._on_reported)
        self._worker.yielded.connect(self._on_yielded)
        self._worker.returned.connect(self._on_returned)
        self._worker.errored.connect(self._on_errored)
        self._worker.finished.connect(self._on_finished)

    def start(self) -> None:
        """Start the thread."""
        _RUNNING.add(self)
        self._worker.start()

    def cancel(self) -> None:
        """End now; the thread stops at its next report of progress."""
        self._cancelled.set()
        self._worker.quit()
        self._end(done=False)

    def _report(self, stage: str, fraction: float) -> None:
        """Called in the thread: the work's progress."""
        if self._cancelled.is_set():
            msg = "Cancelled."
            raise Cancelled(msg)
        self._reported.emit(stage, fraction)

    def _on_reported(self, stage: str, fraction: float) -> None:
        if self._live:
            self.progressed.emit(stage, fraction)

    def _on_yielded(self, result: object) -> None:
        if self._live:
            self.yielded.emit(result)

    def _on_returned(self, _: object) -> None:
        self._end(done=True)

    def _on_errored(self, error: Exception) -> None:
        if self._live:
            self.failed.emit(str(error))
        self._end(done=False)

    def _on_finished(self) -> None:
        self._end(done=False)
        _RUNNING.discard(self)

    def _end(self, done: bool) -> None:
        if self._live:
            self._live = False
            self.ended.emit(done)


def _guarded(work: Work, progress: Progress) -> Iterator[Any]:
    """Let only our own errors out: napari's generator workers swallow a RuntimeError, torch's included."""
    try:
        yield from work(progress)
    except LongisegError:
        raise
    except Exception as error:
        logger.exception("Unexpected error in the worker")
        first_line = (str(error).strip().splitlines() or ["no message"])[0]
        msg = f"Stopped by an unexpected {type(error).__name__}: {first_line} (the log has the details)."
        raise LongisegError(msg) from error
