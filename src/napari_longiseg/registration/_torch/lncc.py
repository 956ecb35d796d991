"""Local normalised cross-correlation and its exact slopes, without autograd."""

from __future__ import annotations

import torch
from torch import Tensor

RADIUS = 2
"""Of the boxes in which scans are aligned, in voxels on each side of the centre, at every level."""
WEIGH_EVERY = 10
"""Iterations between looks at which nodes lie in both scans."""
NOISE = 1e-4
"""Variance of intensities (14 HU squared) below which a neighbourhood counts as flat."""


class LocalCorrelation:
    """Compares two volumes in a box around every voxel.

    The correlation coefficient in every box is damped by a noise variance, so flat neighbourhoods count
    little. The slopes with respect to the intensities take a second pass of box sums; the sums are
    additions of shifted volumes, on a CPU many times faster than pooling.

    Parameters
    ----------
    shape : (3,) int
        Of the volumes.
    radius : int
        Voxels on each side of the box's centre.
    device : torch.device
        Where the volumes are.
    """

    def __init__(self, shape: tuple[int, ...], radius: int, device: torch.device) -> None:
        self._radius = radius
        self.weigh(torch.ones(shape, device=device))

    def weigh(self, weight: Tensor) -> None:
        """Count voxels with this weight (Z, Y, X), 0 where the volumes are not to be compared."""
        self._weight = weight
        self._count = self._sums(weight.clone()[None])[0].clamp_min(1e-3)
        self.total = weight.sum().clamp_min(1.0)

    def correlation(self, a: Tensor, b: Tensor) -> Tensor:
        """Correlation -1 to 1 of the box around each voxel, (Z, Y, X), of two volumes (Z, Y, X)."""
        return self._moments(a, b)[0]

    def slopes(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Correlation, and its slopes.

        Parameters
        ----------
        a, b : (Z, Y, X) tensor
            Intensities.

        Returns
        -------
        correlation : (Z, Y, X) tensor
            -1 to 1, of the box around each voxel.
        slope_a, slope_b : (Z, Y, X) tensor
            Of the weighted sum of all correlations, per unit of a's and of b's intensity.
        """
        correlation, scale, mean_a, mean_b, variance_a, variance_b = self._moments(a, b)
        share = self._weight / self._count
        towards = share * scale
        share = share * correlation
        away_a, away_b = share / variance_a, share / variance_b
        rest_a = towards * mean_b - away_a * mean_a
        rest_b = towards * mean_a - away_b * mean_b
        back = self._sums(torch.stack([towards, away_a, away_b, rest_a, rest_b]))
        slope_a = self._weight * (b * back[0] - a * back[1] - back[3])
        slope_b = self._weight * (a * back[0] - b * back[2] - back[4])
        return correlation, slope_a, slope_b

    def mean(self, correlation: Tensor) -> float:
        """Weighted mean of the correlations."""
        return float((self._weight * correlation).sum() / self.total)

    def _moments(self, a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
        """Correlation, its scale, both means and both variances."""
        wa, wb = self._weight * a, self._weight * b
        sums = self._sums(torch.stack([wa, wb, wa * a, wb * b, wa * b]))
        mean_a, mean_b, aa, bb, ab = sums.div_(self._count)
        variance_a = (aa - mean_a**2).clamp_min(0.0) + NOISE
        variance_b = (bb - mean_b**2).clamp_min(0.0) + NOISE
        scale = torch.rsqrt(variance_a * variance_b)
        return (ab - mean_a * mean_b) * scale, scale, mean_a, mean_b, variance_a, variance_b

    def _sums(self, data: Tensor) -> Tensor:
        """Sums over the boxes of (C, Z, Y, X); *data* is used up."""
        other = torch.empty_like(data)
        for axis in (3, 2, 1):
            n = data.shape[axis]
            other.copy_(data)
            for step in range(1, min(self._radius, n - 1) + 1):
                other.narrow(axis, step, n - step).add_(data.narrow(axis, 0, n - step))
                other.narrow(axis, 0, n - step).add_(data.narrow(axis, step, n - step))
            data, other = other, data
        return data
