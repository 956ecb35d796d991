"""Track a study and write what was found."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from napari_longiseg.cli._console import progress_bar
from napari_longiseg.core import methods
from napari_longiseg.core.lesion import Finding
from napari_longiseg.core.scan import Study
from napari_longiseg.core.timing import Timer
from napari_longiseg.tracking.options import TrackOptions


def track_and_write(
    study: Study,
    out: Path,
    *,
    registration: str,
    segmenter: str,
    registration_options: dict[str, Any],
    segmenter_options: dict[str, Any],
    options: TrackOptions,
    timer: Timer,
    overwrite: bool,
) -> list[Finding]:
    """Track every lesion of a study and write masks, ``lesions.csv`` and ``run.json`` into a folder.

    Raises
    ------
    LongisegError
        Anything that the user can mend; then nothing is written.
    """
    from napari_longiseg.io.results import write_results
    from napari_longiseg.tracking.record import run_record
    from napari_longiseg.tracking.track import Tracker

    tracker = Tracker(
        methods.create(methods.REGISTRATIONS, registration, **registration_options),
        methods.create(methods.SEGMENTERS, segmenter, **segmenter_options),
        options,
        timer=timer,
    )
    with progress_bar() as progress, timer.step("track"):
        findings = list(tracker.track(study, progress))
    parameters = {"registration": repr(tracker.registration), "segmenter": repr(tracker.segmenter)}
    record = run_record(study, parameters | asdict(options), timer)
    write_results(out, study, findings, record, overwrite=overwrite)
    return findings
