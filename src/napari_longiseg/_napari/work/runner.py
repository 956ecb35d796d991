"""A session's work: what readers ask for becomes jobs of the engine, and their results become known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from qtpy.QtCore import QObject, Signal

from napari_longiseg._napari.work import summary as summaries
from napari_longiseg._napari.work.check import CheckTask
from napari_longiseg._napari.work.job import Job, Priority, Work
from napari_longiseg._napari.work.job_queue import JobQueue
from napari_longiseg._napari.work.request import Request
from napari_longiseg._napari.work.tasks import (
    ExportTask,
    LinkTask,
    Opened,
    OpenTask,
    OutlineTask,
    ProposeTask,
    Tools,
    labelled,
)
from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import Finding
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Study
from napari_longiseg.core.state import Key
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.registration.store import MapStore
from napari_longiseg.session import Session
from napari_longiseg.tracking.setup import TrackSettings


class Runner(JobQueue):
    """Works for a session in the engine's thread, and brings the results into it.

    What is asked for last comes first, and replaces what was asked for the same lesion and scan before.

    Signals
    -------
    succeeded(str)
        One sentence.
    doubted(str)
        In place of ``succeeded``: what was done, and why a reader must not trust all of it.
    checked(object)
        A :class:`RegistrationCheck` to be looked at.
    opened(object)
        What was :class:`Opened`; the session works on it already.
    refused(int, str)
        Nothing was outlined where a reader has clicked for this lesion; one sentence why. What was known of
        it there stays.
    """

    succeeded = Signal(str)
    doubted = Signal(str)
    checked = Signal(object)
    opened = Signal(object)
    refused = Signal(int, str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._cache = RegistrationCache(MapStore())
        self._tools: Tools | None = None
        session.study_changed.connect(self._on_study_changed)

    def open(self, path: Path) -> None:
        """Load a study and put it into the session."""
        self.cancel()
        self._start(Job(OpenTask(path)), self._on_opened, self._opened)

    def propose(
        self,
        lesion_ids: Iterable[int],
        settings: TrackSettings,
        straight: bool,
        clicked_on: str | None = None,
    ) -> None:
        """Outline lesions on their source scans, and say where they are expected on the others.

        *straight* outlines at once what is proposed, but for what a reader has accepted or edited; else all
        findings on other scans stay. *clicked_on* is the scan of the click that this is for: where that hits
        nothing, the lesion is refused.
        """
        findings = self._session.state.findings
        decided = {key for key, finding in findings.items() if finding.is_reviewed or not straight}
        keys = [key for key in self._keys(lesion_ids) if key not in decided or key[1] == clicked_on]
        if not keys:
            self.succeeded.emit("All of it is accepted or edited already: nothing was looked for.")
        clicked = [key for key in keys if key[1] == clicked_on]
        summary = summaries.run_summary if straight else summaries.proposal_summary
        self._ask(ProposeTask, keys, settings, summary, outlines=straight, clicked=clicked)

    def outline(self, keys: Iterable[Key], settings: TrackSettings) -> None:
        """Outline lesions, by lesion and scan id, where they are proposed or a reader has a click or box.

        Where a reader's prompt hits nothing, the lesion is refused there.
        """
        keys, lesions = list(keys), self._session.state.lesions
        clicked = [(i, scan) for i, scan in keys if i in lesions and lesions[i].point_on(scan) is not None]
        self._ask(OutlineTask, keys, settings, summaries.outline_summary, clicked=clicked)

    def check(self, source: str, target: str, settings: TrackSettings) -> None:
        """Align two scans, by id, and bring one to the other, to be looked at."""
        study = self._study_for("you check a pair")
        if study is None:
            return
        tools = self._tools_with(settings)
        task = CheckTask(study, self._session.findings, source, target, settings, self._cache)
        done = partial(self.succeeded.emit, f"{source} lies on {target} now: choose how to look at it.")
        self._start(Job(task, device=tools.device), self.checked.emit, done, of_study=True)

    def export(self, folder: Path, settings: TrackSettings) -> None:
        """Write masks, table and record of the session's findings.

        The record names the settings of the last tracking; those given, where nothing was tracked yet.
        """
        study = self._study_for("you export")
        if study is None:
            return
        tools = self._tools or Tools(settings, self._cache)
        pairs = tuple(tools.registrations.values())
        task = ExportTask.of(self._session, study, folder, tools.settings, tools.timer, pairs)
        done = partial(self.succeeded.emit, summaries.export_summary(self._session, folder))
        self._start(Job(task), lambda _: None, done)

    def link(self, settings: TrackSettings, on_link: Callable[[object], None]) -> None:
        """Align the scans of the study when nothing else is to be done; *on_link* gets each :class:`Link`."""
        study = self._session.study
        if study is not None:
            job = Job(LinkTask(study, self._tools_with(settings)), Priority.BACKGROUND)
            self._start(job, on_link, lambda: None, of_study=True)

    def run(
        self,
        label: str,
        work: Work,
        on_result: Callable[[object], None],
        priority: Priority = Priority.BACKGROUND,
    ) -> Job:
        """Do other work, by default when nothing else is to be done; another study does not end it."""
        self._start(job := Job(labelled(label, work), priority), on_result, lambda: None)
        return job

    def close(self) -> None:
        """Stop, and let go of the session; the thread ends at its next report of progress."""
        self._session.study_changed.disconnect(self._on_study_changed)
        super().close()

    # ---- what is asked for

    def _keys(self, lesion_ids: Iterable[int]) -> list[Key]:
        """Lesions on all scans."""
        study = self._session.study
        return [(i, scan.id) for i in set(lesion_ids) for scan in (study.scans if study else ())]

    def _ask(
        self,
        task: type[ProposeTask | OutlineTask],
        keys: Iterable[Key],
        settings: TrackSettings,
        summary: Callable[[Session, Collection[Key]], str],
        *,
        outlines: bool = True,
        clicked: Collection[Key] = (),
    ) -> None:
        """Look for lesions on scans, in place of all earlier requests for the same."""
        study = self._session.study
        keys = [key for key in keys if key[0] in self._session.state.lesions]
        if study is None or not keys:
            return
        asked, tools = self._session.state, self._tools_with(settings)
        request = Request(study, keys, outlines=outlines, clicked=clicked, asked=asked)
        priority = Priority.CLICK if len(request.lesions) == 1 else Priority.LONG
        job = Job(task(request, self._session, tools), priority, tools.device)
        on_result, conclude = partial(self._on_result, job, request), partial(self._tracked, request, summary)
        self._start(job, on_result, conclude, request, of_study=True)

    def _tools_with(self, settings: TrackSettings) -> Tools:
        """Those of before, which remember what was done for this study, with other settings."""
        before = self._tools or Tools(settings, self._cache)
        self._tools = replace(before, settings=settings)
        return self._tools

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

    # ---- what comes of it

    def _on_opened(self, opened: object) -> None:
        if isinstance(opened, Opened):
            left = opened.left
            self._session.open(opened.study, *((left.state, left.past) if left else ()))
            self.opened.emit(opened)

    def _opened(self) -> None:
        if self._session.study is not None:
            next_ = summaries.what_next(len(self._session.lesions))
            self.succeeded.emit(f"Opened {self._session.study.patient}. {next_}")

    def _on_result(self, job: Job, request: Request, result: object) -> None:
        if not isinstance(result, Finding | Proposal) or request.is_stale(result, self._session.state):
            return
        if isinstance(result, Finding) and request.hits_nothing(result):
            if request.refuse(result):
                job.cancel()
            why = result.reason or f"Nothing could be outlined there on {result.scan}."
            self.refused.emit(result.lesion, why)
        else:
            request.settle(result)
            self._session.set_known(result)
        self.waiting_changed.emit()

    def _tracked(self, request: Request, summary: Callable[[Session, Collection[Key]], str]) -> None:
        """Say what was done; where the alignment is doubtful, that comes with it."""
        pairs = self._tools.registrations.values() if self._tools else ()
        doubts = summaries.doubts_of(self._session, request.own, pairs)
        say = self.doubted if doubts else self.succeeded
        say.emit(f"{summary(self._session, request.own)} {doubts}".strip())

    def _on_study_changed(self, _: Study | None) -> None:
        """Work on the study before is of no use any more; its maps in memory would hold on to its scans."""
        self._cache, self._tools = RegistrationCache(MapStore()), None
        for job in self._agenda.of_study:
            job.cancel()
