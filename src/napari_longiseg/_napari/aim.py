"""Which lesion a click is meant for; pure functions over a session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_longiseg.core.geometry import Point
from napari_longiseg.core.lesion import Finding
from napari_longiseg.session import Session

FAR_MM = 20.0
"""A click farther than this from a lesion that the reader has clicked on the same scan is another lesion."""
SAME_MM = 5.0
"""A click this close to another lesion's click is meant for that one."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a click is meant for.

    Attributes
    ----------
    lesion : int or None
        The lesion; None for one that is not there yet.
    adds : bool
        Whether the click becomes one of the lesion's; else it only selects it.
    """

    lesion: int | None
    adds: bool = True


def aim(session: Session, scan_id: str, point_mm: Point, positive: bool) -> Aim:
    """Find out which lesion a click is meant for.

    A negative click, and the first one of a lesion that was added by hand, go to the selected lesion. So does
    a click on its own mask or near it, and a click on a scan where it was not clicked yet, which says where
    the lesion really is. A click on another lesion's mask or click selects that one. Anything else is new.
    """
    selected = session.selected
    if selected is not None and (not positive or session.lesion(selected).source_scan is None):
        return Aim(selected)
    under = _under(session, scan_id, point_mm)
    if selected is not None and selected in under:
        return Aim(selected)
    if under:
        return Aim(under[0], adds=False)
    if selected is not None and not _far(session, selected, scan_id, point_mm):
        return Aim(selected)
    clicked = _clicked_at(session, scan_id, point_mm)
    return Aim(None) if clicked is None else Aim(clicked, adds=False)


def _under(session: Session, scan_id: str, point_mm: Point) -> list[int]:
    """Lesions whose mask on the scan holds the point."""
    voxel = session.scan(scan_id).grid.nearest_voxel(point_mm)
    return [f.lesion for f in session.findings_on(scan_id) if _holds(f, voxel)]


def _holds(finding: Finding, voxel: tuple[int, int, int]) -> bool:
    if finding.mask is None:
        return False
    inside = np.subtract(voxel, finding.mask.box.start)
    fits = bool((inside >= 0).all() and (inside < finding.mask.box.shape).all())
    return fits and bool(finding.mask.voxels[tuple(inside)])


def _far(session: Session, lesion_id: int, scan_id: str, point_mm: Point) -> bool:
    """Whether the reader has clicked, outlined or accepted the lesion on this scan, and it lies elsewhere."""
    lesion = session.lesion(lesion_id)
    outlined = lesion.source_mask is not None and lesion.source_mask.scan == scan_id
    known = [click.point_mm for click in lesion.clicks_on(scan_id) if click.positive]
    finding = session.finding(lesion_id, scan_id)
    reviewed = finding is not None and finding.is_reviewed and finding.mask is not None
    if not known and not outlined and not reviewed:
        return False
    if finding is not None and finding.mask is not None:
        grid = finding.mask.grid(session.scan(scan_id).grid)
        known.extend(tuple(p) for p in grid.to_mm(np.argwhere(finding.mask.voxels)))
    return _least_distance(known, point_mm) > FAR_MM


def _clicked_at(session: Session, scan_id: str, point_mm: Point) -> int | None:
    """The lesion with a positive click on the scan next to the point."""
    near = {
        lesion.id: _least_distance([c.point_mm for c in lesion.clicks_on(scan_id) if c.positive], point_mm)
        for lesion in session.lesions
    }
    nearest = min(near, key=lambda lesion_id: near[lesion_id], default=None)
    return nearest if nearest is not None and near[nearest] <= SAME_MM else None


def _least_distance(points_mm: list[Point], point_mm: Point) -> float:
    if not points_mm:
        return float("inf")
    return float(np.linalg.norm(np.subtract(points_mm, point_mm), axis=1).min())
