"""One job at a time for a session: opening, tracking, checking and exporting, in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from qtpy.QtCore import QObject, Signal

from napari_longiseg._napari.job import Job, Work
from napari_longiseg._napari.registration_check import CheckTask
from napari_longiseg._napari.summary import doubts_of, run_summary
from napari_longiseg._napari.tasks import ExportTask, OpenTask, TrackTask
from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import Finding
from napari_longiseg.core.scan import Study
from napari_longiseg.core.timing import Timer
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.registration.store import MapStore
from napari_longiseg.session import Session
from napari_longiseg.tracking.record import PairRecord
from napari_longiseg.tracking.setup import TrackSettings


class Runner(QObject):
    """Works for a session in a thread, one job at a time, and brings the results into it.

    Lesions whose tracking is asked for while another job runs wait for its end.

    Signals
    -------
    busy_changed(bool)
        A job has started, or all have ended.
    waiting_changed()
        Other lesions are being tracked or wait for it.
    progressed(str, float)
        Stage and fraction from 0 to 1.
    failed(str)
        One sentence.
    succeeded(str)
        One sentence.
    doubted(str)
        In place of ``succeeded``: what was done, and why a reader must not trust all of it.
    checked(object)
        A :class:`RegistrationCheck` to be looked at.
    refused(int, str)
        Nothing was outlined at the click that this lesion was tracked for; one sentence why.
    """

    busy_changed = Signal(bool)
    waiting_changed = Signal()
    progressed = Signal(str, float)
    failed = Signal(str)
    succeeded = Signal(str)
    doubted = Signal(str)
    checked = Signal(object)
    refused = Signal(int, str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._settings: TrackSettings | None = None
        self._begin()
        self._job: Job | None = None
        self._running: frozenset[int] = frozenset()
        self._checking = False
        self._queued: set[int] = set()
        self._refused: set[int] = set()
        self._clicked: dict[int, str] = {}
        self._message = ""
        session.study_changed.connect(self._on_study_changed)

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self._job is not None

    @property
    def waiting(self) -> frozenset[int]:
        """Lesions that are being tracked, or wait for it."""
        return self._running | self._queued

    def open(self, path: Path) -> None:
        """Load a study and put it into the session."""
        self.cancel()
        self._start(OpenTask(path), self._on_opened, "")

    def track(
        self, lesion_ids: Iterable[int], settings: TrackSettings, clicked_on: str | None = None
    ) -> None:
        """Track lesions, now or after the running job.

        Where that is for a click on a scan, and it hits nothing there, the lesion is refused.
        """
        ids = set(lesion_ids)
        self._queued |= ids
        for lesion_id in ids:
            self._clicked.pop(lesion_id, None)
            if clicked_on is not None:
                self._clicked[lesion_id] = clicked_on
        self._settings = settings
        self.waiting_changed.emit()
        if not self.busy:
            self._track_queued()

    def check(self, source: str, target: str, settings: TrackSettings) -> None:
        """Align two scans, by id, and bring one to the other, to be looked at."""
        study = self._study_for("you check a pair")
        if study is None:
            return
        self._checking = True
        task = CheckTask(study, self._session.findings, source, target, settings, self._cache)
        self._start(task, self.checked.emit, f"{source} lies on {target} now: choose how to look at it.")

    def export(self, folder: Path, settings: TrackSettings) -> None:
        """Write masks, table and record of the session's findings.

        The record names the settings of the last tracking; those given, where nothing was tracked yet.
        """
        study = self._study_for("you export")
        if study is None:
            return
        task = ExportTask.of(
            self._session,
            study,
            folder,
            self._settings or settings,
            self._timer,
            tuple(self._registrations.values()),
        )
        self._start(task, self._on_exported, f"Results are in {folder}.")

    def _study_for(self, what: str) -> Study | None:
        """The study with all its lesions; None, and a sentence, where work is running or none is open."""
        if self.busy:
            self.failed.emit(f"Wait until the running work is done, or cancel it, before {what}.")
            return None
        try:
            return self._session.study_with(lesion.id for lesion in self._session.lesions)
        except InputError as error:
            self.failed.emit(str(error))
            return None

    def cancel(self) -> None:
        """Stop at once; what the thread still brings is dropped."""
        self._queued.clear()
        if self._job is not None:
            self._job.cancel()
        self.waiting_changed.emit()

    def close(self) -> None:
        """Stop, and let go of the session."""
        self._session.study_changed.disconnect(self._on_study_changed)
        self.cancel()

    def _begin(self) -> None:
        """Forget what was done for another study; the maps in memory hold on to its scans."""
        self._cache = RegistrationCache(MapStore())
        self._timer = Timer()
        self._registrations: dict[tuple[str, str], PairRecord] = {}
        self._settings = None

    def _track_queued(self) -> None:
        known = {lesion.id for lesion in self._session.lesions}
        ids, self._queued = frozenset(self._queued & known), set()
        if not ids or self._settings is None or self._session.study is None:
            return
        self._running, self._refused = ids, set()
        task = TrackTask(
            study=self._session.study_with(ids),
            known=tuple(finding for finding in self._session.findings if finding.lesion not in ids),
            settings=self._settings,
            cache=self._cache,
            timer=self._timer,
            registrations=self._registrations,
        )
        self._start(task, self._on_finding, "")

    def _start(self, work: Work, on_result: Callable[[object], None], message: str) -> None:
        job = Job(work)
        self._job, self._message = job, message
        job.yielded.connect(on_result)
        job.progressed.connect(self.progressed)
        job.failed.connect(self.failed)
        job.ended.connect(self._on_ended)
        self.busy_changed.emit(True)
        self.waiting_changed.emit()
        job.start()

    def _on_opened(self, study: object) -> None:
        if isinstance(study, Study):
            self._message = f"Opened {study.patient}. Click a lesion on any scan."
            self._session.open(study)

    def _on_finding(self, finding: object) -> None:
        if not isinstance(finding, Finding) or finding.lesion in self._refused:
            return
        if self._clicked.get(finding.lesion) == finding.scan:
            del self._clicked[finding.lesion]
            if finding.mask is None:
                self._refuse(finding)
                return
        try:
            self._session.set_known(finding)
        except InputError:  # its lesion was removed meanwhile
            return

    def _refuse(self, finding: Finding) -> None:
        """Spare the other scans a lesion that is none."""
        self._refused.add(finding.lesion)
        self._running -= {finding.lesion}
        if not self._running and self._job is not None:
            self._job.cancel()
        why = finding.reason or f"Nothing could be outlined there on {finding.scan}."
        self.refused.emit(finding.lesion, why)

    def _on_exported(self, folder: object) -> None:
        self._message = f"Results are in {folder}."

    def _on_ended(self, done: bool) -> None:
        tracked, self._job, self._running, self._checking = self._running, None, frozenset(), False
        self.waiting_changed.emit()
        if done:
            self._conclude(tracked)
        if self._queued:
            self._track_queued()
        if not self.busy:
            self.busy_changed.emit(False)

    def _conclude(self, tracked: frozenset[int]) -> None:
        """Say what was done; where the alignment is doubtful, that comes with it."""
        message = run_summary(self._session, tracked) if tracked else self._message
        doubts = doubts_of(self._session, tracked, self._registrations.values())
        if doubts:
            self.doubted.emit(f"{message} {doubts}")
        else:
            self.succeeded.emit(message)

    def _on_study_changed(self, _: Study | None) -> None:
        """Work on the study before is of no use any more; the job that has just opened this one may end."""
        self._queued.clear()
        self._begin()
        if (self._running or self._checking) and self._job is not None:
            self._job.cancel()
