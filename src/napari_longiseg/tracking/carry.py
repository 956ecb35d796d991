"""Carry lesions from the scan that they start from to another one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_longiseg.core.errors import InputError, RegistrationError
from napari_longiseg.core.geometry import Point, as_point
from napari_longiseg.core.lesion import Finding, Lesion
from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.core.timing import Timer
from napari_longiseg.tracking.outline import Target
from napari_longiseg.tracking.pairs import PairMaps
from napari_longiseg.tracking.record import PairRecord


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """A lesion, and what is known of it on the scan that it is carried from."""

    lesion: Lesion
    finding: Finding

    @property
    def point_mm(self) -> Point:
        """Its point there, LPS mm, order (z, y, x).

        Raises
        ------
        InputError
            When it is not known.
        """
        if self.finding.point_mm is None:
            msg = f"Lesion {self.lesion.id} has no point on {self.finding.scan}: click it there."
            raise InputError(msg)
        return self.finding.point_mm


@dataclass(frozen=True)
class Carrier:
    """Aligns pairs of scans, and expects lesions where the point maps say.

    Attributes
    ----------
    maps : PairMaps
        The point maps.
    timer : Timer
        Adds up the time of every pair.
    records : dict
        Gathers how pairs were aligned, by (source, target).
    failures : list of RegistrationError
        Gathers why pairs could not be aligned that a lesion needed.
    """

    maps: PairMaps
    timer: Timer
    records: dict[tuple[str, str], PairRecord]
    failures: list[RegistrationError] = field(default_factory=list)

    def carry(self, source: Scan, target: Scan, starts: Sequence[Start], progress: Progress) -> list[Target]:
        """What to expect of lesions of one scan on another one, in their order.

        Raises
        ------
        Cancelled
            From *progress*.
        """
        try:
            return self._aligned(source, target, starts, progress)
        except RegistrationError as error:
            record = PairRecord(source.id, target.id, self.maps.method.name, "", str(error))
            self.records[source.id, target.id] = record
            if any(start.lesion.point_on(target.id) is None for start in starts):
                self.failures.append(error)
            return [Target(start.lesion, start.finding, unaligned=record) for start in starts]

    def check(self) -> None:
        """Refuse a run that could align no pair of scans.

        Raises
        ------
        RegistrationError
            Why the first one could not be aligned.
        """
        if self.failures and len(self.failures) == len(self.records):
            raise self.failures[0]

    def _aligned(
        self, source: Scan, target: Scan, starts: Sequence[Start], progress: Progress
    ) -> list[Target]:
        with self.timer.step(f"register {source.id} to {target.id}"):
            record = self.maps.align(source, target, scaled(progress, 0.0, 0.9))
        self.records[source.id, target.id] = record
        targets = []
        for number, start in enumerate(starts):
            first, last = (0.9 + 0.1 * (number + k) / len(starts) for k in (0, 1))
            part = scaled(progress, first, last)
            part(f"Carrying lesion {start.lesion.id} to {target.id}", 0.0)
            with self.timer.step(f"refine {source.id} to {target.id}"):
                proposal = self._proposal(start, source, target, record.doubt, part)
            targets.append(Target(start.lesion, start.finding, proposal))
        return targets

    def _proposal(self, start: Start, source: Scan, target: Scan, doubt: str, progress: Progress) -> Proposal:
        point = start.point_mm
        near = self.maps.near(start.lesion.id, source, target, point, progress)
        uncertainty = float(near.uncertainty_mm([point])[0])
        return Proposal(
            lesion=start.lesion.id,
            scan=target.id,
            point_mm=as_point(near([point])[0]),
            source_scan=source.id,
            uncertainty_mm=None if np.isnan(uncertainty) else uncertainty,
            registration=self.maps.method.name,
            doubt=doubt,
        )


def sources_first(study: Study, sources: Collection[str]) -> list[Scan]:
    """The sources, then the scans nearest in time to one: by date where all have one, else by order."""
    position = {scan.id: number for number, scan in enumerate(study.scans)}
    dated = all(scan.date for scan in study.scans)

    def distance(scan: Scan, source: Scan) -> tuple[int, int]:
        steps = abs(position[scan.id] - position[source.id])
        if not dated or scan.date is None or source.date is None:
            return steps, steps
        return abs((scan.date - source.date).days), steps

    if not sources:
        return []
    starts = [study.scan(source) for source in sources]
    first = [scan for scan in study.scans if scan.id in sources]
    rest = [scan for scan in study.scans if scan.id not in sources]
    return first + sorted(rest, key=lambda scan: min(distance(scan, start) for start in starts))
