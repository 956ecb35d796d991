"""Compare what was found with the truth, lesion by lesion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean, median
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Grid, Point, distance_mm
from napari_longiseg.core.metrics import centre_distance_mm, centre_of_mass, dice

Mask = npt.NDArray[np.bool_]
Outcome = Literal["found", "missed", "falsely found", "truly absent"]


@dataclass(frozen=True, slots=True)
class Score:
    """One lesion on one scan against the truth.

    Attributes
    ----------
    is_source : bool
        Whether the propagation started on this scan.
    truth_ml, found_ml : float
        Volumes; 0 where absent.
    dice : float or None
        0 for a missed or falsely found lesion (LinGuinE, section 3.1); None where both are absent.
    centre_distance_mm : float or None
        Between the centres of mass; None unless found.
    point_inside : bool or None
        Whether the point that was looked at before segmentation lies in the true lesion; None where the
        lesion is absent or no point is known.
    point_distance_mm : float or None
        From that point to the true centre of mass.
    """

    lesion: int
    scan: str
    is_source: bool
    truth_ml: float
    found_ml: float
    dice: float | None
    centre_distance_mm: float | None
    point_inside: bool | None
    point_distance_mm: float | None

    @property
    def outcome(self) -> Outcome:
        """Found, missed, falsely found or truly absent."""
        if self.truth_ml > 0:
            return "found" if self.found_ml > 0 else "missed"
        return "falsely found" if self.found_ml > 0 else "truly absent"


def score(
    lesion: int,
    scan: str,
    truth: Mask,
    found: Mask,
    grid: Grid,
    point_mm: Point | None,
    *,
    is_source: bool,
) -> Score:
    """Score one lesion on one scan.

    Parameters
    ----------
    truth, found : (Z, Y, X) bool
        Masks of this lesion on the same grid.
    grid : Grid
        Of both.
    point_mm : Point or None
        Where the method looked before it segmented, LPS mm, order (z, y, x).
    """
    centre = centre_of_mass(truth, grid)
    known = centre is not None and point_mm is not None
    return Score(
        lesion=lesion,
        scan=scan,
        is_source=is_source,
        truth_ml=float(truth.sum()) * grid.voxel_ml,
        found_ml=float(found.sum()) * grid.voxel_ml,
        dice=dice(truth, found),
        centre_distance_mm=centre_distance_mm(truth, found, grid),
        point_inside=_inside(truth, grid, point_mm) if known and point_mm else None,
        point_distance_mm=distance_mm(centre, point_mm) if known and centre and point_mm else None,
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """Scores summed up; figures are None where there is nothing to average.

    Attributes
    ----------
    n : int
        Lesion x scan pairs.
    present : int
        Pairs in which the lesion is truly there; Dice and distances are over these.
    found, missed, falsely_found : int
        Outcomes; falsely found are lesions that are truly gone.
    points_inside, points : int
        Carried points inside the true lesion, of those whose lesion is there.
    """

    n: int
    present: int
    found: int
    missed: int
    falsely_found: int
    median_dice: float | None
    mean_dice: float | None
    median_centre_distance_mm: float | None
    points_inside: int
    points: int
    median_point_distance_mm: float | None


def summarise(scores: Iterable[Score]) -> Summary:
    """Sum up scores; a missed lesion counts with a Dice of 0."""
    scores = list(scores)
    outcomes = [s.outcome for s in scores]
    overlaps = [s.dice for s in scores if s.truth_ml > 0 and s.dice is not None]
    distances = [s.centre_distance_mm for s in scores if s.centre_distance_mm is not None]
    points = [s.point_inside for s in scores if s.point_inside is not None]
    point_distances = [s.point_distance_mm for s in scores if s.point_distance_mm is not None]
    return Summary(
        n=len(scores),
        present=sum(s.truth_ml > 0 for s in scores),
        found=outcomes.count("found"),
        missed=outcomes.count("missed"),
        falsely_found=outcomes.count("falsely found"),
        median_dice=median(overlaps) if overlaps else None,
        mean_dice=mean(overlaps) if overlaps else None,
        median_centre_distance_mm=median(distances) if distances else None,
        points_inside=sum(points),
        points=len(points),
        median_point_distance_mm=median(point_distances) if point_distances else None,
    )


def _inside(truth: Mask, grid: Grid, point_mm: Point) -> bool:
    return bool(grid.contains(point_mm)) and bool(truth[grid.nearest_voxel(point_mm)])
