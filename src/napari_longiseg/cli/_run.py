"""Track a study and write what was found: what ``track`` and ``demo`` share."""

from __future__ import annotations

import datetime as dt
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_longiseg.cli._console import number, print_table, progress_bar
from napari_longiseg.core import methods
from napari_longiseg.core.lesion import Finding
from napari_longiseg.core.scan import Study
from napari_longiseg.core.timing import Timer
from napari_longiseg.tracking.options import TrackOptions

if TYPE_CHECKING:
    from napari_longiseg.io.tables import Value

RECORDED = ("napari-longiseg", "numpy", "scipy", "torch", "SimpleITK", "pydicom")


def track_and_write(
    study: Study,
    out: Path,
    *,
    registration: str = "deformable",
    segmenter: str = "region",
    registration_options: dict[str, Any] | None = None,
    segmenter_options: dict[str, Any] | None = None,
    options: TrackOptions | None = None,
    timer: Timer | None = None,
    overwrite: bool = False,
) -> list[Finding]:
    """Track every lesion of a study and write masks, ``lesions.csv`` and ``run.json`` into a folder.

    Raises
    ------
    LongisegError
        Anything that the user can mend; then nothing is written.
    """
    from napari_longiseg.io.results import check_output, write_results
    from napari_longiseg.tracking.prompts import check_prompts
    from napari_longiseg.tracking.track import Tracker

    options = options or TrackOptions()
    timer = timer or Timer()
    check_output(out, overwrite=overwrite)
    check_prompts(study, options)
    tracker = Tracker(
        methods.create(methods.REGISTRATIONS, registration, **(registration_options or {})),
        methods.create(methods.SEGMENTERS, segmenter, **(segmenter_options or {})),
        options,
        timer=timer,
    )
    started = dt.datetime.now(dt.UTC)
    with progress_bar() as progress, timer.step("track"):
        findings = list(tracker.track(study, progress))
    run = {
        "schema": "longiseg-run/1",
        "started": started.isoformat(timespec="seconds"),
        "patient": study.patient,
        "parameters": {
            "registration": repr(tracker.registration),
            "segmenter": repr(tracker.segmenter),
            **asdict(options),
        },
        # Neither built-in method draws random numbers.
        "seeds": {},
        "seconds": {step: round(seconds, 3) for step, seconds in timer.seconds.items()},
        "notes": {scan.id: scan.notes for scan in study.scans if scan.notes},
        "versions": _versions(),
        "command": sys.argv,
    }
    write_results(out, study, findings, run, overwrite=overwrite)
    return findings


def print_findings(study: Study, findings: Sequence[Finding]) -> None:
    """Print the lesion x scan table."""
    from napari_longiseg.io.tables import lesion_rows

    def figure(value: Value, digits: int = 1) -> str:
        return number(float(str(value)) if value is not None else None, digits)

    rows = [
        (
            f"{row['lesion']} {row['name']}".strip(),
            f"{row['scan']} {row['date'] or ''}".strip(),
            f"merged into {row['merged_into']}" if row["merged_into"] else str(row["presence"]),
            figure(row["volume_ml"], 2),
            figure(row["volume_change_pct"], 0),
            figure(row["long_axis_mm"]),
            figure(row["short_axis_mm"]),
            figure(row["mean_hu"], 0),
        )
        for row in lesion_rows(study, findings)
    ]
    columns = ("lesion", "scan", "presence", "ml", "change %", "long mm", "short mm", "mean HU")
    print_table(f"{study.patient}: {len(study.lesions)} lesions on {len(study.scans)} scans", columns, rows)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in RECORDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
