"""The point map of the embedded registration; numpy only, until a place is refined."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Array, Point, as_point
from napari_longiseg.registration._transform import Transform
from napari_longiseg.registration.agreement import Agreement

if TYPE_CHECKING:
    from napari_longiseg.registration._torch.refine import Refinement

WHOLE_MM, REFINED_MM = 1.5, 0.7
"""Expected error in mm where the scans agree perfectly, of the whole map and of a refined one."""
DISAGREEMENT_MM = 1.0
"""What is added where they do not agree at all."""


class SplineMap:
    """Carries source points to the target scan.

    Outside the source scan's field of view the affine part goes on, with the displacement of the border.

    Parameters
    ----------
    transform : Transform
        Source to target.
    agreement : Agreement or None
        Of the scans after it; None where they could not be compared.
    expected_mm : float
        Expected error where the scans agree perfectly.
    """

    def __init__(self, transform: Transform, agreement: Agreement | None, expected_mm: float) -> None:
        self.transform = transform
        self._agreement = agreement
        self._expected_mm = expected_mm

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Target points (N, 3) of source points (N, 3), LPS mm in the order (z, y, x), sub-voxel."""
        return self.transform(points_mm)

    def uncertainty_mm(self, points_mm: npt.ArrayLike) -> Array:
        """Expected error (N,) in mm: of its kind of map, and more where the scans agree less.

        A first, coarse estimate: a mean error of pairs with known truth (benchmarks/registration.py)
        plus the lack of local correlation after warping, which alone hardly tells good points from bad
        ones. ``nan`` where the scans could not be compared.
        """
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        if self._agreement is None:
            return np.full(len(points), np.nan)
        return np.asarray(self._expected_mm + DISAGREEMENT_MM * (1.0 - self._agreement.near(points)))


class DeformableMap(SplineMap):
    """A map of two whole scans, to be refined around single places.

    It takes a few MB, beside the two scans that its refinement looks at again.

    Parameters
    ----------
    transform, agreement
        Of the whole scans.
    refine : callable
        Takes a second look at the surroundings of a source point (LPS mm, order z, y, x).
    """

    def __init__(
        self, transform: Transform, agreement: Agreement, refine: Callable[[Point], Refinement]
    ) -> None:
        super().__init__(transform, agreement, WHOLE_MM)
        self._refine = refine
        self._refined: dict[Point, SplineMap] = {}
        self._lock = Lock()

    def refined(self, point_mm: Point) -> SplineMap:
        """The map around this source point; computed once and remembered.

        Raises
        ------
        RegistrationError
            When torch fails.
        """
        key = as_point(point_mm)
        with self._lock:
            if key not in self._refined:
                self._refined[key] = self._with(self._refine(key))
            return self._refined[key]

    def _with(self, found: Refinement) -> SplineMap:
        if found.agreement is None:
            return SplineMap(self.transform, self._agreement, WHOLE_MM)
        if found.field is None:
            return SplineMap(self.transform, found.agreement, WHOLE_MM)
        return SplineMap(self.transform.plus(found.field), found.agreement, REFINED_MM)
