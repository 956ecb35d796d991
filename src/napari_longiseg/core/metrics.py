"""How well a mask agrees with the truth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Grid, Point, as_point, distance_mm

Mask = npt.NDArray[np.bool_]


def dice(a: Mask, b: Mask) -> float | None:
    """Dice overlap of two masks of the same shape; None where both are empty."""
    total = int(a.sum()) + int(b.sum())
    return None if total == 0 else 2.0 * int((a & b).sum()) / total


def centre_of_mass(mask: Mask, grid: Grid) -> Point | None:
    """Centre of mass in LPS mm, order (z, y, x); None for an empty mask."""
    voxels = np.argwhere(mask)
    return as_point(grid.to_mm(voxels.mean(axis=0))) if len(voxels) else None


def centre_distance_mm(a: Mask, b: Mask, grid: Grid) -> float | None:
    """Distance of the centres of mass (LinGuinE's ED); None where a mask is empty."""
    centre_a, centre_b = centre_of_mass(a, grid), centre_of_mass(b, grid)
    if centre_a is None or centre_b is None:
        return None
    return distance_mm(centre_a, centre_b)
