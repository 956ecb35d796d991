"""A part of the body on one scan, coarse: where a method may look at nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.geometry import Array
from napari_longiseg.registration.transforms import State


@dataclass(frozen=True, eq=False)
class Region:
    """Cells of one size.

    Attributes
    ----------
    cells : (Z, Y, X) bool
        True in the region.
    origin : (3,) float64
        Centre of cell (0, 0, 0): LPS mm, order (z, y, x).
    spacing_mm : float
        Edge length of a cell.
    """

    cells: npt.NDArray[np.bool_]
    origin: Array
    spacing_mm: float

    def share(self, points_mm: Array) -> Array:
        """How much of the surroundings of points (N, 3) lies in the region, 0 to 1; (N,)."""
        index = ((points_mm - self.origin) / self.spacing_mm).T
        return np.asarray(ndimage.map_coordinates(self.cells.astype(np.float32), index, order=1))

    def state(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """The arrays that it is made of, under a name."""
        return {
            f"{name}.cells": np.packbits(self.cells),
            f"{name}.shape": np.array(self.cells.shape),
            f"{name}.at": np.array([*self.origin, self.spacing_mm]),
        }

    @classmethod
    def of_state(cls, state: State, name: str) -> Region:
        """The region whose :meth:`state` this is."""
        shape, at = state[f"{name}.shape"], state[f"{name}.at"]
        bits = np.unpackbits(state[f"{name}.cells"], count=int(np.prod(shape)))
        return cls(bits.reshape(shape).astype(bool), at[:3], float(at[3]))
