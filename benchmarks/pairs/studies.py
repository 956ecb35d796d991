"""Study folders with outlined lesions, as pairs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.io.manifest import load_study
from napari_longiseg.io.scans import load_scan
from pairs.pair import Marks, Pair
from pairs.places import centre


@lru_cache(maxsize=2)
def loaded(folder: Path) -> tuple[Study, dict[str, Scan]]:
    """A study folder with ``gt_<scan>.nii.gz`` beside its scans: study and labels by scan id."""
    study = load_study(folder / "study.json")
    return study, {s.id: load_scan(folder / f"gt_{s.id}.nii.gz", scan_id=s.id) for s in study.scans}


def scan_ids(folder: Path) -> list[str]:
    """Ids of a study's scans, from its manifest alone."""
    return [scan["id"] for scan in json.loads((folder / "study.json").read_text())["scans"]]


@dataclass(frozen=True)
class FromStudy:
    """Two scans of a study; every lesion on both, by its centres and by its click."""

    folder: Path
    source: str
    target: str

    def make(self) -> Pair:
        """A click belongs to the lesion's centre on the target, and need not be its centre on the source."""
        study, truth = loaded(self.folder)
        here, there = truth[self.source], truth[self.target]
        both = [int(i) for i in np.intersect1d(np.unique(here.image), np.unique(there.image)) if i]
        points = [(centre(here, i), "centre", i) for i in both]
        points += [
            (np.asarray(click.point_mm), "click", lesion.id)
            for lesion in study.lesions
            for click in lesion.clicks
            if lesion.id in both and click.scan == self.source
        ]
        goes = {i: centre(there, i) for i in both}
        lesions = Marks.of(
            np.array([p for p, _, _ in points]),
            np.array([goes[i] for _, _, i in points]),
            [w for _, w, _ in points],
            [i for _, _, i in points],
        )
        labels = there.image.astype(np.uint8)
        return Pair(study.scan(self.source), study.scan(self.target), lesions, target_labels=labels)
