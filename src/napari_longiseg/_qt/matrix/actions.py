"""What a reader can ask for in the matrix."""

from __future__ import annotations

from enum import StrEnum

from napari_longiseg.core.lesion import Finding, Origin, Presence
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.session.review import is_unreviewed


class Action(StrEnum):
    """What is to be done with a lesion, or with what is known of it on a scan."""

    GO = "go"
    ACCEPT = "accept"
    RESET = "reset"
    RESOLVED = "resolved"
    NOT_EVALUABLE = "not_evaluable"
    NEW = "new"
    MERGE = "merge"
    SPLIT = "split"
    RENAME = "rename"
    RECOLOUR = "recolour"
    TRACK = "track"
    REMOVE = "remove"


ON_SCAN = {
    Action.GO: "Go there",
    Action.ACCEPT: "Accept",
    Action.RESET: "Find it again",
    Action.RESOLVED: "Mark as resolved",
    Action.NOT_EVALUABLE: "Mark as not evaluable",
    Action.NEW: "Mark as new",
    Action.MERGE: "Merge with…",
    Action.SPLIT: "Split…",
}
"""The menu of a cell."""

ON_NAME = {
    Action.RENAME: "Rename",
    Action.RECOLOUR: "Colour…",
    Action.TRACK: "Track again",
    Action.REMOVE: "Remove",
}
"""The menu of a lesion's name."""


def possible(known: Finding | Proposal | None) -> frozenset[Action]:
    """What can be done with what is known of a lesion on a scan."""
    actions = {Action.GO}
    if known is None:
        return frozenset(actions)
    if is_unreviewed(known):
        actions.add(Action.ACCEPT)
    presence = known.presence if isinstance(known, Finding) else None
    if presence is not Presence.RESOLVED:
        actions.add(Action.RESOLVED)
    if presence is not Presence.NOT_EVALUABLE:
        actions.add(Action.NOT_EVALUABLE)
    if isinstance(known, Finding):
        actions.add(Action.RESET)
        if known.mask is not None:
            actions |= {Action.MERGE, Action.SPLIT}
            if known.origin is not Origin.NEW:
                actions.add(Action.NEW)
    return frozenset(actions)
