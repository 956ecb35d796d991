"""Outline lesions on one scan, from what readers and registrations say of their place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from napari_longiseg.core.lesion import Click, Finding, Lesion, Origin, Presence
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.core.state import Key
from napari_longiseg.core.timing import Timer
from napari_longiseg.segmentation.base import Prepared, Prior, Segmenter
from napari_longiseg.tracking.correspondence import reconcile
from napari_longiseg.tracking.doubts import jump_of
from napari_longiseg.tracking.findings import Prompt, find, with_mask
from napari_longiseg.tracking.options import TrackOptions
from napari_longiseg.tracking.prompts import clicks_on
from napari_longiseg.tracking.record import PairRecord
from napari_longiseg.tracking.voi import prior_of

BEYOND = 1.5
"""Nine of ten points lie within their uncertainty, nearly all of them within so many times as much."""
DEFAULT_TOLERANCE_MM = 5.0
"""How far a mapped point may lie from the lesion where the registration cannot tell."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One lesion to be outlined on one scan.

    Attributes
    ----------
    lesion : Lesion
        With the prompts of its reader; those on the scan come before any proposal.
    on_source : Finding or None
        The lesion where it was carried from; None where it starts on this very scan.
    proposal : Proposal or None
        Where a registration expects it.
    unaligned : PairRecord or None
        Why no registration expects it anywhere.
    """

    lesion: Lesion
    on_source: Finding | None = None
    proposal: Proposal | None = None
    unaligned: PairRecord | None = None

    def awaits_reader(self, scan: Scan) -> bool:
        """Whether all that is known of its place on a scan is a proposal within it."""
        if self.proposal is None or self.lesion.point_on(scan.id) is not None:
            return False
        return bool(scan.grid.contains(self.proposal.point_mm))


@dataclass(frozen=True, slots=True)
class Outliner:
    """Outlines the lesions of a study with one segmenter.

    Attributes
    ----------
    study : Study
        The scans.
    segmenter : Segmenter
        The engine.
    options : TrackOptions
        How to outline.
    timer : Timer
        Adds up the time of every scan.
    """

    study: Study
    segmenter: Segmenter
    options: TrackOptions
    timer: Timer

    def on_sources(self, starts: Collection[Key], progress: Progress) -> dict[Key, Finding]:
        """Outline lesions on the scans that they start from, by lesion and scan ids.

        Raises
        ------
        SegmentationError, Cancelled
            From the segmenter and from *progress*.
        """
        found: dict[Key, Finding] = {}
        for scan_id in dict.fromkeys(scan_id for _, scan_id in starts):
            scan = self.study.scan(scan_id)
            targets = [Target(lesion) for lesion in self.study.lesions if (lesion.id, scan_id) in starts]
            for finding in reconcile(self.on(scan, targets, progress), scan, {}):
                found[finding.lesion, scan_id] = finding
        return found

    def on(self, scan: Scan, targets: Sequence[Target], progress: Progress) -> list[Finding]:
        """One finding per target, in their order; overlaps are still to be settled.

        Raises
        ------
        SegmentationError, Cancelled
            From the segmenter and from *progress*.
        """
        if not targets:
            return []
        if isinstance(self.segmenter, Prepared):
            self.segmenter.prepare(progress)
        progress(f"Outlining on {scan.id}", 0.0)
        with self.timer.step(f"segment {scan.id}"):
            asked = [self._asked(scan, target) for target in targets]
            prompts = [prompt for prompt in asked if isinstance(prompt, Prompt)]
            outlined = find(scan, prompts, self.segmenter, self.options)
            found = [next(outlined) if isinstance(one, Prompt) else one for one in asked]
        return [_doubted(finding, target) for finding, target in zip(found, targets, strict=True)]

    def _asked(self, scan: Scan, target: Target) -> Prompt | Finding:
        """What to look for, or the finding where there is nothing to look for."""
        draft, lesion, proposal = _draft(scan, target), target.lesion, target.proposal
        outline = lesion.source_mask
        if target.on_source is None and outline is not None and outline.scan == scan.id:
            return with_mask(draft, outline.mask, scan)
        prior = self._prior(target.on_source)
        clicks = clicks_on(lesion, scan.id)
        place = lesion.point_on(scan.id)
        if place is not None:
            draft = replace(draft, origin=Origin.SOURCE, point_mm=place)
            return Prompt(draft, clicks, prior, box=lesion.box_on(scan.id))
        if target.unaligned is not None:
            return _not_evaluable(draft, target.unaligned)
        if proposal is None or not scan.grid.contains(proposal.point_mm):
            return _out_of_view(draft)
        return Prompt(
            draft, (Click(scan.id, proposal.point_mm), *clicks), prior, self._tolerance_mm(proposal)
        )

    def _tolerance_mm(self, proposal: Proposal) -> float:
        known = proposal.uncertainty_mm
        tolerance = DEFAULT_TOLERANCE_MM if known is None else BEYOND * known
        return float(np.clip(tolerance, 2.0, self.options.max_distance_mm))

    def _prior(self, on_source: Finding | None) -> Callable[[], Prior] | None:
        if on_source is None or on_source.mask is None or on_source.point_mm is None:
            return None
        if "prior" not in self.segmenter.info.prompts:
            return None
        source = self.study.scan(on_source.scan)
        return partial(prior_of, source, on_source.mask, on_source.point_mm, self.segmenter.info)


def proposed(finding: Finding | None, start: Key) -> Proposal | None:
    """The proposal that a finding was made from, where it was carried from the same lesion and scan."""
    if finding is None or finding.proposed_mm is None or (finding.lesion, finding.source_scan) != start:
        return None
    return Proposal(
        lesion=finding.lesion,
        scan=finding.scan,
        point_mm=finding.proposed_mm,
        source_scan=finding.source_scan,
        uncertainty_mm=finding.uncertainty_mm,
        registration=finding.registration,
    )


def _draft(scan: Scan, target: Target) -> Finding:
    """What is known before anything is outlined."""
    start, proposal = target.on_source, target.proposal
    draft = Finding(
        lesion=target.lesion.id,
        scan=scan.id,
        presence=Presence.NOT_FOUND,
        origin=Origin.PROPAGATED if start else Origin.SOURCE,
        source_scan=start.scan if start else scan.id,
    )
    return draft if proposal is None else replace(proposal.noted_in(draft), point_mm=proposal.point_mm)


def _out_of_view(draft: Finding) -> Finding:
    reason = f"The lesion's place lies outside scan {draft.scan}."
    return replace(draft, presence=Presence.OUT_OF_VIEW, reason=reason)


def _not_evaluable(draft: Finding, pair: PairRecord) -> Finding:
    return replace(draft, presence=Presence.NOT_EVALUABLE, registration=pair.method, reason=pair.doubt)


def _doubted(finding: Finding, target: Target) -> Finding:
    """A finding says what is doubtful about its size and, where its point was carried over, about that.

    That comes after any reason of its own. A lesion that was not found may, above all, have been looked for
    at the wrong place.
    """
    carried = target.proposal is not None and finding.origin is Origin.PROPAGATED
    doubts = (
        finding.reason,
        jump_of(finding, target.on_source) if target.on_source else "",
        target.proposal.doubt if carried and target.proposal else "",
    )
    return replace(finding, reason=" ".join(filter(None, doubts)))
