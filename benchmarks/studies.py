"""Track whole studies and print how well and how fast it went.

    python benchmarks/studies.py STUDY [STUDY ...]
    python benchmarks/studies.py STUDY [STUDY ...] --segmenter uls --segmenter longinet
    python benchmarks/studies.py STUDY [STUDY ...] --segmenter longinet:second_opinion=false

Each study is a folder with study.json and gt_<scan id>.nii.gz; where truth.json tells kinds of lesions, they
are also shown apart. Wall and CPU seconds are those of a fresh ``longiseg track`` process, imports included;
with several segmenters only the first one aligns the scans, and each is compared with those before it, lesion
by lesion, on the scans that lesions are carried to. "gone" are the lesions that have vanished there, and how
many of them were not outlined. ``make_studies.py`` makes such studies.
"""

from __future__ import annotations

import argparse
import json
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
    """A score, its study and the lesion's kind; empty where that is not known."""

    study: str
    kind: str
    score: Score

    @property
    def key(self) -> tuple[str, int, str]:
        """Which lesion on which scan."""
        return self.study, self.score.lesion, self.score.scan


def tracked(study: Path, out: Path, segmenter: str, cache: Path) -> tuple[float, float]:
    """Wall and CPU seconds of tracking a study in a process of its own."""
    command = shutil.which("longiseg", path=str(Path(sys.executable).parent)) or "longiseg"
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    name, *options = segmenter.split(":")
    arguments = ["track", str(study), "--out", str(out), "--segmenter", name]
    arguments += [text for option in options for text in ("--segmenter-option", option)]
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
        f"  {name:<18} n={summary.present:<3} Dice median / mean {dice}   "
        f"centre {'-' if centre is None else f'{centre:.2f} mm'}   missed {summary.missed}   "
        f"gone {summary.n - summary.present - summary.falsely_found}/{summary.n - summary.present}   "
        f"points inside {summary.points_inside}/{summary.points}"
    )


def compared(name: str, before: list[StudyScore], now: list[StudyScore]) -> str:
    """How the Dice on carried lesions that are there differs from that of an earlier segmenter."""
    earlier = {s.key: s.score.dice or 0.0 for s in before}
    steps = [
        (s.score.dice or 0.0) - earlier[s.key] for s in now if not s.score.is_source and s.score.truth_ml > 0
    ]
    if not steps:
        return f"  against {name}: no carried lesion is there"
    return (
        f"  against {name} on other scans, paired: n={len(steps)}   mean difference {np.mean(steps):+.3f}   "
        f"median {np.median(steps):+.3f}   better {sum(step > 0 for step in steps)}   "
        f"worse {sum(step < 0 for step in steps)}"
    )


def kinds_of(study: Path) -> dict[int, str]:
    """Kinds of a study's lesions by their ids."""
    path = study / "truth.json"
    if not path.exists():
        return {}
    return {entry["id"]: entry["kind"] for entry in json.loads(path.read_text())["lesions"]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="+", type=Path)
    parser.add_argument("--segmenter", action="append", help="NAME or NAME:OPTION=VALUE")
    parser.add_argument("--cache", type=Path, help="folder that keeps alignments from one run to the next")
    options = parser.parse_args()
    done: dict[str, list[StudyScore]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for segmenter in options.segmenter or [DEFAULT_SEGMENTER]:
            everything: list[StudyScore] = []
            for study in options.studies:
                out = Path(folder) / segmenter / study.name
                wall, cpu = tracked(study, out, segmenter, options.cache or Path(folder) / "cache")
                kinds = kinds_of(study)
                scores = [
                    StudyScore(study.name, kinds.get(score.lesion, ""), score)
                    for score in evaluate_folder(out, study)
                ]
                print(f"{segmenter}, {study.name}: {wall:.1f} s wall, {cpu:.1f} s CPU")
                table(scores)
                everything += scores
            if len(options.studies) > 1:
                print(f"{segmenter}, {len(options.studies)} studies")
                table(everything)
            for name, before in done.items():
                print(compared(name, before, everything))
            done[segmenter] = everything


def table(scores: list[StudyScore]) -> None:
    """Two rows, and two more for each kind where there are several."""
    kinds = sorted({s.kind for s in scores})
    for kind in ["", *kinds] if len(kinds) > 1 else [""]:
        part = [s for s in scores if kind in ("", s.kind)]
        for name, is_source in (("source", True), ("other scans", False)):
            row = summarise(s.score for s in part if s.score.is_source == is_source)
            print(line(f"{name} {kind}".strip(), row), flush=True)


if __name__ == "__main__":
    main()
