"""What a reader does with a lesion on a scan. Each is one step of undo, or refused with a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import Finding, Lesion, Presence, Review
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.state import Key
from napari_longiseg.session._outlines import Cut, cut, gap_mm, merge, redraw, split
from napari_longiseg.session._prompts import move_point, reset, set_box
from napari_longiseg.session._verdicts import mark_new, not_evaluable, resolve
from napari_longiseg.session.session import Session

__all__ = [
    "Cut",
    "accept",
    "cut",
    "gap_mm",
    "is_unreviewed",
    "mark_new",
    "merge",
    "move_point",
    "next_unreviewed",
    "not_evaluable",
    "recolour",
    "redraw",
    "reset",
    "resolve",
    "set_box",
    "split",
]

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def accept(session: Session, lesion_id: int, scan_id: str) -> None:
    """Agree with a finding; one that was edited stays so, for that says as much.

    A lesion that a method has not found is gone when a reader agrees: resolved, as in RECIST.

    Raises
    ------
    InputError
        When nothing was found there yet, for a proposal is no finding; as :func:`resolve` where it was not
        found.
    """
    finding = session.found(lesion_id, scan_id)
    if finding.review is not Review.PROPOSED:
        return
    if finding.presence is Presence.NOT_FOUND:
        resolve(session, lesion_id, scan_id)
    else:
        with session.action(f"Accept lesion {lesion_id} on {scan_id}"):
            session.set_known(replace(finding, review=Review.ACCEPTED))


def recolour(session: Session, lesion_id: int, colour: str) -> None:
    """Give a lesion another colour, ``#rrggbb``; empty for the palette's.

    Raises
    ------
    InputError
        When that is no colour.
    """
    lesion = session.lesion(lesion_id)
    if colour and not COLOUR.fullmatch(colour):
        msg = f"A colour must be written like #ff8800, not {colour!r}."
        raise InputError(msg)
    if colour.lower() != lesion.colour:
        with session.action(f"Recolour lesion {lesion_id}"):
            session.set_lesion(replace(lesion, colour=colour.lower()))


def next_unreviewed(
    session: Session,
    after: Key | None,
    *,
    finish: bool = False,
    passed_over: Callable[[Key], bool] = lambda _: False,
) -> Key | None:
    """Where a reader has something to look at next: lesion by lesion, its source first, then scans by date.

    Parameters
    ----------
    session : Session
        Is asked only.
    after : (int, str) or None
        Lesion and scan after which to look, round and round; None begins with the first.
    finish : bool
        What is left of the same lesion, also on scans before, comes first.
    passed_over : callable
        Says where not to go.

    Returns
    -------
    (int, str) or None
        A finding that was neither accepted nor edited, or a proposed point; None where all is reviewed.
    """
    order = [(lesion.id, scan) for lesion in session.lesions for scan in _source_first(session, lesion)]
    if after in order:
        start = order.index(after) + 1
    else:
        start = sum(key[0] <= after[0] for key in order) if after else 0
    turned = order[start:] + order[:start]
    if finish and after is not None:
        turned.sort(key=lambda key: key[0] != after[0])
    left = (key for key in turned if is_unreviewed(session.state.known(key)))
    return next((key for key in left if not passed_over(key)), None)


def is_unreviewed(known: Finding | Proposal | None) -> bool:
    """Whether a reader has still to look at it; where a point was accepted, at what is outlined then."""
    return isinstance(known, Proposal) or (known is not None and not known.is_reviewed)


def _source_first(session: Session, lesion: Lesion) -> list[str]:
    ids = [scan.id for scan in session.study.scans] if session.study else []
    return sorted(ids, key=lambda scan_id: scan_id != lesion.source_scan)
