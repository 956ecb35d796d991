"""The point map of the embedded registration; numpy only, until a place is refined."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Array, Point, as_point
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._agreement import Agreement
from napari_longiseg.registration._spline import SplineField
from napari_longiseg.registration._transform import Transform

if TYPE_CHECKING:
    from napari_longiseg.registration.deformable import DeformableRegistration

SURE_MM, UNSURE_MM = 0.4, 4.0
"""Expected error in mm where the scans agree perfectly, and what is added where they do not at all."""


class SplineMap:
    """Carries source points to the target scan.

    Outside the source scan's field of view the affine part goes on, with the displacement of the border.

    Parameters
    ----------
    transform : Transform
        Source to target.
    agreement : Agreement
        Of the scans after it.
    last : SplineField, optional
        The part of the transform that the last look added.
    """

    def __init__(
        self, transform: Transform, agreement: Agreement | None, last: SplineField | None = None
    ) -> None:
        self.transform = transform
        self._agreement = agreement
        self._last = last

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Target points (N, 3) of source points (N, 3), LPS mm in the order (z, y, x), sub-voxel."""
        return self.transform(points_mm)

    def uncertainty_mm(self, points_mm: npt.ArrayLike) -> Array:
        """Expected error (N,) in mm: more where the scans agree less around the point.

        From the local correlation after warping, by a line fitted to pairs with known truth
        (benchmarks/registration.py); ``nan`` where the scans could not be compared.
        """
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        if self._agreement is None:
            return np.full(len(points), np.nan)
        return np.asarray(SURE_MM + UNSURE_MM * (1.0 - self._agreement.near(points)))


class DeformableMap(SplineMap):
    """A map of two whole scans, to be refined around single places.

    It keeps references to both scans, whose voxels the refinement reads, and a few MB of its own.
    """

    def __init__(
        self,
        transform: Transform,
        agreement: Agreement,
        source: Scan,
        target: Scan,
        method: DeformableRegistration,
    ) -> None:
        super().__init__(transform, agreement)
        self._source, self._target, self._method = source, target, method
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
                found = self._method.refinement(self._source, self._target, self.transform, key)
                transform = self.transform if found.field is None else self.transform.plus(found.field)
                self._refined[key] = SplineMap(transform, found.agreement or self._agreement, found.field)
            return self._refined[key]
