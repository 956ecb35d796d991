"""The point maps of a tracking run: aligned once per pair of scans, corrected by what readers have shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from napari_longiseg.core.geometry import Point
from napari_longiseg.core.landmark import Landmark, pairs_between
from napari_longiseg.core.lesion import Finding, Presence
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.registration.base import MapReport, PointMap, Registration, ReportingPointMap
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.registration.correction import CorrectedMap
from napari_longiseg.registration.landmarks import PlacedLandmarks
from napari_longiseg.tracking.options import TrackOptions
from napari_longiseg.tracking.record import PairRecord


@dataclass(frozen=True)
class PairMaps:
    """Gives the map to use for a lesion from one scan to another.

    Attributes
    ----------
    method : Registration
        Bound to the study.
    cache : RegistrationCache
        Where the method's own maps are looked up and kept.
    placed : tuple of Landmark
        Places that correct every map.
    verified : tuple of Landmark
        The lesions' own points, under :func:`lesion_name`; they correct the maps of other lesions.
    radius_mm : float
        How far a correction reaches.
    """

    method: Registration
    cache: RegistrationCache
    placed: tuple[Landmark, ...]
    verified: tuple[Landmark, ...]
    radius_mm: float

    @classmethod
    def of(
        cls,
        method: Registration,
        cache: RegistrationCache,
        study: Study,
        options: TrackOptions,
        findings: Iterable[Finding],
    ) -> PairMaps:
        """The maps that the options ask for.

        Parameters
        ----------
        method : Registration
            Bound to the study. One by landmarks is not corrected by them: it has its own way to use them.
        cache : RegistrationCache
            For the maps of the method.
        study : Study
            With its landmarks, and the lesions that are tracked.
        options : TrackOptions
            Which corrections to make.
        findings : iterable of Finding
            Of these and of other lesions, as far as they are known.
        """
        by_landmarks = options.correct_by_landmarks and not isinstance(method, PlacedLandmarks)
        return cls(
            method,
            cache,
            study.landmarks if by_landmarks else (),
            verified_points(study, findings) if options.learn_from_verified else (),
            options.correction_radius_mm,
        )

    def whole(self, source: Scan, target: Scan, progress: Progress) -> PointMap:
        """The map of two whole scans.

        Raises
        ------
        RegistrationError, Cancelled
            From the method and from *progress*.
        """
        return self._corrected(self.cache.point_map(self.method, source, target, progress), source, target)

    def align(self, source: Scan, target: Scan, progress: Progress) -> PairRecord:
        """Align two scans, and say how that went.

        Raises
        ------
        RegistrationError, Cancelled
            From the method and from *progress*.
        """
        found = self.whole(source, target, progress)
        report = found.report if isinstance(found, ReportingPointMap) else MapReport("")
        kept = self.cache.came_from_disk(self.method, source, target)
        return PairRecord(source.id, target.id, self.method.name, report.summary, report.doubt, kept)

    def near(self, lesion: int, source: Scan, target: Scan, point_mm: Point, progress: Progress) -> PointMap:
        """The map around a point of a lesion (LPS mm, order z, y, x); its own verified points do not bend it.

        So the point that is proposed stays comparable to the one that a reader has verified.

        Raises
        ------
        RegistrationError, Cancelled
            From the method and from *progress*.
        """
        near = self.cache.near(self.method, source, target, point_mm, progress)
        return self._corrected(near, source, target, lesion_name(lesion))

    def _corrected(self, base: PointMap, source: Scan, target: Scan, but: str = "") -> PointMap:
        others = [one for one in self.verified if one.name != but]
        pairs = [pair for kind in (self.placed, others) for pair in pairs_between(kind, source.id, target.id)]
        return CorrectedMap(base, pairs, self.radius_mm) if pairs else base


def lesion_name(lesion: int) -> str:
    """What a lesion is called among landmarks."""
    return f"lesion {lesion}"


def verified_points(study: Study, findings: Iterable[Finding]) -> tuple[Landmark, ...]:
    """Where a reader has said that a lesion is, one landmark per lesion and scan.

    That is the centre of what was found where the reader clicked, outlined, accepted or edited it, and where
    nothing was found (yet) the first positive click. What a registration proposed and no reader has looked
    at does not count, nor does a lesion that has merged into another one.

    Parameters
    ----------
    study : Study
        With the lesions that are tracked.
    findings : iterable of Finding
        Of any lesions on any scans.
    """
    known: dict[tuple[int, str], Point] = {}
    for lesion in study.lesions:
        for click in lesion.clicks:
            if click.positive:
                known.setdefault((lesion.id, click.scan), click.point_mm)
    for finding in findings:
        here = finding.presence is Presence.PRESENT and finding.merged_into is None
        if finding.is_readers and here and finding.point_mm is not None:
            known[finding.lesion, finding.scan] = finding.point_mm
    return tuple(Landmark(scan, lesion_name(lesion), point) for (lesion, scan), point in known.items())
