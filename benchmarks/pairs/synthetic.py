"""Two dates of a synthetic patient: the map between them is exact to 0.001 mm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_longiseg.core.progress import silent
from napari_longiseg.training.synth import SynthOptions, make_study
from pairs.alter import shifted
from pairs.pair import Marks, Pair
from pairs.places import random_points

SHAPE, SPACING_MM = (200, 256, 256), (2.0, 1.5, 1.5)
LESIONS = tuple(
    f"{host}:{('grow', 'shrink', 'stable')[i % 3]}"
    for host, count in (("lung", 8), ("liver", 6), ("node", 6), ("bone", 4))
    for i in range(count)
)
DISPLACED_MM = 25.0
"""Mean distance between where a point is on the two scans; the table is moved to make it so."""


@dataclass(frozen=True)
class Synthetic:
    """What the patient and the dates are like.

    Attributes
    ----------
    seed : int
        Of everything random.
    phases : (2,) str
        Contrast phase of source and target.
    breathing_mm : float
        Largest excursion of the diaphragm.
    displaced_mm : float
        Mean displacement.
    options : SynthOptions or None
        Other options than those of the benchmark, for a quick test.
    """

    seed: int
    phases: tuple[str, ...] = ("portal",)
    breathing_mm: float = 15.0
    displaced_mm: float = DISPLACED_MM
    options: SynthOptions | None = None

    def make(self) -> Pair:
        """The first date as source, the second as target."""
        options = self.options or SynthOptions(
            seed=self.seed, dates=2, shape=SHAPE, spacing_mm=SPACING_MM, lesions=LESIONS,
            phases=self.phases, breathing_mm=self.breathing_mm,
        )  # fmt: skip
        made = make_study(options, silent)
        source, target = made.study.scans
        centres = np.array([lesion.centres_mm for lesion in made.lesions])
        kinds, ids = [lesion.kind for lesion in made.lesions], [lesion.id for lesion in made.lesions]
        lesions = Marks.of(centres[:, 0], centres[:, 1], kinds, ids)
        points = random_points(source)
        body = Marks.of(points, made.map_points(points, source.id, target.id))
        mean = (body.target_mm - body.source_mm).mean(axis=0)
        size = np.linalg.norm(body.target_mm - body.source_mm, axis=1).mean()
        table = mean / max(np.linalg.norm(mean), 1e-6) * (self.displaced_mm - size)
        target = shifted(target, table)
        lesions, body = (
            m.moved(target_by_mm=table).seen_by(source.grid, target.grid) for m in (lesions, body)
        )
        return Pair(source, target, lesions, body, made.labels[target.id].astype(np.uint8))
