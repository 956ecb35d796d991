"""The panel's work, as generators that run in a thread; they touch neither layers nor widgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_longiseg.core.lesion import Finding, Lesion, Origin, Presence
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import Study
from napari_longiseg.core.timing import Timer
from napari_longiseg.io.manifest import load_study
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.session import Session
from napari_longiseg.tracking.record import PairRecord, run_record
from napari_longiseg.tracking.setup import TrackSettings, make_tracker


@dataclass(frozen=True)
class OpenTask:
    """Load a study from a manifest, a folder or an image file."""

    path: Path

    def __call__(self, progress: Progress) -> Iterator[Study]:
        """Yield the study."""
        progress(f"Opening {self.path.name}", 0.0)
        yield load_study(self.path, progress)


@dataclass(frozen=True)
class TrackTask:
    """Track the lesions of a study.

    Attributes
    ----------
    study : Study
        With the lesions to track.
    known : tuple of Finding
        Of the other lesions, which new findings may overlap.
    settings : TrackSettings
        The methods are made in the thread, since this may import torch or SimpleITK.
    cache : RegistrationCache
        Shared by all the tasks of a panel.
    timer : Timer
        Adds up how long each step took.
    registrations : dict
        Gathers how pairs of scans were aligned, by (source, target).
    """

    study: Study
    known: tuple[Finding, ...]
    settings: TrackSettings
    cache: RegistrationCache
    timer: Timer
    registrations: dict[tuple[str, str], PairRecord]

    def __call__(self, progress: Progress) -> Iterator[Finding]:
        """Yield findings as they are ready."""
        progress("Starting", 0.0)
        tracker = make_tracker(self.settings, self.cache, self.timer)
        for finding in tracker.track(self.study, progress, self.known):
            self.registrations.update(tracker.registrations)
            yield finding


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
            session.finding(lesion.id, scan.id) or _untracked(lesion, scan.id)
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


def _untracked(lesion: Lesion, scan_id: str) -> Finding:
    return Finding(
        lesion=lesion.id,
        scan=scan_id,
        presence=Presence.NOT_EVALUABLE,
        origin=Origin.PROPAGATED,
        source_scan=lesion.source_scan or scan_id,
        reason="Not tracked yet.",
    )
