"""Local normalised cross-correlation and its exact slope, without autograd."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_longiseg.registration._torch.volume import separable

NOISE = 1e-4
"""Variance of intensities (14 HU squared) below which a neighbourhood counts as flat."""

WEIGH_EVERY = 10
"""Iterations between looks at which voxels lie in both scans."""


class LocalCorrelation:
    """Compares volumes with one fixed volume in a box around every voxel.

    The correlation coefficient in every box is clipped by a noise variance, so flat neighbourhoods count
    little. Its slope with respect to the moving intensities takes a second pass of box sums; the sums
    are products with banded matrices, many times faster on a CPU than pooling.

    Parameters
    ----------
    fixed : (Z, Y, X) tensor
        Intensities 0 to 1.
    radius : int
        Voxels on each side of the box's centre.
    """

    def __init__(self, fixed: Tensor, radius: int) -> None:
        self._fixed = fixed
        self._boxes = [_band(n, radius, fixed.device) for n in fixed.shape]
        self.weigh(torch.ones_like(fixed))

    def weigh(self, weight: Tensor) -> None:
        """Count voxels with this weight (Z, Y, X), 0 where the volumes are not to be compared."""
        self._weight = weight
        sums = self._sums(torch.stack([weight, weight * self._fixed, weight * self._fixed**2]))
        self._count = sums[0].clamp_min(1e-3)
        self.total = weight.sum().clamp_min(1.0)
        self._mean = sums[1] / self._count
        self._variance = (sums[2] / self._count - self._mean**2).clamp_min(0.0) + NOISE

    def compare(self, moving: Tensor) -> tuple[Tensor, Tensor]:
        """Correlation and its slope.

        Parameters
        ----------
        moving : (Z, Y, X) tensor
            Intensities on the fixed volume's grid.

        Returns
        -------
        correlation : (Z, Y, X) tensor
            -1 to 1, of the box around each voxel.
        slope : (Z, Y, X) tensor
            Of the weighted sum of all correlations, per unit of moving intensity.
        """
        weighted = self._weight * moving
        sums = self._sums(torch.stack([weighted, weighted * moving, weighted * self._fixed])) / self._count
        mean = sums[0]
        variance = (sums[1] - mean**2).clamp_min(0.0) + NOISE
        scale = torch.rsqrt(self._variance * variance)
        correlation = (sums[2] - self._mean * mean) * scale
        share = self._weight / self._count
        towards = share * scale
        away = share * correlation / variance
        back = self._sums(torch.stack([towards, away, towards * self._mean - away * mean]))
        return correlation, self._weight * (self._fixed * back[0] - moving * back[1] - back[2])

    def mean(self, correlation: Tensor) -> float:
        """Weighted mean of the correlations."""
        return float((self._weight * correlation).sum() / self.total)

    def _sums(self, data: Tensor) -> Tensor:
        return separable(data, self._boxes)


def _band(n: int, radius: int, device: torch.device) -> Tensor:
    position = torch.arange(n, device=device)
    return ((position[:, None] - position[None, :]).abs() <= radius).to(torch.float32)
