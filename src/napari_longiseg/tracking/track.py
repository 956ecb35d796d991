"""LinGuinE: from one click or outline, find and outline a lesion on every scan of a study."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from napari_longiseg.core.lesion import Finding
from napari_longiseg.core.progress import Progress, scaled, silent
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.core.state import Key
from napari_longiseg.core.timing import Timer
from napari_longiseg.registration.base import Registration, bound_to
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.segmentation.base import Segmenter
from napari_longiseg.tracking.carry import Carrier, Start, sources_first
from napari_longiseg.tracking.correspondence import settled
from napari_longiseg.tracking.options import TrackOptions
from napari_longiseg.tracking.outline import Outliner, Target, proposed
from napari_longiseg.tracking.pairs import PairMaps
from napari_longiseg.tracking.prompts import check_prompts, source_id, starts_of
from napari_longiseg.tracking.record import PairRecord


@dataclass
class Tracker:
    """Propagates lesions through studies with one registration and one segmenter.

    :meth:`track` does it at one go; :meth:`propose` and :meth:`outline` in steps, with a reader in between.

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
            When a lesion has no prompt to start from, a click or box lies outside its scan, or a method
            cannot use what it needs of the study.
        RegistrationError
            When no two scans could be aligned; where only some could not, the findings that needed it are
            not evaluable, and say why.
        SegmentationError
            From the segmenter.
        """
        starts = {lesion.id: source_id(lesion, self.options) for lesion in study.lesions}
        outliner = self._outliner(study)
        for scan, on_source, targets, part in self._carried(outliner, starts, progress, known, {}, ()):
            found = [finding for finding in on_source if finding.scan == scan.id]
            found += outliner.on(scan, targets, part)
            yield from settled(found, known, scan, on_source)

    def propose(
        self, study: Study, progress: Progress = silent, known: Sequence[Finding] = ()
    ) -> Iterator[Finding | Proposal]:
        """Outline every lesion on the scan that it starts from, and say where to expect it on the others.

        Scan by scan, in the order of :meth:`track`, comes one value for each lesion: a finding on its source
        scan, where a reader has clicked or boxed it, where its point is out of view and where the scans
        could not be aligned; a proposal elsewhere.

        Parameters
        ----------
        study : Study
            With the lesions to look for.
        progress : Progress
            Hears the stage and the fraction done.
        known : sequence of Finding
            What is known of any lesions. One that is outlined on its source scan, or was edited there, is not
            outlined there again: leave out what newer clicks have made untrue. Nothing comes for what a
            reader has accepted or edited, unless a lesion that was clicked beside it takes a part of it.
            Other lesions are as in :meth:`track`.

        Raises
        ------
        InputError, RegistrationError, SegmentationError
            As :meth:`track`.
        """
        ids = {lesion.id for lesion in study.lesions}
        kept = {(f.lesion, f.scan): f for f in known if f.is_reviewed and f.lesion in ids}
        valid = [f for f in known if f.lesion not in ids or f.is_reviewed]
        starts = {lesion.id: source_id(lesion, self.options, known) for lesion in study.lesions}
        taken = _usable(known, starts.items())
        outliner = self._outliner(study)
        for scan, on_source, targets, part in self._carried(outliner, starts, progress, valid, taken, kept):
            found = [finding for finding in on_source if finding.scan == scan.id]
            waiting = [target for target in targets if target.awaits_reader(scan)]
            found += outliner.on(scan, [target for target in targets if target not in waiting], part)
            for finding in settled(found, valid, scan, on_source):
                if finding is not kept.get((finding.lesion, finding.scan)):
                    yield finding
            yield from (target.proposal for target in waiting if target.proposal)

    def outline(
        self,
        study: Study,
        proposals: Sequence[Proposal],
        scans: Collection[Key] = (),
        progress: Progress = silent,
        known: Sequence[Finding] = (),
    ) -> Iterator[Finding]:
        """Outline lesions where they are expected, or where a reader has shown them, and nowhere else.

        Nothing is registered.

        Parameters
        ----------
        study : Study
            With the lesions.
        proposals : sequence of Proposal
            Where to look. A reader's click or box on the same scan comes before the proposal.
        scans : collection of (int, str)
            Lesion and scan ids: where a reader has clicked or boxed the lesion on that very scan.
        progress : Progress
            Hears the stage and the fraction done.
        known : sequence of Finding
            What is known of any lesions. A lesion is compared with its finding on its source scan; where
            there is none, it is outlined there first, and that finding comes, too. Other lesions on the
            scans are as in :meth:`track`.

        Raises
        ------
        InputError
            When the study has no such lesion or scan, a reader has shown nothing on one of *scans*, or a
            click or box lies outside its scan.
        SegmentationError
            From the segmenter.
        """
        wanted: dict[Key, Proposal | None] = dict.fromkeys(scans)
        wanted |= {(proposal.lesion, proposal.scan): proposal for proposal in proposals}
        starts = starts_of(study, wanted, self.options, known)
        asked = {lesion_id for lesion_id, _ in wanted}
        lesions = {lesion.id: lesion for lesion in study.lesions if lesion.id in asked}
        again = {start for key, start in starts.items() if key == start}
        taken = _usable([f for f in known if (f.lesion, f.scan) not in again], starts.values())
        missing = [start for start in dict.fromkeys(starts.values()) if start not in taken]
        outliner = self._outliner(study.with_lesions(tuple(lesions.values())))
        check_prompts(outliner.study, missing, self.segmenter.info)
        new = outliner.on_sources(missing, progress)
        on_source = taken | new
        before = {(f.lesion, f.scan): f for f in known}
        order = dict.fromkeys(scan_id for _, scan_id in (*missing, *wanted))
        for number, scan_id in enumerate(order):
            part = scaled(progress, number / len(order), (number + 1) / len(order))
            scan = study.scan(scan_id)
            targets = [
                Target(lesions[key[0]], on_source[start], wanted[key] or proposed(before.get(key), start))
                for key, start in starts.items()
                if key[1] == scan_id and key != start
            ]
            found = [finding for finding in new.values() if finding.scan == scan_id]
            found += outliner.on(scan, targets, part)
            yield from settled(found, known, scan, on_source.values())
        progress("Done", 1.0)

    def _outliner(self, study: Study) -> Outliner:
        return Outliner(study, self.segmenter, self.options, self.timer)

    def _carried(
        self,
        outliner: Outliner,
        starts: Mapping[int, str],
        progress: Progress,
        known: Sequence[Finding],
        taken: Mapping[Key, Finding],
        kept: Collection[Key],
    ) -> Iterator[tuple[Scan, list[Finding], list[Target], Progress]]:
        """Scan by scan: all lesions on their source scans, what to expect of others here, and who hears it.

        *starts* says where each lesion starts; *taken* are findings there that need not be made anew, *kept*
        are the lesions and scans to leave alone.
        """
        study = outliner.study
        missing = [key for key in starts.items() if key not in taken]
        check_prompts(study, missing, self.segmenter.info)
        method = bound_to(self.registration, study)
        self.registrations = {}
        outlined = {**outliner.on_sources(missing, progress), **taken}
        on_source = [outlined[key] for key in starts.items()]
        maps = PairMaps.of(method, self.cache, study, self.options, (*known, *on_source))
        carrier = Carrier(maps, self.timer, self.registrations)
        by_source: dict[str, list[Start]] = {}
        for lesion, finding in zip(study.lesions, on_source, strict=True):
            by_source.setdefault(finding.scan, []).append(Start(lesion, finding))
        scans = sources_first(study, by_source)
        for number, scan in enumerate(scans):
            part = scaled(progress, number / len(scans), (number + 1) / len(scans))
            targets: list[Target] = []
            others = [source for source in by_source if source != scan.id]
            for k, source in enumerate(others):
                share = scaled(part, 0.9 * k / len(others), 0.9 * (k + 1) / len(others))
                carried = [one for one in by_source[source] if (one.lesion.id, scan.id) not in kept]
                if carried:
                    targets += carrier.carry(study.scan(source), scan, carried, share)
            yield scan, on_source, targets, scaled(part, 0.9, 1.0)
        carrier.check()
        progress("Done", 1.0)


def _usable(known: Iterable[Finding], starts: Collection[Key]) -> dict[Key, Finding]:
    """The findings that lesions can be carried from: outlined, or what a reader has made of them."""
    return {
        (f.lesion, f.scan): f
        for f in known
        if (f.lesion, f.scan) in starts and f.point_mm is not None and (f.mask is not None or f.is_reviewed)
    }
