"""A smooth displacement field as a sum of cubic B-splines: few numbers, any point, no rounding."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from napari_longiseg.core.geometry import Array
from napari_longiseg.core.resample import Float32


@dataclass(frozen=True, eq=False)
class SplineField:
    """Displacements between control points.

    Attributes
    ----------
    coefficients : (3, Z, Y, X) float32
        mm; the first axis is the component, order (z, y, x).
    origin : (3,) float64
        First control point, LPS mm, order (z, y, x).
    spacing_mm : float
        Between control points.
    low, high : (3,) float64
        The box in mm that the field was fitted in.
    extends : bool
        Whether points outside the box move as its border does; otherwise the field fades to nothing
        within two control points.
    """

    coefficients: Float32
    origin: Array
    spacing_mm: float
    low: Array
    high: Array
    extends: bool

    def __call__(self, points_mm: Array) -> Array:
        """Displacements (N, 3) in mm at points (N, 3), LPS mm in the order (z, y, x)."""
        if self.extends:
            points_mm = np.clip(points_mm, self.low, self.high)
        index = ((points_mm - self.origin) / self.spacing_mm).T
        # Without its prefilter, scipy's cubic interpolation is exactly this sum of B-splines.
        steps = [
            ndimage.map_coordinates(component, index, order=3, mode="grid-constant", prefilter=False)
            for component in self.coefficients
        ]
        return np.stack(steps, axis=1).astype(np.float64)

    def on(self, other: SplineField) -> SplineField:
        """The same displacements by the control points of another field, exact at these."""
        nodes = np.indices(other.coefficients.shape[1:]).reshape(3, -1).T * other.spacing_mm + other.origin
        values = self(nodes).T.reshape(other.coefficients.shape)
        weights = [ndimage.spline_filter(component, 3, np.float32, mode="mirror") for component in values]
        return other.with_coefficients(np.stack(weights))

    def with_coefficients(self, coefficients: Float32) -> SplineField:
        """The same control points with other coefficients."""
        return replace(self, coefficients=coefficients)

    def matrices(self, axes_mm: list[Array]) -> list[Array]:
        """Weight (n, controls) of the control points at the coordinates along each axis."""
        controls = self.coefficients.shape[1:]
        return [
            bspline(axis, first, self.spacing_mm, count)
            for axis, first, count in zip(axes_mm, self.origin, controls, strict=True)
        ]


def empty_field(low: Array, high: Array, spacing_mm: float, extends: bool) -> SplineField:
    """A field of no displacement over a box (mm)."""
    counts = np.ceil((high - low) / spacing_mm).astype(int) + 3
    origin = (low + high) / 2 - (counts - 1) / 2 * spacing_mm
    return SplineField(np.zeros((3, *counts), np.float32), origin, spacing_mm, low, high, extends)


def bspline(mm: Array, first: float, spacing_mm: float, count: int) -> Array:
    """Weights (n, count) of the uniform cubic B-splines at coordinates (n,) in mm."""
    t = np.abs((mm[:, None] - first) / spacing_mm - np.arange(count))
    near = 2 / 3 - t**2 + t**3 / 2
    far = np.clip(2 - t, 0, None) ** 3 / 6
    return np.asarray(np.where(t < 1, near, far))
