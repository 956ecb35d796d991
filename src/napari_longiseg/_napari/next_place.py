"""Where a reader is taken next, and what is said where there is nothing to look at; a pure function."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from napari_longiseg.core.state import Key
from napari_longiseg.session import Session, review


@dataclass(frozen=True, slots=True)
class NextPlace:
    """Where to go, or stay where that is None, and one sentence where one is needed."""

    key: Key | None
    sentence: str = ""


def hidden_text(scan_id: str) -> str:
    """What became of a scan whose layers the reader has removed."""
    return f"{scan_id} is shown no more; open the study again to bring it back."


def next_place(
    session: Session,
    current: Key | None,
    *,
    finish: bool,
    hidden: Collection[str],
    waiting: Collection[Key],
) -> NextPlace:
    """Find what can be looked at next, else where something is about to come.

    Parameters
    ----------
    session : Session
        Is asked only.
    current : (int, str) or None
        The lesion and the scan under review.
    finish : bool
        What is left of the same lesion comes first.
    hidden : collection of str
        Scans that are not shown: nobody could look there.
    waiting : collection of (int, str)
        Where something is being outlined, so that it is no use to look yet.
    """

    def found(*, waiting: Collection[Key] = (), hidden: Collection[str] = ()) -> Key | None:
        def passed_over(key: Key) -> bool:
            return key in waiting or key[1] in hidden

        return review.next_unreviewed(session, current, finish=finish, passed_over=passed_over)

    if there := found(waiting=waiting, hidden=hidden):
        return NextPlace(there if there != current else None)
    if there := found(hidden=hidden):
        stays = current in waiting
        return NextPlace(None if stays else there, "All else is reviewed: wait for what is being outlined.")
    if there := found():
        return NextPlace(None, f"All is reviewed but what lies on {there[1]}. {hidden_text(there[1])}")
    return NextPlace(None, "All that was found is reviewed.")
