"""Where points of the source scan lie on the target scan: an affine map plus smooth displacements."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Array
from napari_longiseg.registration._spline import SplineField


@dataclass(frozen=True, eq=False)
class Transform:
    """``q = matrix (p - centre) + shifted + u(p)``, all LPS mm in the order (z, y, x).

    Attributes
    ----------
    centre, shifted : (3,) float64
        A source point and where it goes.
    matrix : (3, 3) float64
        Rotation, scale and shear.
    fields : tuple of SplineField
        Displacements that add up to u.
    """

    centre: Array
    shifted: Array
    matrix: Array
    fields: tuple[SplineField, ...] = ()

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Target points (N, 3) of source points (N, 3)."""
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        moved = (points - self.centre) @ self.matrix.T + self.shifted
        for field in self.fields:
            moved = moved + field(points)
        return np.asarray(moved)

    def plus(self, field: SplineField) -> Transform:
        """The same with one more field."""
        return replace(self, fields=(*self.fields, field))
