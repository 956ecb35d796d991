"""The point map of landmarks, and what it says about itself."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import fdtri

from napari_longiseg.core.errors import RegistrationError
from napari_longiseg.core.geometry import Array
from napari_longiseg.core.landmark import LandmarkPair
from napari_longiseg.registration._landmarks.arun import (
    NINE_OF_TEN,
    RigidFit,
    in_a_plane,
    mirror_gain_mm,
    on_a_line,
)
from napari_longiseg.registration._landmarks.thin_plate import SplineFit
from napari_longiseg.registration.base import MapReport
from napari_longiseg.registration.transforms import Transform

LEAST_RIGID, LEAST_SPLINE = 3, 5
LARGE_MM = 10.0
"""Errors beyond this lead to another structure (the tracker's own default limit)."""
OUTLIER = 3.0
"""A landmark is suspected where the error without it is smaller by this factor."""


@dataclass(frozen=True, eq=False)
class LandmarkMap:
    """Carries source points to the target scan.

    Attributes
    ----------
    pairs : tuple of LandmarkPair
        What it was made of.
    fit : RigidFit or SplineFit
        The movement, and how well it predicts a landmark that it does not know.
    precision_mm : float
        How far off landmarks are placed.
    note : str
        One more sentence for the report.
    """

    pairs: tuple[LandmarkPair, ...]
    fit: RigidFit | SplineFit
    precision_mm: float
    note: str = ""

    @classmethod
    def of(cls, pairs: Sequence[LandmarkPair], precision_mm: float, note: str = "") -> LandmarkMap:
        """The map of at least three pairs: rigid, or a spline where there are five that span space.

        Raises
        ------
        RegistrationError
            When they lie on a line, or would squeeze one scan flat.
        """
        source, target = _points(pairs)
        if on_a_line(source) or on_a_line(target):
            msg = "The landmarks lie on a line, which leaves the rotation open; add one beside it."
            raise RegistrationError(msg)
        fit: RigidFit | SplineFit
        try:
            if len(pairs) < LEAST_SPLINE or in_a_plane(source) or in_a_plane(target):
                fit = RigidFit.of(source, target, precision_mm)
            else:
                fit = SplineFit.of(source, target, precision_mm)
        except ValueError as error:
            msg = "The landmarks would squeeze one scan flat; look for swapped names or coordinates."
            raise RegistrationError(msg) from error
        return cls(tuple(pairs), fit, precision_mm, note)

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Target points (N, 3) of source points (N, 3), LPS mm in the order (z, y, x), sub-voxel."""
        return self.transform(points_mm)

    @property
    def transform(self) -> Transform:
        """Source to target; the way back is ``transform.inverse``."""
        return self.fit.transform

    def uncertainty_mm(self, points_mm: npt.ArrayLike) -> Array:
        """Error (N,) in mm that nine of ten mapped points stay below; ``nan`` with too few landmarks to tell.

        It grows with the distance from the landmarks, and is scaled by how far each of them is missed when
        it is left out; of few landmarks that is known less well (Fisher's F), and it is larger.
        """
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        return float(np.sqrt(fdtri(3, self.fit.freedom, 0.9))) * self.fit.expected_mm(points)

    @property
    def report(self) -> MapReport:
        """Residuals, the error when each landmark is left out, and a doubt where these are large."""
        residual = self.residual_mm
        summary = (
            f"{len(self.pairs)} pairs of landmarks, {self.fit.kind}: met to {residual.mean():.1f} mm in the "
            f"mean, {residual.max():.1f} mm at most"
        )
        if np.isfinite(self.left_out_mm):
            summary += f"; each left out in turn is missed by {self.left_out_mm:.1f} mm in the mean"
        else:
            summary += "; so few say nothing of the error elsewhere"
        if len(self.pairs) >= LEAST_SPLINE and isinstance(self.fit, RigidFit):
            summary += "; no spline, for they lie nearly in one plane"
        return MapReport(f"{summary}.{self.note and ' ' + self.note}", self._doubt)

    @cached_property
    def residual_mm(self) -> Array:
        """How far each landmark is missed, (N,)."""
        source, target = _points(self.pairs)
        return np.asarray(np.linalg.norm(self(source) - target, axis=1))

    @cached_property
    def left_out_mm(self) -> float:
        """How far a landmark is missed in the mean when it is left out; ``nan`` where that leaves too few."""
        known = self.fit.left_out_mm[np.isfinite(self.fit.left_out_mm)]
        return float(known.mean()) if known.size else float("nan")

    @cached_property
    def _told_mm(self) -> float:
        """What nine of ten errors among the landmarks stay below; ``nan`` where leaving out tells nothing."""
        return NINE_OF_TEN * float(self.fit.expected_mm(self._among_mm).mean())

    @property
    def _among_mm(self) -> Array:
        source, _ = _points(self.pairs)
        return np.asarray((source + source.mean(axis=0)) / 2.0)

    @cached_property
    def _placed_mm(self) -> float:
        """How badly the landmarks seem to be placed, if the movement is rigid (Fitzpatrick et al. 1998)."""
        count = len(self.pairs)
        return float(np.sqrt((self.residual_mm**2).mean() * count / (count - 2)))

    @cached_property
    def _doubt(self) -> str:
        if mirror_gain_mm(*_points(self.pairs)) > LARGE_MM:
            return "The landmarks mirror one scan onto the other; left and right may be swapped."
        told = bool(np.isfinite(self._told_mm))
        error = self._told_mm if told else self._placed_mm
        if error <= LARGE_MM:
            return ""
        if suspect := self._suspect():
            return (
                f"Landmark {suspect!r} fits the others least: it may be misplaced, or the body bends more "
                "than so few landmarks show."
            )
        if told:
            return f"The landmarks do not move smoothly: even among them points may be {error:.0f} mm off."
        return f"The landmarks seem to be {error:.0f} mm off; look at each of them again."

    def _suspect(self) -> str:
        """The landmark without which the error is much smaller; empty where there is none."""
        rests: dict[str, LandmarkMap] = {}
        for one in self.pairs if len(self.pairs) > LEAST_RIGID else ():
            with suppress(RegistrationError):
                rests[one.name] = self.of([p for p in self.pairs if p is not one], self.precision_mm)
        told = all(np.isfinite(rest._told_mm) for rest in rests.values())
        # The fewer are left, the more often they agree by chance: their error counts with what is not known.
        errors = {
            name: float(rest.uncertainty_mm(rest._among_mm).mean()) if told else rest._placed_mm
            for name, rest in rests.items()
        }
        whole = self._told_mm if told else self._placed_mm
        best = min(errors, key=lambda name: errors[name], default="")
        return best if best and errors[best] * OUTLIER < whole else ""


def _points(pairs: Sequence[LandmarkPair]) -> tuple[Array, Array]:
    """Points (N, 3) on the source and on the target."""
    source = np.array([pair.source_mm for pair in pairs], dtype=np.float64)
    return source, np.array([pair.target_mm for pair in pairs], dtype=np.float64)
