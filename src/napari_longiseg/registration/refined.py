"""A map that was made better around one place."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Array, Point
from napari_longiseg.registration.base import MapReport
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.transforms import Chain, Displacement, State, pack, unpack

NEAR = "near."
"""Before the names of the arrays that a refinement adds to those of the whole map."""


class RefinedMap:
    """A map with finer flows half way between the scans.

    Parameters
    ----------
    whole : TransformMap
        Its transform is a chain that is half way through after the first half of its steps.
    flows : tuple of Displacement
        Halves of flows around the place, the coarser ones first; none where none would do.
    place_mm : Point
        The source point that was looked at (LPS mm, order z, y, x).
    reach_mm : float
        How far from it the error is that of the second look; it is that of the whole map from twice as far.
    """

    def __init__(
        self, whole: TransformMap, flows: tuple[Displacement, ...], place_mm: Point, reach_mm: float
    ) -> None:
        self._whole, self._flows = whole, flows
        self._place, self._reach_mm = np.asarray(place_mm, dtype=np.float64), reach_mm
        there, on = halves(whole)
        self.transform = Chain((*there, *flows, *reversed(flows), *on))

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Target points (N, 3) of source points (N, 3), LPS mm in the order (z, y, x), sub-voxel."""
        return self.transform(points_mm)

    def uncertainty_mm(self, points_mm: npt.ArrayLike) -> Array:
        """Error (N,) in mm that nine of ten mapped points stay below; ``nan`` where nothing was compared."""
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        quality, before, after = self._whole.quality, self._whole(points), self(points)
        whole = quality.uncertainty_mm(points, before)
        if not self._flows:
            return whole
        refined = quality.refined_uncertainty_mm(points, after, np.linalg.norm(after - before, axis=1))
        distance = np.linalg.norm(points - self._place, axis=1)
        far = np.clip(distance / self._reach_mm - 1.0, 0.0, 1.0)
        return np.asarray(far * whole + (1.0 - far) * refined)

    @property
    def report(self) -> MapReport:
        """That of the whole map."""
        return self._whole.report

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that the map is made of, those of the whole map among them."""
        added = pack(Chain(self._flows)) | {"place": np.array([*self._place, self._reach_mm])}
        return self._whole.state() | {NEAR + name: array for name, array in added.items()}

    @classmethod
    def of_state(cls, state: State, whole: TransformMap) -> RefinedMap:
        """The map whose :meth:`state` this is; KeyError or ValueError where it is none."""
        added = {name.removeprefix(NEAR): array for name, array in state.items() if name.startswith(NEAR)}
        z, y, x, reach_mm = (float(v) for v in added["place"])
        flows = tuple(step for step in unpack(added).steps if isinstance(step, Displacement))
        return cls(whole, flows, (z, y, x), reach_mm)


def halves(whole: TransformMap) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The steps of a map that lead half way, and the others."""
    steps = whole.transform.steps if isinstance(whole.transform, Chain) else (whole.transform,)
    return steps[: len(steps) // 2], steps[len(steps) // 2 :]
