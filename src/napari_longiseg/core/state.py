"""What is known of a study's lesions at one moment, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from napari_longiseg.core.lesion import Finding, Lesion, Presence, Review
from napari_longiseg.core.proposal import Proposal

Key = tuple[int, str]
"""Lesion id and scan id."""

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Lesions, and what is known of each on each scan. Never changed: every change makes another one.

    Attributes
    ----------
    lesions : mapping
        Id to lesion.
    findings, proposals : mapping
        (lesion id, scan id) to what was found there, or to where it is expected; at most one of the two.
    """

    lesions: Mapping[int, Lesion] = field(default_factory=dict)
    findings: Mapping[Key, Finding] = field(default_factory=dict)
    proposals: Mapping[Key, Proposal] = field(default_factory=dict)

    def with_lesion(self, lesion: Lesion) -> State:
        """With this lesion, in place of one with its id."""
        return replace(self, lesions={**self.lesions, lesion.id: lesion})

    def without_lesion(self, lesion_id: int) -> State:
        """Without a lesion and all that was known of it; nothing else points to it any more."""
        findings = {
            key: _released(found, lesion_id) for key, found in self.findings.items() if key[0] != lesion_id
        }
        proposals = {key: found for key, found in self.proposals.items() if key[0] != lesion_id}
        return State(_without(self.lesions, lesion_id), findings, proposals)

    def with_known(self, known: Finding | Proposal) -> State:
        """With this finding or proposal, in place of what was known of the lesion on the scan."""
        key = known.lesion, known.scan
        clean = self.without_known(key)
        if isinstance(known, Finding):
            return replace(clean, findings={**clean.findings, key: known})
        return replace(clean, proposals={**clean.proposals, key: known})

    def without_known(self, key: Key) -> State:
        """With nothing known of a lesion on a scan."""
        return State(self.lesions, _without(self.findings, key), _without(self.proposals, key))

    def known(self, key: Key) -> Finding | Proposal | None:
        """What was found of a lesion on a scan, else where it is expected."""
        return self.findings.get(key) or self.proposals.get(key)

    def differences(self, other: State) -> set[Key]:
        """Where two states know different things."""
        keys = {*self.findings, *self.proposals, *other.findings, *other.proposals}
        return {key for key in keys if self.known(key) is not other.known(key)}


def _released(finding: Finding, lesion_id: int) -> Finding:
    """A finding that neither was merged into a lesion, nor split from it, for the lesion is no more."""
    if finding.merged_into == lesion_id:
        return replace(
            finding,
            presence=Presence.NOT_EVALUABLE,
            review=Review.PROPOSED,
            merged_into=None,
            reason=f"It was measured with lesion {lesion_id}, which was removed: look for it again.",
        )
    return replace(finding, split_from=None) if finding.split_from == lesion_id else finding


def _without(mapping: Mapping[K, V], key: K) -> Mapping[K, V]:
    return {k: v for k, v in mapping.items() if k != key} if key in mapping else mapping
