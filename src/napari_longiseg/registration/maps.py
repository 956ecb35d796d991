"""The point map of every registration by images: a transform, and how well the scans agree after it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Array
from napari_longiseg.registration.base import MapReport
from napari_longiseg.registration.quality import Quality
from napari_longiseg.registration.transforms import State, Transform, pack, unpack


class TransformMap:
    """Carries source points to the target scan.

    Attributes
    ----------
    transform : Transform
        Source to target; the way back is ``transform.inverse``.
    quality : Quality
        How well the scans agree after it.
    """

    def __init__(self, transform: Transform, quality: Quality) -> None:
        self.transform = transform
        self.quality = quality

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Target points (N, 3) of source points (N, 3), LPS mm in the order (z, y, x), sub-voxel."""
        return self.transform(points_mm)

    def uncertainty_mm(self, points_mm: npt.ArrayLike) -> Array:
        """Error (N,) in mm that nine of ten mapped points stay below; ``nan`` where nothing was compared."""
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        return self.quality.uncertainty_mm(points, self(points))

    @property
    def report(self) -> MapReport:
        """Local correlation of the scans, and a doubt where it is low."""
        return self.quality.report

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that the map is made of."""
        return pack(self.transform) | self.quality.state()

    @classmethod
    def of_state(cls, state: State) -> TransformMap:
        """The map whose :meth:`state` this is; KeyError or ValueError where it is none."""
        return cls(unpack(state), Quality.of_state(state))
