"""Track whole studies with the defaults and print how well and how fast it went.

Usage: python benchmarks/studies.py STUDY [STUDY ...]

Each study is a folder with study.json and gt_<scan id>.nii.gz. Wall and CPU seconds are those of a fresh
``longiseg track --no-cache`` process, imports included.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from napari_longiseg.tracking.evaluate import Summary, summarise
from napari_longiseg.tracking.evaluate_files import evaluate_folder


def tracked(study: Path, out: Path) -> tuple[float, float]:
    """Wall and CPU seconds of tracking a study in a process of its own."""
    command = shutil.which("longiseg", path=str(Path(sys.executable).parent)) or "longiseg"
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    arguments = ["track", str(study), "--out", str(out), "--no-cache"]
    subprocess.run([command, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - wall, cpu


def line(name: str, summary: Summary) -> str:
    """One row of the table."""
    dice = f"{summary.median_dice:.3f} / {summary.mean_dice:.3f}" if summary.median_dice is not None else "-"
    centre = summary.median_centre_distance_mm
    return (
        f"  {name:<12} n={summary.present:<3} Dice median / mean {dice}   "
        f"centre {'-' if centre is None else f'{centre:.2f} mm'}   missed {summary.missed}   "
        f"falsely found {summary.falsely_found}   points inside {summary.points_inside}/{summary.points}"
    )


def main(studies: list[Path]) -> None:
    everything = []
    for study in studies:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "results"
            wall, cpu = tracked(study, out)
            scores = evaluate_folder(out, study)
        everything += scores
        print(f"{study.name}: {wall:.1f} s wall, {cpu:.1f} s CPU")
        print(line("source", summarise(s for s in scores if s.is_source)))
        print(line("other scans", summarise(s for s in scores if not s.is_source)))
    if len(studies) > 1:
        print(f"{len(studies)} studies")
        print(line("source", summarise(s for s in everything if s.is_source)))
        print(line("other scans", summarise(s for s in everything if not s.is_source)))


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
