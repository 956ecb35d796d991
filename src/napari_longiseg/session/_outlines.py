"""What a reader does to outlines: painting, merging, splitting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.lesion import Click, Finding, Lesion, LesionMask, SourceMask
from napari_longiseg.session.session import Session
from napari_longiseg.tracking import edits


def redraw(session: Session, scan_id: str, masks: Mapping[int, LesionMask]) -> None:
    """Outline lesions by hand, all in one step, as one stroke of a brush may change several.

    Parameters
    ----------
    session : Session
        Is changed.
    scan_id : str
        Where.
    masks : mapping
        Lesion id to its whole outline as it is now; an id without a lesion makes one. An empty outline
        erases the lesion there, and is passed over where none was known.

    Raises
    ------
    InputError
        When there is no such scan.
    """
    session.scan(scan_id)
    drawn = {i: mask for i, mask in masks.items() if not mask.is_empty or session.finding(i, scan_id)}
    if not drawn:
        return
    names = ", ".join(str(i) for i in sorted(drawn))
    with session.action(f"Paint lesion{'s' if len(drawn) > 1 else ''} {names} on {scan_id}"):
        for lesion_id, mask in sorted(drawn.items()):
            _start_from(session, lesion_id, SourceMask(scan_id, mask))
            session.set_known(_drawn(session, lesion_id, scan_id, mask))


def merge(session: Session, keeper: int, other: int, scan_id: str) -> None:
    """Say that a lesion has become one with another on a scan: measured there, in one outline.

    Raises
    ------
    InputError
        When one of the two has no outline there, or they are one.
    """
    kept, gone = _outlined(session, keeper, scan_id), _outlined(session, other, scan_id)
    with session.action(f"Merge lesion {other} into lesion {keeper} on {scan_id}"):
        for finding in edits.merged(kept, gone, session.scan(scan_id)):
            session.set_known(finding)
        for finding in session.findings_on(scan_id):
            if finding.merged_into == other:  # what was measured there before moves along
                session.set_known(replace(finding, merged_into=keeper))


def gap_mm(session: Session, one: int, other: int, scan_id: str) -> float:
    """How far the outlines of two lesions lie apart on a scan; 0 where they touch.

    Raises
    ------
    InputError
        When one of the two has no outline there.
    """
    first, second = _outline(session, one, scan_id), _outline(session, other, scan_id)
    return edits.gap_mm(first, second, session.scan(scan_id))


def split(session: Session, lesion_id: int, scan_id: str, point_mm: Point) -> int:
    """Make a part of an outline a lesion of its own, which starts from there.

    Parameters
    ----------
    session : Session
        Is changed; the new lesion is selected.
    lesion_id, scan_id
        What is split, and where.
    point_mm : Point
        In the part that becomes the new lesion; LPS mm, order (z, y, x).

    Returns
    -------
    int
        Id of the new lesion.

    Raises
    ------
    InputError
        When there is no outline, or the point does not tell two parts of it apart.
    """
    whole = _outlined(session, lesion_id, scan_id)
    session.check_inside(scan_id, point_mm)
    new = Lesion(session.next_id, clicks=(Click(scan_id, point_mm),))
    parts = edits.split(whole, point_mm, new.id, session.scan(scan_id))
    with session.action(f"Split lesion {lesion_id} on {scan_id}"):
        session.set_lesion(new)
        for finding in parts:
            session.set_known(finding)
    session.select(new.id)
    return new.id


def _drawn(session: Session, lesion_id: int, scan_id: str, mask: LesionMask) -> Finding:
    scan, lesion = session.scan(scan_id), session.lesion(lesion_id)
    known = session.finding(lesion_id, scan_id)
    if known is not None:
        return edits.redrawn(known, mask, scan)
    finding = edits.outlined_by_hand(lesion, scan, mask, lesion.source_scan or scan_id)
    expected = session.proposal(lesion_id, scan_id)
    return finding if expected is None else expected.noted_in(finding)


def _start_from(session: Session, lesion_id: int, drawn: SourceMask) -> None:
    """Let a lesion without a prompt start from what was drawn; an outline that it starts from follows it."""
    known = session.state.lesions.get(lesion_id)
    lesion = Lesion(lesion_id) if known is None else known
    outline = lesion.source_mask
    follows = outline is not None and outline.scan == drawn.scan and not drawn.mask.is_empty
    if follows or lesion.source_scan is None:
        session.set_lesion(replace(lesion, source_mask=drawn))


def _outlined(session: Session, lesion_id: int, scan_id: str) -> Finding:
    _outline(session, lesion_id, scan_id)
    return session.found(lesion_id, scan_id)


def _outline(session: Session, lesion_id: int, scan_id: str) -> LesionMask:
    mask = session.found(lesion_id, scan_id).mask
    if mask is None:
        msg = f"Lesion {lesion_id} has no outline on {scan_id}: outline it there first."
        raise InputError(msg)
    return mask
