"""Smoothing thin-plate splines in space, and how far they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from napari_longiseg.core.geometry import Array
from napari_longiseg.registration.transforms import Affine, Chain, Inverse

SQUEEZED = 100.0
"""An affine part that shrinks one direction by so much more than another has no way back."""
ALMOST_EXACT, ALMOST_AFFINE = 1e-6, 5.0
"""The least smoothing, and the most in units of the largest bending energy, both for points of extent 1.
Bodies always bend a little: with more smoothing the error of bent ones would be underestimated."""


@dataclass(frozen=True, eq=False)
class Bend:
    """``q = p - sum_i |p - knot_i| weight_i``: the part of a spline that is not affine.

    Attributes
    ----------
    knots_mm : (N, 3) float64
        Where its landmarks are.
    weights : (N, 3) float64
        Their pull, without unit; their sum and their first moments are 0, so that it fades far away.
    """

    knots_mm: Array
    weights: Array

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Mapped points (N, 3)."""
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        return np.asarray(points - cdist(points, self.knots_mm) @ self.weights)

    @property
    def inverse(self) -> Inverse:
        """The way back, by iteration."""
        return Inverse(self)


@dataclass(frozen=True, eq=False)
class Frame:
    """Landmarks about their centre, in units of their extent, which keeps the equations well scaled."""

    centre_mm: Array
    extent_mm: float
    knots: Array

    @classmethod
    def of(cls, points_mm: Array) -> Frame:
        """The frame of points (N, 3)."""
        centre = points_mm.mean(axis=0)
        extent = float(np.sqrt(((points_mm - centre) ** 2).sum(axis=1).mean()))
        return cls(centre, extent, (points_mm - centre) / extent)

    def affine(self, points_mm: Array) -> Array:
        """1 and the coordinates of points (N, 3), shape (N, 4)."""
        return np.column_stack([np.ones(len(points_mm)), (points_mm - self.centre_mm) / self.extent_mm])

    def kernel(self, points_mm: Array) -> Array:
        """Minus the distances of points (N, 3) from the knots, shape (N, knots)."""
        return np.asarray(-cdist((points_mm - self.centre_mm) / self.extent_mm, self.knots))


@dataclass(frozen=True, eq=False)
class SplineFit:
    """A thin-plate spline by landmarks.

    Attributes
    ----------
    transform : Chain
        Source to target: first the bend, then the affine part.
    left_out_mm : (N,) float64
        How far each landmark is missed by the spline of the others; ``nan`` where these do not fix one.
    frame : Frame
        Of the landmarks on the source scan.
    covariance : (N + 4, N + 4) float64
        Inverse of the spline's equations.
    scale_mm : float
        Error, root mean square, where the equations say 1.
    """

    transform: Chain
    left_out_mm: Array
    frame: Frame
    covariance: Array
    scale_mm: float

    kind: ClassVar[str] = "thin-plate spline"

    @property
    def freedom(self) -> int:
        """How many coordinates of the landmarks its affine part could not choose."""
        return 3 * len(self.left_out_mm) - 12

    @classmethod
    def of(cls, source_mm: Array, target_mm: Array, precision_mm: float) -> SplineFit:
        """Fit at least five points (N, 3) that are not in one plane.

        The kernel is the distance (Duchon 1977; Bookstein, IEEE PAMI 11, 1989, in space), on both sides in
        mm. How much the spline may bend to meet them is what the landmarks make likeliest.

        Parameters
        ----------
        source_mm, target_mm : (N, 3) float64
            Corresponding points.
        precision_mm : float
            How far off landmarks are placed, root mean square; 0 to meet them exactly.

        Raises
        ------
        ValueError
            When the points would squeeze space flat.
        """
        frame = Frame.of(source_mm)
        plane, kernel = frame.affine(source_mm), frame.kernel(source_mm)
        # Among weights without sum and first moment, which this basis spans, the kernel is positive.
        free = np.linalg.qr(plane, mode="complete")[0][:, 4:]
        energies, turns = np.linalg.eigh(free.T @ kernel @ free)
        basis = free @ turns
        smoothing = _smoothing(energies, basis.T @ target_mm, precision_mm)
        solver = basis / (energies + smoothing) @ basis.T
        weights, smoothed = solver @ target_mm, kernel + smoothing * np.eye(len(plane))
        affine = np.linalg.lstsq(plane, target_mm - smoothed @ weights, rcond=None)[0]
        matrix = affine[1:].T / frame.extent_mm
        if np.linalg.cond(matrix) > SQUEEZED:
            msg = "the points would squeeze space flat"
            raise ValueError(msg)
        bend = Bend(source_mm, weights / frame.extent_mm @ np.linalg.inv(matrix).T)
        left_out, scale = _left_out(weights, np.diag(solver), basis)
        system = np.block([[smoothed, plane], [plane.T, np.zeros((4, 4))]])
        return cls(
            Chain((bend, Affine(matrix, affine[0] - matrix @ frame.centre_mm))),
            left_out,
            frame,
            np.linalg.inv(system),
            max(scale, precision_mm / np.sqrt(smoothing)),
        )

    def expected_mm(self, points_mm: Array) -> Array:
        """Error (N,) at source points (N, 3), root mean square; it grows with the distance.

        The standard error of kriging, of which the spline is the predictor, scaled so that it says what the
        landmarks show when each is left out (Dubrule, Mathematical Geology 15, 1983).
        """
        known = np.hstack([self.frame.kernel(points_mm), self.frame.affine(points_mm)])
        variance = -np.einsum("ij,jk,ik->i", known, self.covariance, known)
        return np.asarray(self.scale_mm * np.sqrt(variance.clip(0.0)))


def _smoothing(energies: Array, parts: Array, precision_mm: float) -> float:
    """The likeliest weight of smoothness against the landmarks, given how precisely these are placed.

    Generalised maximum likelihood (Wahba, Annals of Statistics 13, 1985), with a known variance.
    """
    if precision_mm == 0:
        return ALMOST_EXACT
    tried = np.geomspace(ALMOST_EXACT, ALMOST_AFFINE * energies.max(), 200)
    placing = precision_mm**2 / 3.0
    variances = placing * (energies / tried[:, None] + 1.0)
    unlikely = 3.0 * np.log(variances) + (parts**2).sum(axis=1) / variances
    return float(tried[unlikely.sum(axis=1).argmin()])


def _left_out(weights: Array, own: Array, basis: Array) -> tuple[Array, float]:
    """How far each landmark is missed by the others (N,) in mm, and the scale of the errors."""
    # A landmark without which the others lie in one plane is met by every spline, and tells nothing.
    told = (basis**2).sum(axis=1) > 1e-6
    missed = np.linalg.norm(weights, axis=1) / np.where(told, own, np.nan)
    return missed, float(np.sqrt(np.nanmean(missed**2 * own)))
