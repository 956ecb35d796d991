"""What was asked for, what of it is still owed, and which of what comes is stale; pure values."""

from __future__ import annotations

from collections.abc import Iterable

from napari_longiseg.core.lesion import Finding, Lesion
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Study
from napari_longiseg.core.state import Key, State

Result = Finding | Proposal


_NOTHING = State()


class Request:
    """Lesions to be looked for on scans.

    Parameters
    ----------
    study : Study
        The scans.
    keys : iterable of (int, str)
        Lesion id and scan id of what is asked for.
    outlines : bool
        Whether a proposal is not the end of it.
    clicked : iterable of (int, str), optional
        Where a reader has shown the lesion, so that there must be one.
    asked : State, optional
        What was known when it was asked for.

    Attributes
    ----------
    own : frozenset of (int, str)
        All that was asked for.
    owed : set of (int, str)
        What has not come yet, and was not asked for again since.
    state : State
        What was known when the work began.
    outlines : bool
        As given.
    """

    def __init__(
        self,
        study: Study,
        keys: Iterable[Key],
        *,
        outlines: bool,
        clicked: Iterable[Key] = (),
        asked: State = _NOTHING,
    ) -> None:
        self.study = study
        self.own = frozenset(keys)
        self.owed = set(self.own)
        self.state = State()
        self.outlines = outlines
        self._clicked = frozenset(clicked)
        self._asked = asked
        self._brought: dict[Key, Result] = {}

    @property
    def lesions(self) -> frozenset[int]:
        """Ids of the lesions that something was asked of."""
        return frozenset(lesion for lesion, _ in self.own)

    def begin(self, state: State) -> tuple[Study, tuple[Finding, ...]]:
        """Take what is known now as what the work goes by.

        Returns
        -------
        Study
            The scans with the lesions that still exist.
        tuple of Finding
            All that are known, but for those that a reader's click shall change.
        """
        self.state = state
        ids = sorted(self.lesions & state.lesions.keys())
        changed = self._clicked - self._brought.keys()
        known = tuple(finding for key, finding in state.findings.items() if key not in changed)
        return self.study.with_lesions(tuple(state.lesions[i] for i in ids)), known

    def proposals(self, keys: Iterable[Key]) -> list[Proposal]:
        """Those to be outlined: none that was taken back or moved between the request and the work.

        Where a prompt was to be outlined that was taken back, nobody has accepted the point.
        """
        then, now = self._asked.proposals, self.state.proposals
        accepted = [key for key in keys if key in now and key not in self._clicked]
        return [now[key] for key in accepted if then.get(key) is now[key]]

    def supersede(self, keys: Iterable[Key]) -> bool:
        """Others bring these from now on; whether nothing is owed any more."""
        self.owed.difference_update(keys)
        return not self.owed

    def hits_nothing(self, result: Result) -> bool:
        """Whether this is what came of a reader's click, and there is no lesion."""
        clicked = (result.lesion, result.scan) in self._clicked
        return clicked and isinstance(result, Finding) and result.mask is None

    def refuse(self, finding: Finding) -> bool:
        """Owe it no more, on no scan where its source was asked for, too; whether nothing is owed now."""
        lesion = self.state.lesions[finding.lesion]
        everywhere = (lesion.id, lesion.source_scan) in self.own
        of_lesion = [key for key in self.owed if key[0] == lesion.id]
        return self.supersede([key for key in of_lesion if everywhere or key[1] == finding.scan])

    def settle(self, result: Result) -> None:
        """Something that was owed, or changed by it, has come."""
        key = result.lesion, result.scan
        self._brought[key] = result
        if isinstance(result, Finding) or not self.outlines:
            self.owed.discard(key)

    def is_stale(self, result: Result, now: State) -> bool:
        """Whether a result is of no use any more.

        That is where another request brings it, where the prompts that it goes by have changed since the
        work began, or where a reader has decided on that very lesion and scan meanwhile.
        """
        key = result.lesion, result.scan
        then, today = self.state.lesions.get(result.lesion), now.lesions.get(result.lesion)
        if then is None or today is None or (key in self.own and key not in self.owed):
            return True
        if _prompts(then, result.scan) != _prompts(today, result.scan):
            return True
        before, current = self.state.known(key), now.known(key)
        ours = current is self._brought.get(key, before)
        if key not in self.own:  # the neighbour of something that was found
            return not ours or isinstance(result, Proposal)
        return not ours and (not isinstance(current, Finding) or current.is_reviewed)


def _prompts(lesion: Lesion, scan_id: str) -> tuple[object, ...]:
    """What a method goes by for one scan: what readers have shown there and on the source scan."""
    source = lesion.source_scan
    scans = {scan_id, source}
    return (
        source,
        tuple(click for click in lesion.clicks if click.scan in scans),
        tuple(box for box in lesion.boxes if box.scan in scans),
        lesion.source_mask,
    )
