"""What a reader makes of outlines: redrawn, drawn by hand, merged, split. Pure functions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import KDTree

from napari_longiseg.core.components import CONNECTIVITY
from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.lesion import Finding, Lesion, LesionMask, Origin, Presence, Review
from napari_longiseg.core.scan import Scan
from napari_longiseg.tracking.correspondence import merged_into
from napari_longiseg.tracking.findings import with_mask
from napari_longiseg.tracking.large import with_mask_soon
from napari_longiseg.tracking.parts import part_at

ERASED = "Erased by the reader."


def redrawn(finding: Finding, mask: LesionMask, scan: Scan) -> Finding:
    """The finding with the outline that a reader has drawn, measured anew; not found where it is empty.

    Large ones are not measured yet, here and in :func:`merged`.

    Parameters
    ----------
    finding : Finding
        On *scan*, with or without an outline.
    mask : LesionMask
        On the scan's working grid.
    scan : Scan
        For the measurements.
    """
    edited = _edited(finding)
    if mask.is_empty:
        return replace(edited, presence=Presence.NOT_FOUND, mask=None, measurements=None, reason=ERASED)
    return with_mask_soon(edited, LesionMask.of(mask.voxels, mask.box), scan)


def outlined_by_hand(lesion: Lesion, scan: Scan, mask: LesionMask, source_scan: str) -> Finding:
    """The finding of a lesion that nothing was known of on a scan, from the outline that a reader has drawn.

    Parameters
    ----------
    lesion : Lesion
        Whose outline it is.
    scan : Scan
        Where it is drawn.
    mask : LesionMask
        On the scan's working grid.
    source_scan : str
        Id of the scan that the lesion is carried from; *scan*'s own for a lesion that starts here.

    Raises
    ------
    InputError
        When the outline is empty.
    """
    if mask.is_empty:
        msg = f"Nothing is drawn of lesion {lesion.id} on {scan.id}: paint it first."
        raise InputError(msg)
    return redrawn(Finding(lesion.id, scan.id, Presence.PRESENT, Origin.SOURCE, source_scan), mask, scan)


def merged(keeper: Finding, other: Finding, scan: Scan) -> tuple[Finding, Finding]:
    """Two lesions that are one on a scan: the keeper with both outlines, the other that points to it.

    Where the outlines do not touch, the keeper says so: its diameters may span both.

    Parameters
    ----------
    keeper, other : Finding
        Of two lesions on *scan*.
    scan : Scan
        For the measurements.

    Raises
    ------
    InputError
        When they are of one lesion or of two scans, or *other* has no outline.
    """
    if keeper.lesion == other.lesion or keeper.scan != other.scan:
        msg = "Choose two lesions of the same scan to merge them."
        raise InputError(msg)
    if other.mask is None:
        msg = f"Lesion {other.lesion} has no outline on {other.scan} to merge into lesion {keeper.lesion}."
        raise InputError(msg)
    union = keeper.mask.union(other.mask) if keeper.mask else other.mask
    both = with_mask_soon(_edited(keeper), union, scan)
    if keeper.mask is not None and (gap := gap_mm(keeper.mask, other.mask, scan)) > 0:
        both = replace(both, reason=f"Merged from outlines {gap:.0f} mm apart; its diameters may span both.")
    return both, merged_into(replace(other, review=Review.EDITED), both)


def gap_mm(one: LesionMask, other: LesionMask, scan: Scan) -> float:
    """How far two outlines of a scan lie apart: between the nearest voxels' centres; 0 where they touch."""
    box = one.box.grown(1).intersection(other.box)
    if not box.is_empty:
        reached = ndimage.binary_dilation(one.within(box.grown(1)), CONNECTIVITY)[1:-1, 1:-1, 1:-1]
        if (reached & other.within(box)).any():
            return 0.0
    near, far = (scan.grid.to_mm(_surface(mask)) for mask in (one, other))
    return float(KDTree(near).query(far)[0].min())


def split(finding: Finding, point_mm: Point, new_lesion: int, scan: Scan) -> tuple[Finding, Finding]:
    """Two lesions that one outline holds: what remains, and the part at a point as another lesion.

    Parameters
    ----------
    finding : Finding
        With an outline on *scan*.
    point_mm : Point
        In the part that becomes the new lesion, LPS mm, order (z, y, x).
    new_lesion : int
        Its id.
    scan : Scan
        For the measurements.

    Raises
    ------
    InputError
        When there is no outline, the point lies outside of it, or in the very middle of what would remain.
    """
    if finding.mask is None or finding.point_mm is None:
        msg = f"Lesion {finding.lesion} has no outline on {finding.scan} that could be split."
        raise InputError(msg)
    mask = finding.mask
    part = part_at(mask.voxels, mask.grid(scan.grid), point_mm, finding.point_mm)
    if part is None:
        msg = f"That point lies outside lesion {finding.lesion} on {scan.id}: choose one within its outline."
        raise InputError(msg)
    if not part.any():
        msg = (
            f"That point does not tell two parts of lesion {finding.lesion} on {scan.id} apart: "
            "choose one in the part that is to be another lesion."
        )
        raise InputError(msg)
    new = replace(
        _edited(finding),
        lesion=new_lesion,
        origin=Origin.SOURCE,
        source_scan=scan.id,
        proposed_mm=None,
        uncertainty_mm=None,
        registration="",
        split_from=finding.lesion,
    )
    return (
        with_mask(_edited(finding), LesionMask.of(mask.voxels & ~part, mask.box), scan),
        with_mask(new, LesionMask.of(part, mask.box), scan),
    )


def _surface(mask: LesionMask) -> npt.NDArray[np.intp]:
    """Indices (N, 3) of the voxels beside one that is none of the mask's: the nearest ones are among them."""
    inner = ndimage.binary_erosion(mask.voxels)
    voxels: npt.NDArray[np.intp] = np.argwhere(mask.voxels & ~inner) + np.asarray(mask.box.start)
    return voxels


def _edited(finding: Finding) -> Finding:
    """By a reader: what a method said of its own outline holds no more."""
    return replace(finding, review=Review.EDITED, confidence=None, reason="", merged_into=None)
