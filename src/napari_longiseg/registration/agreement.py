"""How well two scans agree, place by place, after they are aligned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from napari_longiseg.core.geometry import Array
from napari_longiseg.core.resample import Float32

NEIGHBOURHOOD = 5
"""Voxels along each edge of the box that is averaged around a point."""


@dataclass(frozen=True)
class Agreement:
    """Local correlation of two scans.

    Attributes
    ----------
    correlation : (Z, Y, X) float32
        -1 to 1 around every voxel; ``nan`` where the scans were not compared.
    origin, spacing : (3,) float64
        Of the voxels: LPS mm, order (z, y, x).
    """

    correlation: Float32
    origin: Array
    spacing: Array

    @cached_property
    def mean(self) -> float:
        """Mean over all that was compared; ``nan`` where nothing was."""
        compared = self.correlation[np.isfinite(self.correlation)]
        return float(compared.mean()) if compared.size else float("nan")

    def near(self, points_mm: Array) -> Array:
        """Mean correlation (N,) in the neighbourhood of points (N, 3); ``nan`` outside the scan."""
        index = ((points_mm - self.origin) / self.spacing).T
        last = np.asarray(self.correlation.shape)[:, None] - 0.5
        outside = ((index < -0.5) | (index > last)).any(axis=0)
        total, count = (
            ndimage.map_coordinates(part, index, order=1, mode="nearest") for part in self._averages
        )
        return np.where(outside | (count < 0.1), np.nan, total / np.maximum(count, 0.1))

    @cached_property
    def _averages(self) -> tuple[Float32, Float32]:
        """Neighbourhood means of the correlation (0 where not compared), and of what was compared."""
        compared = np.isfinite(self.correlation)
        known = np.where(compared, self.correlation, 0.0).astype(np.float32)
        total, count = (
            ndimage.uniform_filter(part.astype(np.float32), NEIGHBOURHOOD) for part in (known, compared)
        )
        return total, count
