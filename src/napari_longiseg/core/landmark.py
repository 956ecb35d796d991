"""Landmarks: places in the body that a reader can point at on more than one scan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point


@dataclass(frozen=True, slots=True)
class Landmark:
    """A named place on one scan; landmarks of one name on several scans are the same place.

    Attributes
    ----------
    scan : str
        Id of the scan.
    name : str
        What the place is called, the same on every scan.
    point_mm : Point
        LPS mm, order (z, y, x); it may lie outside the scan.

    Raises
    ------
    InputError
        When the scan or the name is empty, or a coordinate is not finite.
    """

    scan: str
    name: str
    point_mm: Point

    def __post_init__(self) -> None:
        if not self.scan or not self.name:
            msg = "A landmark needs the id of a scan and a name."
            raise InputError(msg)
        if not np.isfinite(self.point_mm).all():
            msg = f"The coordinates of landmark {self.name!r} on {self.scan} must be finite."
            raise InputError(msg)


@dataclass(frozen=True, slots=True)
class LandmarkPair:
    """One place on two scans; both points LPS mm, order (z, y, x)."""

    name: str
    source_mm: Point
    target_mm: Point


def pairs_between(landmarks: Iterable[Landmark], source: str, target: str) -> tuple[LandmarkPair, ...]:
    """The landmarks whose name is on both scans, in the order in which they were given on the source."""
    known = tuple(landmarks)
    on_target = {one.name: one.point_mm for one in known if one.scan == target}
    return tuple(
        LandmarkPair(one.name, one.point_mm, on_target[one.name])
        for one in known
        if one.scan == source and one.name in on_target
    )
