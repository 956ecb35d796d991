"""Track whole studies and print how well and how fast it went.

    python benchmarks/studies.py STUDY [STUDY ...]
    python benchmarks/studies.py STUDY [STUDY ...] --segmenter uls --segmenter longinet

Each study is a folder with study.json and gt_<scan id>.nii.gz. Wall and CPU seconds are those of a fresh
``longiseg track`` process, imports included; with several segmenters only the first one aligns the scans, and
each is compared with the first, lesion by lesion, on the scans that lesions are carried to.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_longiseg.core.methods import DEFAULT_SEGMENTER
from napari_longiseg.registration.store import FOLDER_VARIABLE
from napari_longiseg.tracking.evaluate import Score, Summary, summarise
from napari_longiseg.tracking.evaluate_files import evaluate_folder


@dataclass(frozen=True)
class StudyScore:
    """A score and its study."""

    study: str
    score: Score


def tracked(study: Path, out: Path, segmenter: str, cache: Path) -> tuple[float, float]:
    """Wall and CPU seconds of tracking a study in a process of its own."""
    command = shutil.which("longiseg", path=str(Path(sys.executable).parent)) or "longiseg"
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    arguments = ["track", str(study), "--out", str(out), "--segmenter", segmenter]
    environment = os.environ | {FOLDER_VARIABLE: str(cache)}
    subprocess.run([command, *arguments], check=True, capture_output=True, env=environment)
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


def compared(first: list[StudyScore], other: list[StudyScore]) -> str:
    """How the Dice of one segmenter differs from another's on carried lesions that are there."""
    before = {(s.study, s.score.lesion, s.score.scan): s.score.dice or 0.0 for s in first}
    steps = [
        (s.score.dice or 0.0) - before[s.study, s.score.lesion, s.score.scan]
        for s in other
        if not s.score.is_source and s.score.truth_ml > 0
    ]
    wins = sum(step > 0 for step in steps)
    return (
        f"  paired on other scans: n={len(steps)}   mean difference {np.mean(steps):+.3f}   "
        f"median {np.median(steps):+.3f}   better {wins}   worse {sum(step < 0 for step in steps)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="+", type=Path)
    parser.add_argument("--segmenter", action="append")
    options = parser.parse_args()
    first: list[StudyScore] = []
    with tempfile.TemporaryDirectory() as folder:
        for segmenter in options.segmenter or [DEFAULT_SEGMENTER]:
            everything: list[StudyScore] = []
            for study in options.studies:
                out = Path(folder) / segmenter / study.name
                wall, cpu = tracked(study, out, segmenter, Path(folder) / "cache")
                scores = [StudyScore(study.name, score) for score in evaluate_folder(out, study)]
                print(f"{segmenter}, {study.name}: {wall:.1f} s wall, {cpu:.1f} s CPU")
                table(scores)
                everything += scores
            if len(options.studies) > 1:
                print(f"{segmenter}, {len(options.studies)} studies")
                table(everything)
            if first:
                print(compared(first, everything))
            first = first or everything


def table(scores: list[StudyScore]) -> None:
    """Two rows."""
    print(line("source", summarise(s.score for s in scores if s.score.is_source)))
    print(line("other scans", summarise(s.score for s in scores if not s.score.is_source)))


if __name__ == "__main__":
    main()
