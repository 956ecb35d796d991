"""Any registration's map, corrected by places that a reader has shown on both scans."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Array, Point, distance_mm
from napari_longiseg.core.landmark import LandmarkPair
from napari_longiseg.registration._landmarks.arun import NINE_OF_TEN
from napari_longiseg.registration._landmarks.map import LARGE_MM
from napari_longiseg.registration._landmarks.shifts import LocalShifts
from napari_longiseg.registration.base import MapReport, PointMap, ReportingPointMap, map_near
from napari_longiseg.registration.transforms import Chain

RADIUS_MM = 40.0
PLACED_MM = 2.0
"""Error that nine of ten places shown by a reader stay below."""
CONTRARY_MM = 5.0
"""Places are shown no more precisely than that their shifts may differ by this much."""


class CorrectedMap:
    """A map that goes exactly through pairs of points; away from them it is the map that it corrects.

    Parameters
    ----------
    base : PointMap
        What is corrected; it may report, be refined or have a transform, and so can this map then.
    pairs : sequence of LandmarkPair
        At least one: a source point, and where it goes.
    radius_mm : float
        How far a pair reaches on the target scan; twice the length of its shift where that is more.
    """

    def __init__(self, base: PointMap, pairs: Sequence[LandmarkPair], radius_mm: float = RADIUS_MM) -> None:
        self.base = base
        self.pairs = tuple(pairs)
        self.radius_mm = radius_mm
        places = np.asarray(base([pair.source_mm for pair in pairs]), dtype=np.float64)
        goals = np.array([pair.target_mm for pair in pairs], dtype=np.float64)
        self.shifts = LocalShifts(places, goals - places, radius_mm)

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Target points (N, 3) of source points (N, 3), LPS mm in the order (z, y, x), sub-voxel."""
        return self.shifts(self.base(points_mm))

    @property
    def transform(self) -> Chain:
        """Source to target, with its way back; AttributeError where the map that is corrected has none."""
        base: Any = self.base
        return Chain((base.transform, self.shifts))

    def refined(self, point_mm: Point) -> CorrectedMap:
        """The correction, by the same pairs, of the best map around this source point.

        Raises
        ------
        RegistrationError
            From the map that is corrected.
        """
        return CorrectedMap(map_near(self.base, point_mm), self.pairs, self.radius_mm)

    def uncertainty_mm(self, points_mm: npt.ArrayLike) -> Array:
        """Error (N,) in mm that nine of ten mapped points stay below; ``nan`` where it is not known.

        At a pair that of a reader, far from all pairs that of the map that is corrected, and between them
        what is left of the latter if errors are alike as far as corrections reach. Near a pair the map's own
        error counts as no smaller than what the pair has shown; where the map cannot tell it, that is all
        there is, out to where the correction is half faded.
        """
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        shares, near = self.shifts.shares(self.base(points))
        missed = NINE_OF_TEN * np.sqrt(shares @ (self.shifts.shifts_mm**2).sum(axis=1))
        before = self.base.uncertainty_mm(points)
        shown = np.where(near >= 0.5, missed, np.nan)
        before = np.where(np.isnan(before), shown, np.maximum(before, near * missed))
        return np.asarray(np.sqrt((1.0 - near**2) * before**2 + (near * PLACED_MM) ** 2))

    @property
    def report(self) -> MapReport:
        """What the corrected map reports, and how far off the pairs have shown it to be."""
        told = self.base.report if isinstance(self.base, ReportingPointMap) else MapReport("")
        missed = np.linalg.norm(self.shifts.shifts_mm, axis=1)
        places = "1 place" if len(missed) == 1 else f"{len(missed)} places"
        summary = (
            f"{told.summary} Corrected at {places} that a reader has shown, by {missed.mean():.1f} mm in the "
            f"mean and {missed.max():.1f} mm at most."
        )
        doubts = [told.doubt, self._contradiction, self._far_off(missed)]
        return MapReport(summary.strip(), " ".join(doubt for doubt in doubts if doubt))

    @cached_property
    def _contradiction(self) -> str:
        """Two pairs that lie together but do not go together."""
        for i, j in combinations(range(len(self.pairs)), 2):
            apart = distance_mm(self.shifts.places_mm[i], self.shifts.places_mm[j])
            differ = distance_mm(self.shifts.shifts_mm[i], self.shifts.shifts_mm[j])
            if apart < self.radius_mm and differ > max(apart, CONTRARY_MM):
                first, second = self.pairs[i].name, self.pairs[j].name
                return (
                    f"{first!r} and {second!r} lie {apart:.0f} mm apart, but their corrections differ by "
                    f"{differ:.0f} mm; look at both again."
                )
        return ""

    def _far_off(self, missed: Array) -> str:
        if missed.max() <= LARGE_MM:
            return ""
        name = self.pairs[int(missed.argmax())].name
        return (
            f"Without correction {name!r} would be missed by {missed.max():.0f} mm; farther than "
            f"{self.radius_mm:g} mm from the places shown, points may be as wrong."
        )
