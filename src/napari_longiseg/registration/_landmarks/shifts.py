"""Shifts of single places that fade out around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Array
from napari_longiseg.registration.transforms import Inverse

FOLDING = 2.0
"""A shift reaches at least this many times its own length, or it would fold space around its place."""
SAME_PLACE_MM = 1e-3
"""Nearer than this no place is told from another; of shifts that differ there the mean is taken."""


@dataclass(frozen=True, eq=False)
class LocalShifts:
    """``q = p + u(p)``, where u is what is known at some places, and 0 far from all of them.

    Between places u is the mean of their shifts, weighed by nearness (Shepard 1968; Franke and Little's
    weights of limited reach). It meets every shift exactly and is nowhere longer than the longest of them,
    so that places which contradict each other pull space about, but never throw it far. Around a lone place
    the shift fades as ``(1 - (r / R)^2)^2``.

    Attributes
    ----------
    places_mm : (N, 3) float64
        Where the shifts are known.
    shifts_mm : (N, 3) float64
        How far each place moves.
    radius_mm : float
        Where shifts have faded out, at the earliest.
    """

    places_mm: Array
    shifts_mm: Array
    radius_mm: float

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Mapped points (N, 3)."""
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        shares, near = self.shares(points)
        return np.asarray(points + near[:, None] * (shares @ self.shifts_mm))

    def shares(self, points_mm: Array) -> tuple[Array, Array]:
        """What points (P, 3) take from each place (P, N), and how near they are to one (P,).

        Shares add up to 1; nearness is 1 at a place, and 0 out of the reach of all, where shares are 0, too.
        """
        reach = np.maximum(self.radius_mm, FOLDING * np.linalg.norm(self.shifts_mm, axis=1))
        away = np.linalg.norm(points_mm[:, None] - self.places_mm, axis=-1) / reach
        within = np.clip(1.0 - away, 0.0, None)
        weights = (within / np.maximum(away, SAME_PLACE_MM / reach)) ** 2
        total = weights.sum(axis=1, keepdims=True)
        near = 1.0 - np.prod(1.0 - np.clip(1.0 - away**2, 0.0, None) ** 2, axis=1)
        return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0), near

    @property
    def inverse(self) -> Inverse:
        """The way back, by iteration."""
        return Inverse(self)
