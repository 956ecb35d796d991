"""What a reader says of a lesion on a scan, whatever a method has found: gone, not evaluable, new."""

from __future__ import annotations

from dataclasses import replace

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import Finding, Lesion, Origin, Presence, Review
from napari_longiseg.core.state import Key
from napari_longiseg.session.session import Session

GONE = "Gone, says the reader."


def resolve(session: Session, lesion_id: int, scan_id: str) -> None:
    """Say that a lesion is gone on a scan; where a method has not found it, its reason is kept.

    Raises
    ------
    InputError
        When it starts from this scan, or from none, or another lesion is measured with it there.
    """
    if session.lesion(lesion_id).source_scan == scan_id:
        msg = f"Lesion {lesion_id} starts on {scan_id} and cannot be gone there: remove the lesion instead."
        raise InputError(msg)
    known = session.finding(lesion_id, scan_id)
    not_found = known is not None and known.presence is Presence.NOT_FOUND and not known.is_reviewed
    reason = f"{GONE} {known.reason}".strip() if known is not None and not_found else GONE
    _say(session, (lesion_id, scan_id), Presence.RESOLVED, reason, "is gone")


def not_evaluable(session: Session, lesion_id: int, scan_id: str) -> None:
    """Say that nobody can tell anything of a lesion on a scan.

    Raises
    ------
    InputError
        When the lesion starts from no scan yet, or another one is measured with it there.
    """
    reason = "Not evaluable, says the reader."
    _say(session, (lesion_id, scan_id), Presence.NOT_EVALUABLE, reason, "is not evaluable")


def mark_new(session: Session, lesion_id: int, scan_id: str) -> None:
    """Say that a lesion appears on this scan first.

    On earlier scans it was not there yet; where a reader has reviewed it on one of them, that stays as it is.

    Raises
    ------
    InputError
        When it has no outline on this scan, or has a prompt on an earlier one.
    """
    finding = session.found(lesion_id, scan_id)
    if finding.mask is None:
        msg = f"Lesion {lesion_id} has no outline on {scan_id}; one that is new there needs one."
        raise InputError(msg)
    lesion = session.lesion(lesion_id)
    with session.action(f"Lesion {lesion_id} is new on {scan_id}"):
        for earlier in _scans_before(session, scan_id):
            known = session.finding(lesion_id, earlier)
            if known is not None and known.is_reviewed:
                continue
            _check_unprompted(lesion, earlier, scan_id)
            reason = f"Not there yet: new on {scan_id}."
            session.set_known(_as_said(session, (lesion_id, earlier), Presence.NOT_FOUND, reason))
        session.set_known(replace(finding, origin=Origin.NEW))


def _scans_before(session: Session, scan_id: str) -> list[str]:
    ids = [scan.id for scan in session.study.scans] if session.study else []
    return ids[: ids.index(scan_id)]


def _check_unprompted(lesion: Lesion, scan_id: str, new_on: str) -> None:
    """Refuse a lesion that a reader has shown on an earlier scan."""
    outlined = lesion.source_mask is not None and lesion.source_mask.scan == scan_id
    if outlined or lesion.point_on(scan_id) is not None:
        msg = (
            f"Lesion {lesion.id} cannot be new on {new_on}: it was marked on {scan_id} before; "
            "take that back first."
        )
        raise InputError(msg)


def _say(session: Session, key: Key, presence: Presence, reason: str, what: str) -> None:
    """Put what a reader says in the place of what was known, unless it is known already."""
    lesion_id, scan_id = key
    session.scan(scan_id)
    for other in session.findings_on(scan_id):
        if other.merged_into == lesion_id:
            msg = (
                f"Lesion {other.lesion} is measured with lesion {lesion_id} on {scan_id}: "
                f"reset lesion {other.lesion} there first."
            )
            raise InputError(msg)
    said = _as_said(session, key, presence, reason)
    known = session.finding(*key)
    if known is None or (known.presence, known.review) != (presence, said.review):
        with session.action(f"Lesion {lesion_id} {what} on {scan_id}"):
            session.set_known(said)


def _as_said(session: Session, key: Key, presence: Presence, reason: str) -> Finding:
    """A finding without outline; where it was looked for, and how, is kept."""
    return replace(
        _draft(session, key),
        presence=presence,
        review=Review.ACCEPTED,
        mask=None,
        measurements=None,
        confidence=None,
        merged_into=None,
        reason=reason,
    )


def _draft(session: Session, key: Key) -> Finding:
    """What is known of a lesion on a scan, as a finding."""
    known = session.state.known(key)
    if isinstance(known, Finding):
        return known
    source = known.source_scan if known else session.lesion(key[0]).source_scan
    if source is None:
        msg = f"Lesion {key[0]} starts nowhere yet: click it on one of the scans first."
        raise InputError(msg)
    draft = Finding(*key, Presence.NOT_FOUND, Origin.PROPAGATED, source, point_mm=session.point_on(*key))
    return draft if known is None else known.noted_in(draft)
