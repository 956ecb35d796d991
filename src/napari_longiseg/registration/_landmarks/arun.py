"""The rigid movement between two sets of points, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from napari_longiseg.core.geometry import Array
from napari_longiseg.registration.transforms import Affine

NINE_OF_TEN = 1.44
"""Nine of ten errors in space are shorter than this many times their root mean square."""
LEAST_SPREAD_MM = 2.0
THIN, FLAT = 0.05, 0.1
"""Points count as collinear, or as lying in one plane, where they deviate from it by less than this share of
their extent, or by less than :data:`LEAST_SPREAD_MM`, root mean square."""


def spread_mm(points_mm: Array) -> Array:
    """Extents (3,) of points (N, 3) along their principal axes: root mean square, largest first."""
    centred = points_mm - points_mm.mean(axis=0)
    return np.asarray(np.sqrt(np.linalg.eigvalsh(centred.T @ centred / len(points_mm)).clip(0.0)[::-1]))


def on_a_line(points_mm: Array) -> bool:
    """Whether points (N, 3) lie on a line, as nearly as makes no difference."""
    spread = spread_mm(points_mm)
    return bool(spread[1] < max(LEAST_SPREAD_MM, THIN * spread[0]))


def in_a_plane(points_mm: Array) -> bool:
    """Whether points (N, 3) lie in a plane, as nearly as makes no difference."""
    spread = spread_mm(points_mm)
    return bool(spread[2] < max(LEAST_SPREAD_MM, FLAT * spread[0]))


def rigid(source_mm: Array, target_mm: Array) -> Affine:
    """The rotation and shift that bring source points (N, 3) nearest to target points (N, 3).

    Least squares by singular value decomposition (Arun, Huang and Blostein, IEEE PAMI 9, 1987), with the
    reflection that it may give turned into the best rotation.
    """
    centre, goes = source_mm.mean(axis=0), target_mm.mean(axis=0)
    u, _, vt = np.linalg.svd((source_mm - centre).T @ (target_mm - goes))
    sign = np.sign(np.linalg.det(vt.T @ u.T))
    return Affine.about(centre, goes, vt.T @ np.diag([1.0, 1.0, sign]) @ u.T)


def mirror_gain_mm(source_mm: Array, target_mm: Array) -> float:
    """How much nearer a mirror image would come than any rotation, root mean square; 0 where it would not."""
    source, target = source_mm - source_mm.mean(axis=0), target_mm - target_mm.mean(axis=0)
    u, values, vt = np.linalg.svd(source.T @ target)
    return 0.0 if np.linalg.det(u @ vt) > 0 else float(2.0 * np.sqrt(values[2] / len(source_mm)))


@dataclass(frozen=True, eq=False)
class RigidFit:
    """A rigid movement by landmarks.

    Attributes
    ----------
    transform : Affine
        Source to target.
    source_mm : (N, 3) float64
        The landmarks on the source scan.
    left_out_mm : (N,) float64
        How far each is missed by the movement of the others; ``nan`` where these do not fix one.
    placed_mm : float
        How far off landmarks are placed, root mean square.
    bent_mm : float
        How far places move beside the movement of the whole, root mean square; ``nan`` where it is not known.
    """

    transform: Affine
    source_mm: Array
    left_out_mm: Array
    placed_mm: float
    bent_mm: float

    kind: ClassVar[str] = "rigid movement"

    @property
    def freedom(self) -> int:
        """How many coordinates of the landmarks it could not choose."""
        return 3 * len(self.source_mm) - 6

    @classmethod
    def of(cls, source_mm: Array, target_mm: Array, precision_mm: float) -> RigidFit:
        """Fit at least three points (N, 3) that are not collinear.

        Parameters
        ----------
        source_mm, target_mm : (N, 3) float64
            Corresponding points.
        precision_mm : float
            How far off landmarks are placed, root mean square.
        """
        count = len(source_mm)
        left_out, growth = np.full(count, np.nan), np.full(count, np.nan)
        for number in range(count):
            rest = np.arange(count) != number
            if rest.sum() < 3 or on_a_line(source_mm[rest]) or on_a_line(target_mm[rest]):
                continue
            missed = rigid(source_mm[rest], target_mm[rest])(source_mm[number]) - target_mm[number]
            left_out[number] = np.linalg.norm(missed)
            growth[number] = _growth(source_mm[rest], source_mm[[number]])[0]
        known = np.isfinite(left_out)
        # The landmark that was left out is placed no better than the others: hence the 1.
        squares = left_out[known] ** 2 / (1.0 + growth[known])
        bent = np.sqrt(max(squares.mean() - precision_mm**2, 0.0)) if known.any() else np.nan
        return cls(rigid(source_mm, target_mm), source_mm, left_out, precision_mm, float(bent))

    def expected_mm(self, points_mm: Array) -> Array:
        """Error (N,) at source points (N, 3), root mean square; it grows with the distance.

        Fitzpatrick, West and Maurer (IEEE TMI 17, 1998), scaled so that it says what the landmarks show when
        each is left out. A point moves beside the whole as they do.
        """
        growth = _growth(self.source_mm, points_mm)
        return np.asarray(np.sqrt(self.placed_mm**2 * growth + self.bent_mm**2 * (1.0 + growth)))


def _growth(landmarks_mm: Array, points_mm: Array) -> Array:
    """Squared error (N,) at points (N, 3), where each landmark's own is 1."""
    centred = landmarks_mm - landmarks_mm.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1]
    offset = points_mm - landmarks_mm.mean(axis=0)
    from_axes, points = (
        (part**2).sum(axis=1, keepdims=True) - (part @ axes) ** 2 for part in (centred, offset)
    )
    return np.asarray((1.0 + (points / from_axes.mean(axis=0)).mean(axis=1)) / len(landmarks_mm))
