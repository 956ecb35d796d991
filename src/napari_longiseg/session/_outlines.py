"""What a reader does to outlines: painting, merging, splitting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.lesion import Click, Finding, Lesion, LesionMask, SourceMask
from napari_longiseg.core.scan import Scan
from napari_longiseg.session.session import Session
from napari_longiseg.tracking import edits
from napari_longiseg.tracking.large import is_large


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


@dataclass(frozen=True, eq=False)
class Cut:
    """A part of an outline that is to become a lesion of its own; see :func:`cut`.

    Attributes
    ----------
    whole : Finding
        What is split.
    scan : Scan
        Where.
    new : Lesion
        Starts from a point in its part.
    """

    whole: Finding
    scan: Scan
    new: Lesion

    @property
    def is_large(self) -> bool:
        """Whether it takes long to work out the parts."""
        return self.whole.mask is not None and is_large(self.whole.mask)

    def parts(self) -> tuple[Finding, Finding]:
        """What remains, and what is the new lesion's; may be worked out in any thread.

        Raises
        ------
        InputError
            When the point does not tell two parts apart.
        """
        return edits.split(self.whole, self.new.clicks[0].point_mm, self.new.id, self.scan)


def cut(session: Session, lesion_id: int, scan_id: str, point_mm: Point) -> Cut:
    """How an outline is to be split; nothing is changed yet.

    Parameters
    ----------
    session : Session
        Is asked only.
    lesion_id, scan_id
        What is split, and where.
    point_mm : Point
        In the part that becomes the new lesion; LPS mm, order (z, y, x).

    Raises
    ------
    InputError
        When there is no outline, or the point lies outside the scan.
    """
    whole = _outlined(session, lesion_id, scan_id)
    session.check_inside(scan_id, point_mm)
    return Cut(whole, session.scan(scan_id), Lesion(session.next_id, clicks=(Click(scan_id, point_mm),)))


def split(session: Session, wanted: Cut, parts: tuple[Finding, Finding]) -> int:
    """Make a part of an outline a lesion of its own, which starts from there, and select it.

    Parameters
    ----------
    session : Session
        Is changed.
    wanted : Cut
        What is split.
    parts : (2,) tuple of Finding
        Its parts.

    Returns
    -------
    int
        Id of the new lesion.

    Raises
    ------
    InputError
        When something has become of the outline or of the lesions since.
    """
    whole, new = wanted.whole, wanted.new
    if session.state.known((whole.lesion, whole.scan)) is not whole or new.id in session.state.lesions:
        msg = f"Lesion {whole.lesion} on {whole.scan} was changed meanwhile: split it again."
        raise InputError(msg)
    with session.action(f"Split lesion {whole.lesion} on {whole.scan}"):
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
