"""What a registration is: two scans in, a map of points out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy.typing as npt

from napari_longiseg.core.geometry import Array, Point
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.registration.transforms import State


class PointMap(Protocol):
    """Carries points of the source scan to the target scan."""

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Target points of source points, both (N, 3) LPS mm in the order (z, y, x), sub-voxel."""
        ...

    def uncertainty_mm(self, points_mm: npt.ArrayLike) -> Array:
        """Error (N,) in mm that nine of ten mapped points stay below; ``nan`` where it is not known."""
        ...


@dataclass(frozen=True, slots=True)
class MapReport:
    """What a registration says about itself.

    Attributes
    ----------
    summary : str
        One sentence about how well the scans fit: correlation, residuals of landmarks, ...
    doubt : str
        One sentence that a reader must see before they trust the points; empty where all seems well.
    """

    summary: str
    doubt: str = ""


@runtime_checkable
class ReportingPointMap(PointMap, Protocol):
    """A map that can say how well the scans fit."""

    @property
    def report(self) -> MapReport:
        """Known once the scans are aligned."""
        ...


@runtime_checkable
class RefinablePointMap(PointMap, Protocol):
    """A map that can be made better around one place, at a price."""

    def refined(self, point_mm: Point) -> PointMap:
        """The map to use around this source point (LPS mm, order z, y, x)."""
        ...


@runtime_checkable
class StorablePointMap(PointMap, Protocol):
    """A map that a cache can keep on disk."""

    def state(self) -> State:
        """The arrays that it is made of."""
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


@runtime_checkable
class RestoringRegistration(Registration, Protocol):
    """A registration whose maps a cache can keep on disk.

    Attributes
    ----------
    version : str
        Changes whenever the same scans and options give another map; older files are then of no use. What
        else a map depends on belongs here, such as the content of files that options name.
    """

    version: str

    def restore(self, state: State, source: Scan, target: Scan) -> PointMap:
        """The map whose :meth:`StorablePointMap.state` this is; KeyError or ValueError where it is none."""
        ...


@runtime_checkable
class StudyRegistration(Registration, Protocol):
    """A registration that needs more of a study than the voxels of two scans, such as its landmarks."""

    def for_study(self, study: Study) -> Registration:
        """The registration to use on the scans of this study."""
        ...


def bound_to(method: Registration, study: Study) -> Registration:
    """The registration to use on the scans of a study: most need no more than the scans themselves."""
    return method.for_study(study) if isinstance(method, StudyRegistration) else method


def map_near(point_map: PointMap, point_mm: Point) -> PointMap:
    """The best map that a registration offers around one source point (LPS mm, order z, y, x)."""
    return point_map.refined(point_mm) if isinstance(point_map, RefinablePointMap) else point_map
