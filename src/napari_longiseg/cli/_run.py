"""Track a study and write what was found."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from napari_longiseg.cli._console import progress_bar
from napari_longiseg.core.lesion import Finding
from napari_longiseg.core.scan import Study

if TYPE_CHECKING:
    from napari_longiseg.tracking.track import Tracker


def track_and_write(study: Study, out: Path, tracker: Tracker, *, overwrite: bool) -> list[Finding]:
    """Track every lesion of a study and write masks, ``lesions.csv`` and ``run.json`` into a folder.

    Raises
    ------
    LongisegError
        Anything that the user can mend; then nothing is written.
    """
    from napari_longiseg.io.results import write_results
    from napari_longiseg.tracking.record import run_record

    with progress_bar() as progress, tracker.timer.step("track"):
        findings = list(tracker.track(study, progress))
    parameters = {"registration": repr(tracker.registration), "segmenter": repr(tracker.segmenter)}
    record = run_record(
        study, parameters | asdict(tracker.options), tracker.timer, tracker.registrations.values()
    )
    write_results(out, study, findings, record, overwrite=overwrite)
    return findings
