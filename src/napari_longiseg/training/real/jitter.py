"""How far the clicks of a training lie from where they should."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid, Point, as_point
from napari_longiseg.core.lesion import LesionMask


@dataclass(frozen=True, slots=True)
class Jitter:
    """A random distance in a random direction; it may lead out of the lesion, as a registration may.

    Attributes
    ----------
    core_mm : float
        Most distances are half-normal with this standard deviation: 0.8 times as long in the mean.
    tail_share : float
        The share of those that are not.
    tail_mm : float
        These are exponential with this mean.
    anywhere : float
        The share of clicks that lie anywhere in the lesion, before any distance, instead of at its point.

    Raises
    ------
    InputError
        When a length is negative, or a share is none.
    """

    core_mm: float = 0.75
    tail_share: float = 0.1
    tail_mm: float = 2.0
    anywhere: float = 0.0

    def __post_init__(self) -> None:
        if min(self.core_mm, self.tail_mm) < 0:
            msg = f"Lengths of a jitter must not be negative: {self.core_mm} mm, {self.tail_mm} mm."
            raise InputError(msg)
        if not (0 <= self.tail_share <= 1 and 0 <= self.anywhere <= 1):
            msg = f"Shares of a jitter must be 0 to 1, not {self.tail_share} and {self.anywhere}."
            raise InputError(msg)

    def click(self, point_mm: Point, mask: LesionMask | None, scan: Grid, rng: np.random.Generator) -> Point:
        """A click on a lesion.

        Parameters
        ----------
        point_mm : Point
            The lesion's point, LPS mm, order (z, y, x).
        mask : LesionMask or None
            The lesion; None where it is gone.
        scan : Grid
            The scan's working grid.
        """
        start = np.asarray(point_mm)
        if mask is not None and rng.random() < self.anywhere:
            voxels = np.argwhere(mask.voxels)
            chosen = voxels[rng.integers(len(voxels))] + rng.uniform(-0.5, 0.5, 3)
            start = mask.grid(scan).to_mm(chosen)
        return as_point(start + self._offset(rng))

    def _offset(self, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """(3,) mm."""
        direction = rng.normal(size=3)
        in_tail = rng.random() < self.tail_share
        length = rng.exponential(self.tail_mm) if in_tail else abs(rng.normal(0.0, self.core_mm))
        return np.asarray(length * direction / np.linalg.norm(direction))


NONE = Jitter(core_mm=0.0, tail_share=0.0)
"""Clicks lie at the lesion's point."""

EMBEDDED = Jitter()
"""What the embedded registration is off by at lesions: 0.7 mm in the mean, one in twenty more than 1.9 mm.
``docs/registration.md`` gives 0.67 to 0.77 mm and 1.8 to 2.1 mm on held-out pairs."""

CONVENTIONAL = Jitter(core_mm=3.0, tail_share=0.5, tail_mm=16.0)
"""What conventional registration is off by on Longitudinal-CT: half of the points by less than 4 mm, 9 mm in
the mean, one in twenty by more than 35 mm. Fitted to quantiles of the distance from ``cog_propagated`` to
``cog_fu`` (25 % within 1.4, median 3.7, mean 9.25, 95 % within 34). These are in voxels of about
0.7 x 0.7 x 3 mm, and are taken for mm here."""

READER = Jitter(core_mm=0.5, tail_share=0.0, anywhere=0.5)
"""A reader's clicks on the scan itself: half near the middle, half anywhere in the lesion."""
