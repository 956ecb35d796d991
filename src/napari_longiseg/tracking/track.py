"""LinGuinE: from one click or outline, find and outline a lesion on every scan of a study."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from napari_longiseg.core.errors import InputError, RegistrationError
from napari_longiseg.core.geometry import as_point
from napari_longiseg.core.lesion import Click, Finding, Lesion, Origin, Presence
from napari_longiseg.core.progress import Progress, scaled, silent
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.core.timing import Timer
from napari_longiseg.registration.base import Registration, bound_to
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.segmentation.base import Prior, Segmenter
from napari_longiseg.tracking.correspondence import reconcile
from napari_longiseg.tracking.findings import Prompt, find, with_mask
from napari_longiseg.tracking.options import TrackOptions
from napari_longiseg.tracking.pairs import PairMaps
from napari_longiseg.tracking.prompts import check_prompts, source_id
from napari_longiseg.tracking.record import PairRecord
from napari_longiseg.tracking.voi import prior_of

BEYOND = 1.5
"""Nine of ten points lie within their uncertainty, nearly all of them within so many times as much."""
DEFAULT_TOLERANCE_MM = 5.0
"""How far a mapped point may lie from the lesion where the registration cannot tell."""


@dataclass
class Tracker:
    """Propagates lesions through studies with one registration and one segmenter.

    Attributes
    ----------
    registration, segmenter
        Any method behind the protocols.
    options : TrackOptions
        How to propagate.
    cache : RegistrationCache
        Share one between trackers so that a pair is aligned once.
    timer : Timer
        Adds up the time of every step.
    registrations : mapping
        How the pairs of scans of the last run were aligned, by (source, target).
    """

    registration: Registration
    segmenter: Segmenter
    options: TrackOptions = field(default_factory=TrackOptions)
    cache: RegistrationCache = field(default_factory=RegistrationCache)
    timer: Timer = field(default_factory=Timer)
    registrations: dict[tuple[str, str], PairRecord] = field(default_factory=dict)

    def track(
        self, study: Study, progress: Progress = silent, known: Sequence[Finding] = ()
    ) -> Iterator[Finding]:
        """Find every lesion of the study on every scan.

        Findings come scan by scan as they are ready: the scans that lesions start from first, then the
        others in the order of distance in time. Every lesion x scan pair comes exactly once.

        Parameters
        ----------
        study : Study
            With the lesions to track.
        progress : Progress
            Hears the stage and the fraction done.
        known : sequence of Finding
            What is known of other lesions. Where one overlaps a new finding, both are settled, and the
            changed one comes out again, too. Those that a reader has verified may correct the maps.

        Raises
        ------
        InputError
            When a lesion has no prompt to start from, a click lies outside its scan, or the registration
            cannot use what it needs of the study.
        RegistrationError
            When no two scans could be aligned; where only some could not, the findings that needed it are
            not evaluable, and say why.
        SegmentationError
            From the segmenter.
        """
        check_prompts(study, self.options)
        method = bound_to(self.registration, study)
        self.registrations = {}
        by_source: dict[str, list[Lesion]] = {}
        for lesion in study.lesions:
            by_source.setdefault(source_id(lesion, self.options), []).append(lesion)
        on_source: dict[int, Finding] = {}
        for start, lesions in by_source.items():
            progress(f"Outlining on {start}", 0.0)
            on_source |= self._on_source(study.scan(start), lesions)
        maps = PairMaps.of(method, self.cache, study, self.options, (*on_source.values(), *known))
        scans = _sources_first(study, by_source) if by_source else []
        failures: list[RegistrationError] = []
        for number, scan in enumerate(scans):
            part = scaled(progress, number / len(scans), (number + 1) / len(scans))
            found = [finding for finding in on_source.values() if finding.scan == scan.id]
            others = [start for start in by_source if start != scan.id]
            for k, start in enumerate(others):
                share = scaled(part, k / len(others), (k + 1) / len(others))
                source, lesions = study.scan(start), by_source[start]
                try:
                    found += self._on_target(source, scan, lesions, on_source, maps, share)
                except RegistrationError as error:
                    if not all(_is_clicked(lesion, scan) for lesion in lesions):
                        failures.append(error)
                    found += self._unaligned(source, scan, lesions, str(error))
            yield from _settled(found, [f for f in known if f.scan == scan.id], scan, on_source)
        if failures and len(failures) == len(self.registrations):
            raise failures[0]
        progress("Done", 1.0)

    def _on_source(self, source: Scan, lesions: Sequence[Lesion]) -> dict[int, Finding]:
        with self.timer.step(f"segment {source.id}"):
            found = {
                lesion.id: with_mask(_draft(lesion, source, source, Origin.SOURCE), mask.mask, source)
                for lesion in lesions
                if (mask := lesion.source_mask) and mask.scan == source.id
            }
            clicked = [lesion for lesion in lesions if lesion.id not in found]
            prompts = [
                _clicked(lesion, source, _draft(lesion, source, source, Origin.SOURCE)) for lesion in clicked
            ]
            for finding in find(source, prompts, self.segmenter, self.options):
                found[finding.lesion] = finding
            ordered = [found[lesion.id] for lesion in lesions]
            return {finding.lesion: finding for finding in reconcile(ordered, source, {})}

    def _on_target(
        self,
        source: Scan,
        target: Scan,
        lesions: Sequence[Lesion],
        on_source: dict[int, Finding],
        maps: PairMaps,
        progress: Progress,
    ) -> list[Finding]:
        """Findings of all lesions of one source on one other scan."""
        with self.timer.step(f"register {source.id} to {target.id}"):
            record = maps.align(source, target, scaled(progress, 0.0, 0.8))
        self.registrations[source.id, target.id] = record
        prompts, findings = [], []
        for number, lesion in enumerate(lesions):
            part = scaled(
                progress, 0.8 + 0.1 * number / len(lesions), 0.8 + 0.1 * (number + 1) / len(lesions)
            )
            part(f"Carrying lesion {lesion.id} to {target.id}", 0.0)
            with self.timer.step(f"refine {source.id} to {target.id}"):
                prompt = self._prompt(lesion, source, target, on_source[lesion.id], maps, part)
            if isinstance(prompt, Finding):
                findings.append(prompt)
            else:
                prompts.append(prompt)
        progress(f"Outlining on {target.id}", 0.9)
        with self.timer.step(f"segment {target.id}"):
            findings += find(target, prompts, self.segmenter, self.options)
        return [_doubted(finding, record.doubt) for finding in findings]

    def _unaligned(self, source: Scan, target: Scan, lesions: Sequence[Lesion], reason: str) -> list[Finding]:
        """Findings on a scan that could not be aligned; what readers clicked there is outlined as ever."""
        name = self.registration.name
        self.registrations[source.id, target.id] = PairRecord(source.id, target.id, name, "", reason)
        drafts = {lesion.id: _draft(lesion, target, source, Origin.PROPAGATED) for lesion in lesions}
        prompts = [
            _clicked(lesion, target, drafts.pop(lesion.id))
            for lesion in lesions
            if _is_clicked(lesion, target)
        ]
        with self.timer.step(f"segment {target.id}"):
            found = list(find(target, prompts, self.segmenter, self.options))
        return [
            *found,
            *(
                replace(draft, presence=Presence.NOT_EVALUABLE, registration=name, reason=reason)
                for draft in drafts.values()
            ),
        ]

    def _prompt(
        self,
        lesion: Lesion,
        source: Scan,
        target: Scan,
        on_source: Finding,
        maps: PairMaps,
        progress: Progress,
    ) -> Prompt | Finding:
        """What to look for on the target, or the finding where the point leaves the scan."""
        if on_source.point_mm is None:
            msg = f"Lesion {lesion.id} has no point on {source.id}."
            raise InputError(msg)
        near = maps.near(lesion.id, source, target, on_source.point_mm, progress)
        proposed = as_point(near([on_source.point_mm])[0])
        uncertainty = float(near.uncertainty_mm([on_source.point_mm])[0])
        draft = replace(
            _draft(lesion, target, source, Origin.PROPAGATED),
            point_mm=proposed,
            proposed_mm=proposed,
            uncertainty_mm=None if np.isnan(uncertainty) else uncertainty,
            registration=self.registration.name,
        )
        prior = self._prior(source, on_source)
        if _is_clicked(lesion, target):
            return _clicked(lesion, target, draft, prior)
        if not target.grid.contains(proposed):
            return _out_of_view(draft)
        clicks = (Click(target.id, proposed), *lesion.clicks_on(target.id))
        tolerance = DEFAULT_TOLERANCE_MM if np.isnan(uncertainty) else BEYOND * uncertainty
        return Prompt(draft, clicks, prior, float(np.clip(tolerance, 2.0, self.options.max_distance_mm)))

    def _prior(self, source: Scan, on_source: Finding) -> Callable[[], Prior] | None:
        if on_source.mask is None or on_source.point_mm is None:
            return None
        if "prior" not in self.segmenter.info.prompts:
            return None
        return partial(prior_of, source, on_source.mask, on_source.point_mm, self.segmenter.info)


def _draft(lesion: Lesion, scan: Scan, source: Scan, origin: Origin) -> Finding:
    return Finding(
        lesion=lesion.id,
        scan=scan.id,
        presence=Presence.NOT_FOUND,
        origin=origin,
        source_scan=source.id,
    )


def _is_clicked(lesion: Lesion, scan: Scan) -> bool:
    """Whether a reader has said where the lesion is on a scan."""
    return any(click.positive for click in lesion.clicks_on(scan.id))


def _clicked(lesion: Lesion, scan: Scan, draft: Finding, prior: Callable[[], Prior] | None = None) -> Prompt:
    """The prompt where a reader clicked on the scan: their clicks, whatever a registration says."""
    clicks = lesion.clicks_on(scan.id)
    first = next(click.point_mm for click in clicks if click.positive)
    return Prompt(replace(draft, origin=Origin.SOURCE, point_mm=first), clicks, prior)


def _out_of_view(draft: Finding) -> Finding:
    reason = f"The lesion's place lies outside scan {draft.scan}."
    return replace(draft, presence=Presence.OUT_OF_VIEW, reason=reason)


def _doubted(finding: Finding, doubt: str) -> Finding:
    """A finding whose point was carried over says what is doubtful about that, after any reason of its own.

    A lesion that was not found, above all: it may have been looked for at the wrong place.
    """
    if not doubt or finding.origin is not Origin.PROPAGATED:
        return finding
    return replace(finding, reason=f"{finding.reason} {doubt}".strip())


def _settled(
    found: Sequence[Finding], known: Sequence[Finding], scan: Scan, on_source: Mapping[int, Finding]
) -> list[Finding]:
    """The findings of one scan without overlaps, and what else changed by that, by lesion id."""
    ours = {finding.lesion for finding in found}
    before = {finding.lesion: finding for finding in known if finding.lesion not in ours}
    source_ml = {i: f.measurements.volume_ml for i, f in on_source.items() if f.measurements}
    both = sorted([*found, *before.values()], key=lambda f: f.lesion)
    return [f for f in reconcile(both, scan, source_ml) if f is not before.get(f.lesion)]


def _sources_first(study: Study, sources: Collection[str]) -> list[Scan]:
    """The sources, then the scans nearest in time to one: by date where all have one, else by order."""
    position = {scan.id: number for number, scan in enumerate(study.scans)}
    dated = all(scan.date for scan in study.scans)

    def distance(scan: Scan, source: Scan) -> tuple[int, int]:
        steps = abs(position[scan.id] - position[source.id])
        if not dated or scan.date is None or source.date is None:
            return steps, steps
        return abs((scan.date - source.date).days), steps

    starts = [study.scan(source) for source in sources]
    first = [scan for scan in study.scans if scan.id in sources]
    rest = [scan for scan in study.scans if scan.id not in sources]
    return first + sorted(rest, key=lambda scan: min(distance(scan, start) for start in starts))
