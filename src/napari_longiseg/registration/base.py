"""What a registration is: two scans in, a map of points out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy.typing as npt

from napari_longiseg.core.geometry import Array, Point
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import Scan


class PointMap(Protocol):
    """Carries points of the source scan to the target scan."""

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Target points of source points, both (N, 3) LPS mm in the order (z, y, x), sub-voxel."""
        ...

    def uncertainty_mm(self, points_mm: npt.ArrayLike) -> Array:
        """Expected error (N,) in mm of the mapped points; ``nan`` where the method cannot tell."""
        ...


@runtime_checkable
class RefinablePointMap(PointMap, Protocol):
    """A map that can be made better around one place, at a price."""

    def refined(self, point_mm: Point) -> PointMap:
        """The map to use around this source point (LPS mm, order z, y, x)."""
        ...


class Registration(Protocol):
    """Aligns two scans.

    The constructor's keyword parameters are the method's options; make the class a frozen dataclass, so
    that equal options give equal methods and the cache can tell them apart by ``repr``.
    """

    name: str

    def align(self, source: Scan, target: Scan, progress: Progress) -> PointMap:
        """Align *source* to *target*.

        Raises
        ------
        RegistrationError
            When the scans cannot be aligned; never torch's or ITK's own errors.
        Cancelled
            Raised by *progress*; let it pass.
        """
        ...


def map_near(point_map: PointMap, point_mm: Point) -> PointMap:
    """The best map that a registration offers around one source point (LPS mm, order z, y, x)."""
    return point_map.refined(point_mm) if isinstance(point_map, RefinablePointMap) else point_map
