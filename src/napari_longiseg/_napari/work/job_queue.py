"""Jobs of one engine: which are under way, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, Signal

from napari_longiseg._napari.work.agenda import Agenda
from napari_longiseg._napari.work.engine import Engine, Mailbox
from napari_longiseg._napari.work.job import Job
from napari_longiseg._napari.work.request import Request
from napari_longiseg.core.state import Key


class JobQueue(QObject):
    """Has jobs done in the engine's thread, and tells the GUI's of it.

    Signals
    -------
    busy_changed(bool)
        Work that a reader waits for has begun, or all of it has ended.
    waiting_changed()
        Other findings are being looked for.
    stage_changed(object)
        The :class:`Stage` of what runs, be it for a reader or in the background; None when nothing does.
    failed(str)
        One sentence.
    """

    busy_changed = Signal(bool)
    waiting_changed = Signal()
    stage_changed = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._agenda = Agenda()
        self._mailbox = Mailbox(self)
        self._engine = Engine(self._mailbox.post)

    @property
    def busy(self) -> bool:
        """Whether a reader waits for some work."""
        return self._agenda.busy

    @property
    def working(self) -> bool:
        """Whether the engine's thread may be at work: once closed, until it has ended."""
        return self._engine.alive

    @property
    def waiting(self) -> frozenset[Key]:
        """(lesion id, scan id) of all that is being looked for, or waits for that."""
        return self._agenda.owed

    def cancel(self) -> None:
        """Stop all at once; what the thread still brings is dropped."""
        for job in self._agenda.jobs:
            job.cancel()

    def close(self) -> None:
        """Stop; the thread ends at its next report of progress."""
        self.cancel()
        self._engine.close()

    def _start(
        self,
        job: Job,
        on_result: Callable[[object], None],
        conclude: Callable[[], None],
        request: Request | None = None,
        of_study: bool = False,
    ) -> None:
        was_busy = self.busy
        replaced = self._agenda.add(job, request, of_study)
        job.yielded.connect(lambda result: on_result(result))
        job.stage_changed.connect(lambda stage: self.stage_changed.emit(stage))
        job.failed.connect(lambda sentence: self.failed.emit(sentence))
        job.ended.connect(lambda done: self._on_ended(job, done, conclude))
        if self.busy and not was_busy:
            self.busy_changed.emit(True)
        self.waiting_changed.emit()
        self._engine.submit(job)
        for other in replaced:
            other.cancel()

    def _on_ended(self, job: Job, done: bool, conclude: Callable[[], None]) -> None:
        was_busy = self.busy
        self._agenda.remove(job)
        self.waiting_changed.emit()
        if done:
            conclude()
        if not self._agenda.jobs:
            self.stage_changed.emit(None)
        if was_busy and not self.busy:
            self.busy_changed.emit(False)
