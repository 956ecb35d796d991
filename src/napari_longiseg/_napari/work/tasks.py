"""The panel's work, as generators that run in the engine's thread; they touch neither layers nor widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari.layers import Image, Labels, Points
from napari_longiseg._napari.layers.adopt import Left, read_left
from napari_longiseg._napari.layers.colours import lesion_colormap
from napari_longiseg._napari.layers.windows import window_name
from napari_longiseg._napari.work.job import Work
from napari_longiseg._napari.work.request import Request, Result
from napari_longiseg.core.errors import LongisegError
from napari_longiseg.core.lesion import Finding, Lesion, Origin, Presence
from napari_longiseg.core.methods import REGISTRATIONS, SEGMENTERS, create
from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Study
from napari_longiseg.core.timing import Timer
from napari_longiseg.io.manifest import load_study
from napari_longiseg.io.session_store import is_session
from napari_longiseg.models.device import torch_device
from napari_longiseg.models.preload import preload_simple_itk, preload_torch
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.registration.links import Link, align_links
from napari_longiseg.session import Session
from napari_longiseg.tracking.record import PairRecord, run_record
from napari_longiseg.tracking.setup import TrackSettings, make_tracker
from napari_longiseg.tracking.track import Tracker


@dataclass(frozen=True, eq=False)
class Opened:
    """A study, ready to be shown.

    Attributes
    ----------
    study : Study
        The scans with their lesions.
    left : Left or None
        Where the work on it was left, where a session file was opened.
    """

    study: Study
    left: Left | None = None


@dataclass(frozen=True)
class OpenTask:
    """Load a study from a manifest, a folder or an image file, or with all that is known from a session."""

    path: Path

    def __call__(self, progress: Progress) -> Iterator[Opened]:
        """Yield what was opened."""
        progress(f"Opening {self.path.name}", 0.0)
        preload_simple_itk()
        preload_layers()
        part, left = scaled(progress, 0.0, 0.9), None
        if is_session(self.path):
            study, left = read_left(self.path, part)
        else:
            study = load_study(self.path, part)
        prepare(study, scaled(progress, 0.9, 1.0))
        yield Opened(study, left)


def preload_layers() -> None:
    """Have napari load what it needs for its first layers, which never meet a viewer.

    That is pandas, all units, scipy and scikit-image: more than a second that the GUI need not wait.
    """
    voxel = np.zeros((1, 1, 1), dtype=np.uint16)
    Points(None, ndim=3, units=("mm",) * 3)
    Image(voxel, contrast_limits=(0, 1))
    Labels(voxel, colormap=lesion_colormap())


@dataclass(frozen=True)
class LinkTask:
    """Align the scans of a study with one of them, so that points can be carried between all.

    Attributes
    ----------
    study : Study
        The scans.
    tools : Tools
        With the registration, and its cache.
    """

    study: Study
    tools: Tools

    def __call__(self, progress: Progress) -> Iterator[Link]:
        """Yield links as they are ready."""
        choice = self.tools.settings.registration
        method = create(REGISTRATIONS, choice.name, **choice.options)
        yield from align_links(self.study, method, self.tools.cache, progress)


def labelled(label: str, work: Work) -> Work:
    """Work whose first stage is this."""

    def begin(progress: Progress) -> Iterator[Any]:
        progress(label, 0.0)
        yield from work(progress)

    return begin


def prepare(study: Study, progress: Progress) -> None:
    """Work out what the scans are asked for later, and keep it with them: each takes too long for the GUI."""
    for number, scan in enumerate(study.scans):
        progress(f"Looking at {scan.id}", number / len(study.scans))
        window_name([scan])
        _ = scan.statistics, scan.key


@dataclass(frozen=True)
class Tools:
    """What all tracking of a study is done with.

    Attributes
    ----------
    settings : TrackSettings
        The methods are made in the thread, since this may import torch or SimpleITK.
    cache : RegistrationCache
        A pair is aligned once.
    timer : Timer
        Adds up how long each step took.
    registrations : dict
        Gathers how pairs of scans were aligned, by (source, target).
    """

    settings: TrackSettings
    cache: RegistrationCache
    timer: Timer = field(default_factory=Timer)
    registrations: dict[tuple[str, str], PairRecord] = field(default_factory=dict)

    def watched(self, work: Callable[[Tracker], Iterator[Result]]) -> Iterator[Result]:
        """What a tracker finds, and note how it has aligned the scans."""
        tracker = make_tracker(self.settings, self.cache, self.timer)
        for known in work(tracker):
            self.registrations.update(tracker.registrations)
            yield known

    def device(self) -> str:
        """Where the methods work; this imports torch where they would."""
        choices = (REGISTRATIONS, self.settings.registration), (SEGMENTERS, self.settings.segmenter)
        try:
            methods = [create(group, choice.name, **choice.options) for group, choice in choices]
            asked = {str(method.device) for method in methods if hasattr(method, "device")}
            if asked:
                preload_torch()
            kinds = {torch_device(name, LongisegError).type for name in asked - {"cpu"}}
        except LongisegError:  # the work itself will say so
            return ""
        return "GPU" if kinds - {"cpu"} else "CPU"


@dataclass(frozen=True)
class _Looking:
    """Look for what is requested.

    Attributes
    ----------
    request : Request
        Begins when it is the task's turn.
    session : Session
        Asked then for what is known: that is a value, and can be taken from this thread.
    tools : Tools
        What to do it with.
    """

    request: Request
    session: Session
    tools: Tools


class ProposeTask(_Looking):
    """Outline lesions on their source scans, and say where to expect them on the others."""

    def __call__(self, progress: Progress) -> Iterator[Result]:
        """Yield findings and proposals, then, where outlines are requested, findings in their place."""
        progress("Starting", 0.0)
        study, known = self.request.begin(self.session.state)
        straight = self.request.outlines
        found = {(finding.lesion, finding.scan): finding for finding in known}
        proposals: list[Proposal] = []
        first = scaled(progress, 0.0, 0.7) if straight else progress
        for one in self.tools.watched(lambda tracker: tracker.propose(study, first, known)):
            if isinstance(one, Finding):
                found[one.lesion, one.scan] = one
            else:
                proposals.append(one)
            yield one
        if straight and proposals:
            rest, all_known = scaled(progress, 0.7, 1.0), tuple(found.values())
            yield from self.tools.watched(
                lambda tracker: tracker.outline(study, proposals, (), rest, all_known)
            )


class OutlineTask(_Looking):
    """Outline lesions on scans where they are proposed, or shown by a reader."""

    def __call__(self, progress: Progress) -> Iterator[Result]:
        """Yield findings as they are ready."""
        progress("Starting", 0.0)
        study, known = self.request.begin(self.session.state)
        there = {lesion.id: lesion for lesion in study.lesions}
        keys = [key for key in self.request.own if key[0] in there]
        shown = [(i, scan) for i, scan in keys if there[i].point_on(scan) is not None]
        proposals = self.request.proposals(key for key in keys if key not in shown)
        yield from self.tools.watched(
            lambda tracker: tracker.outline(study, proposals, shown, progress, known)
        )


@dataclass(frozen=True)
class ExportTask:
    """Write masks, ``lesions.csv`` and ``run.json`` into a folder.

    Attributes
    ----------
    study : Study
        With all lesions.
    findings : tuple of Finding
        One per lesion and scan.
    run : mapping
        The run's record.
    """

    study: Study
    findings: tuple[Finding, ...]
    run: Mapping[str, Any]
    folder: Path

    @classmethod
    def of(
        cls,
        session: Session,
        study: Study,
        folder: Path,
        settings: TrackSettings,
        timer: Timer,
        registrations: Sequence[PairRecord],
    ) -> ExportTask:
        """What a session holds now; lesions that were not tracked yet are written as not evaluable."""
        findings = tuple(
            session.finding(lesion.id, scan.id)
            or _untracked(lesion, scan.id, session.proposal(lesion.id, scan.id))
            for lesion in study.lesions
            for scan in study.scans
        )
        return cls(study, findings, run_record(study, asdict(settings), timer, registrations), folder)

    def __call__(self, progress: Progress) -> Iterator[Path]:
        """Yield the folder when all is written."""
        from napari_longiseg.io.results import write_results

        progress("Writing masks and table", 0.0)
        write_results(self.folder, self.study, self.findings, dict(self.run), overwrite=True)
        yield self.folder


def _untracked(lesion: Lesion, scan_id: str, proposal: Proposal | None) -> Finding:
    """The row of a lesion that nothing is known of on a scan but, perhaps, where it is expected."""
    row = Finding(
        lesion=lesion.id,
        scan=scan_id,
        presence=Presence.NOT_EVALUABLE,
        origin=Origin.PROPAGATED,
        source_scan=lesion.source_scan or scan_id,
        reason="Not tracked yet.",
    )
    if proposal is None:
        return row
    reason = "Expected here; nobody has accepted the place yet."
    return replace(proposal.noted_in(row), point_mm=proposal.point_mm, reason=reason)
