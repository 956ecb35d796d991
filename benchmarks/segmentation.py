"""Dice of a segmenter on synthetic lesions in real CT backgrounds, and on studies with truth.

    python benchmarks/segmentation.py T0.nii.gz other.nii.gz dicom_folder/ --cases 120
    python benchmarks/segmentation.py --study studies/lung-101 --study studies/abdomen-102 --segmenter uls

Random irregular lesions, blurred with a point spread function, are put into the backgrounds at random places
of each kind. Every one is outlined from a click off its centre ("source"), then again on a second grid, grown
or shrunk, from its centre plus an error, with the first result as prior ("later"), or gone ("gone": the share
of lesions rightly not found is printed).

On studies "jitter" is the outline from another click within the inner half of the lesion, and "stability" its
Dice with the outline from the study's own click.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inserted import Case, background, cases, clicked, load
from napari_longiseg.core.geometry import as_point
from napari_longiseg.core.lesion import Click, LesionMask
from napari_longiseg.core.methods import DEFAULT_SEGMENTER, SEGMENTERS, create, options_of
from napari_longiseg.core.metrics import centre_of_mass, dice
from napari_longiseg.core.scan import Scan
from napari_longiseg.segmentation.base import Prior, Segmenter, SegmenterInfo
from napari_longiseg.tracking.voi import mask_on_scan, prior_of, voi_request

Array = npt.NDArray[Any]

TOLERANCE_MM = 2.0
"""How far a mapped point may lie from the lesion."""


@dataclass(frozen=True)
class Score:
    """How well one lesion was outlined."""

    kind: str
    stage: str
    dice: float
    seconds: float
    confidence: float
    note: str


def outline(segmenter: Segmenter, case: Case, prior: Prior | None) -> tuple[Score, LesionMask]:
    """Run the segmenter as the tracker does."""
    tolerance = TOLERANCE_MM if prior else 0.0
    clicks = (Click(case.scan.id, case.click),)
    request = voi_request(case.scan, 1, clicks, segmenter.info, prior, tolerance)
    start = time.process_time()
    (result,) = segmenter.segment([request])
    seconds = time.process_time() - start
    mask, box = mask_on_scan(result, request.grid, case.scan)
    found = LesionMask.of(mask, box)
    score = dice(found.on(case.scan.grid.shape), case.truth)
    score = float(not mask.any()) if score is None or not case.truth.any() else score
    stage = case.stage if case.truth.any() else "gone"
    return Score(case.kind, stage, score, seconds, result.confidence or 0.0, result.reason), found


def outline_pair(segmenter: Segmenter, source: Case, later: Case) -> list[Score]:
    """The source, then the later scan with the result on the source as prior."""
    first, found = outline(segmenter, source, None)
    if found.is_empty:
        return [first]
    second, _ = outline(segmenter, later, carried_prior(source, found, segmenter.info))
    return [first, second]


def carried_prior(source: Case, found: LesionMask, info: SegmenterInfo) -> Prior:
    """What was found on the source, for the engine; the point that is carried is the lesion's true centre."""
    carried = centre_of_mass(source.truth, source.scan.grid) or source.click
    return prior_of(source.scan, found, carried, info)


def study_scores(segmenter: Segmenter, folder: Path, seed: int) -> Iterator[Score]:
    """A study with truth: its clicks, jittered clicks, then the later scans with both priors."""
    rng = np.random.default_rng(seed)
    manifest = json.loads((folder / "study.json").read_text())
    scans, truths = {}, {}
    for entry in manifest["scans"]:
        image, grid = load(folder / entry["image"])
        scans[entry["id"]] = Scan(entry["id"], image.astype(np.float32), grid)
        truths[entry["id"]] = load(folder / f"gt_{entry['image']}")[0]
    start = manifest["scans"][0]["id"]
    for lesion in manifest["lesions"]:
        number, name = lesion["id"], f"{folder.name} {lesion['id']}"
        truth = truths[start] == number
        point = as_point(lesion["clicks"][0]["point"][::-1])
        source = Case(name, "source", scans[start], truth, point)
        first, found = outline(segmenter, source, None)
        yield first
        for _ in range(4):
            moved = clicked(rng, Case(name, "jitter", scans[start], truth, point), True)
            score, again = outline(segmenter, moved, None)
            yield score
            shape = scans[start].grid.shape
            yield replace(score, stage="stability", dice=dice(found.on(shape), again.on(shape)) or 0.0)
        for other in list(scans)[1:]:
            now = truths[other] == number
            carried = centre_of_mass(truth, scans[start].grid) or point
            moved = as_point(np.asarray(carried) + _shift_mm(truths, scans, start, other))
            later = clicked(rng, Case(name, f"later {other}", scans[other], now, moved), False)
            for label, mask in (("", found), (" true prior", LesionMask.of(truth))):
                prior = prior_of(scans[start], mask, carried, segmenter.info)
                case = Case(name, later.stage + label, later.scan, later.truth, later.click)
                yield outline(segmenter, case, prior)[0]


def _shift_mm(truths: dict[str, Array], scans: dict[str, Scan], start: str, other: str) -> Array:
    """How far the lesions have moved on average: where one that is gone may be looked for."""
    shifts = [
        np.subtract(b, a)
        for number in np.unique(truths[other])[1:]
        if (a := centre_of_mass(truths[start] == number, scans[start].grid))
        and (b := centre_of_mass(truths[other] == number, scans[other].grid))
    ]
    return np.asarray(np.mean(shifts, axis=0))


def table(scores: list[Score], keys: Callable[[Score], str]) -> None:
    for key in sorted({keys(score) for score in scores}):
        part = [score for score in scores if keys(score) == key]
        values = np.array([score.dice for score in part])
        median, low = np.percentile(values, (50, 10))
        seconds = [score.seconds for score in part]
        print(
            f"{key:32s} n {len(part):3d}  median {median:.3f}  mean {values.mean():.3f}  p10 {low:.3f}"
            f"  empty {np.mean(values == 0):.2f}  CPU s {np.mean(seconds):.2f} (max {max(seconds):.2f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("backgrounds", nargs="*", type=Path)
    parser.add_argument("--study", action="append", default=[], type=Path)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", action="store_true", help="print every lesion")
    parser.add_argument("--segmenter", default=DEFAULT_SEGMENTER)
    parser.add_argument("--option", action="append", default=[], help="NAME=VALUE of the segmenter")
    options = parser.parse_args()
    texts = dict(text.split("=", 1) for text in options.option)
    settings = options_of(SEGMENTERS, options.segmenter, texts)
    segmenter: Segmenter = create(SEGMENTERS, options.segmenter, **settings)
    scores: list[Score] = []
    if options.backgrounds:
        pairs = cases([background(path) for path in options.backgrounds], options.cases, options.seed)
        for source, later in pairs:
            scores += outline_pair(segmenter, source, later)
    for folder in options.study:
        scores += study_scores(segmenter, folder, options.seed)
    if options.each:
        for s in scores:
            print(
                f"{s.kind:20s} {s.stage:22s} {s.dice:.3f} {s.seconds:.2f} s  sure {s.confidence:.2f} {s.note}"
            )
    table(scores, lambda s: f"{s.kind} {s.stage}" if not options.study else s.stage)
    table(scores, lambda s: f"all {s.stage}")


if __name__ == "__main__":
    main()
