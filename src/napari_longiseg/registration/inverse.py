"""The way back of any point map."""

from __future__ import annotations

from collections.abc import Callable
from inspect import ismethod
from typing import cast

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import RegistrationError
from napari_longiseg.core.geometry import Array, Grid
from napari_longiseg.registration.base import PointMap
from napari_longiseg.registration.transforms import Affine, Chain, Inverse

Carry = Callable[[npt.ArrayLike], Array]
"""Points (N, 3) to points (N, 3), LPS mm in the order (z, y, x)."""

FITTED_AT = 7
"""Points along each axis to which the affine part of a map is fitted."""
FLAT = 1e-6
"""A map that shrinks all volumes to less than this has no way back."""


def inverted(point_map: PointMap, source: Grid) -> Carry:
    """The map backwards: target points to source points.

    A map that knows its own way back is taken at its word. Any other is inverted by iteration at each point,
    after the affine map nearest to it over the source scan, to 0.001 mm where it neither folds nor more
    than doubles lengths from place to place; elsewhere the nearest point that was met is given.

    Parameters
    ----------
    point_map : PointMap
        Source to target.
    source : Grid
        Of the source scan.

    Raises
    ------
    RegistrationError
        When the map flattens the scan or has no values.
    """
    known = own_inverse(point_map)
    if known is not None:
        return known
    low, high = source.bounds_mm()
    axes = [np.linspace(a, b, FITTED_AT) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    back = fitted_affine(points, np.asarray(point_map(points))).inverse
    return Chain((back, Inverse(_Straightened(point_map, back))))


def own_inverse(point_map: PointMap) -> Carry | None:
    """The inverse that a map's transform has as a value (other libraries' have a method); else None."""
    inverse = getattr(getattr(point_map, "transform", None), "inverse", None)
    return cast("Carry", inverse) if callable(inverse) and not ismethod(inverse) else None


def fitted_affine(points: Array, mapped: Array) -> Affine:
    """The affine map nearest to pairs of points (N, 3), in the sense of least squares; not finite ones aside.

    Raises
    ------
    RegistrationError
        When it is flat, or there are no values.
    """
    known = np.isfinite(mapped).all(axis=1)
    points, mapped = points[known], mapped[known]
    if len(points) > 3:
        centre, goes = points.mean(axis=0), mapped.mean(axis=0)
        matrix = np.linalg.lstsq(points - centre, mapped - goes, rcond=None)[0].T
        if abs(np.linalg.det(matrix)) > FLAT:
            return Affine.about(centre, goes, matrix)
    msg = "This registration gives no map that can be shown; choose another one."
    raise RegistrationError(msg)


class _Straightened:
    """A map followed by the inverse of its affine part: near the identity, as the iteration needs it."""

    def __init__(self, point_map: PointMap, back: Affine) -> None:
        self._map, self._back = point_map, back

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        return self._back(self._map(points_mm))

    @property
    def inverse(self) -> Inverse:
        return Inverse(self)
