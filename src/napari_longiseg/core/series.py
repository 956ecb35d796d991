"""Lesions over time as numbers: sizes per date, their sum, best changes, and thresholds of response."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from napari_longiseg.core.lesion import Finding, Lesion
from napari_longiseg.core.measure import change_pct
from napari_longiseg.core.scan import Study

Values = tuple[float | None, ...]
"""One per scan, in the study's order; None where nobody can say."""

MEASURABLE_MM = 10.0
"""RECIST 1.1, 3.1.1: a lesion can be followed by its diameter from this long axis on (CT)."""


class Size(StrEnum):
    """What is followed over time."""

    VOLUME = "volume"
    LONG_AXIS = "long axis"

    @property
    def unit(self) -> str:
        """Of its values."""
        return "ml" if self is Size.VOLUME else "mm"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a change is a response, or a progression.

    Attributes
    ----------
    response_pct : float
        Change from baseline; that much or less is a partial response.
    progression_pct : float
        Change from the smallest value so far; that much or more is a progression...
    progression_least : float
        ...where it is at least this much as well, in the size's unit.
    """

    response_pct: float
    progression_pct: float
    progression_least: float = 0.0

    def response(self, baseline: float) -> float:
        """The value from which downwards it is a partial response."""
        return baseline * (1 + self.response_pct / 100)

    def progression(self, nadir: float) -> float:
        """The value from which upwards it is a progression."""
        return max(nadir * (1 + self.progression_pct / 100), nadir + self.progression_least)


THRESHOLDS = {
    Size.LONG_AXIS: Thresholds(-30.0, 20.0, 5.0),
    Size.VOLUME: Thresholds(100 * (0.7**3 - 1), 100 * (1.2**3 - 1)),
}
"""RECIST 1.1, 4.3.1 (Eisenhauer et al., Eur J Cancer 2009;45:228-247), for the sum of long axes; for volumes
those of a sphere whose diameter changes by as much: -65.7 % and +72.8 %."""


@dataclass(frozen=True, slots=True)
class Course:
    """One lesion over time.

    Attributes
    ----------
    lesion : int
        Its id.
    values : tuple of float or None
        0 where a reader says that it is gone; None where a method alone has not found it, where it is out of
        view, not evaluable or merged into another, or nothing was outlined yet.
    reviewed : tuple of bool
        Whether a reader has accepted or edited the value.
    """

    lesion: int
    values: Values
    reviewed: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Total:
    """The sum over lesions.

    Attributes
    ----------
    lesions : tuple of int
        Which ones count.
    values : tuple of float or None
        Of what is known; None where nothing is.
    missing : tuple of tuple of int
        Per scan the lesions whose size is not known: the sum is too small by theirs.
    """

    lesions: tuple[int, ...]
    values: Values
    missing: tuple[tuple[int, ...], ...]

    @property
    def complete(self) -> Values:
        """The values where no lesion is missing."""
        return tuple(None if gap else value for value, gap in zip(self.values, self.missing, strict=True))


@dataclass(frozen=True, slots=True)
class Timeline:
    """All lesions of a study over time, by one size.

    Attributes
    ----------
    size : Size
        Of all values.
    scans : tuple of str
        Their ids.
    times : tuple of float
        Days since the first scan; the scans' numbers where one has no date, or all have the same.
    dated : bool
        Whether the times are days.
    courses : tuple of Course
        By lesion id; lesions of which nothing is known are left out.
    total : Total
        Volumes of all lesions; long axes of those that are measurable where they are first seen.
    """

    size: Size
    scans: tuple[str, ...]
    times: tuple[float, ...]
    dated: bool
    courses: tuple[Course, ...]
    total: Total


@dataclass(frozen=True, slots=True)
class BestChange:
    """The smallest size after the first scan, as a change from it in per cent, and the scan where it was."""

    lesion: int
    pct: float
    scan: str


def sizes(finding: Finding) -> tuple[float | None, float | None, float | None, float | None]:
    """Volume (ml), long and short axis (mm) and mean HU.

    Sizes are 0 where a reader says that the lesion is not there, and None where nobody can say: not found by
    a method, and not reviewed; out of view, not evaluable, or merged into another lesion.
    """
    if finding.merged_into is not None:
        return None, None, None, None
    if finding.is_gone:
        return 0.0, 0.0, 0.0, None
    m = finding.measurements
    return (m.volume_ml, m.long_axis_mm, m.short_axis_mm, m.mean_hu) if m else (None,) * 4


def timeline(
    study: Study,
    lesions: Sequence[Lesion],
    finding: Callable[[int, str], Finding | None],
    size: Size,
) -> Timeline:
    """Follow lesions through a study.

    Parameters
    ----------
    study : Study
        Its scans are the points in time.
    lesions : sequence of Lesion
        Which ones; the study's own are not looked at.
    finding : callable
        What was found of a lesion id on a scan id, or None.
    size : Size
        What of it.
    """
    scans = tuple(scan.id for scan in study.scans)
    found = {lesion.id: [finding(lesion.id, scan) for scan in scans] for lesion in lesions}
    courses = tuple(
        Course(
            lesion_id,
            tuple(_size(one, size) for one in row),
            tuple(one is not None and one.is_reviewed for one in row),
        )
        for lesion_id, row in found.items()
        if any(_size(one, size) is not None for one in row)
    )
    times, dated = _times([scan.date for scan in study.scans])
    return Timeline(size, scans, times, dated, courses, _total(found, size, len(scans)))


def best_changes(line: Timeline) -> tuple[BestChange, ...]:
    """Of all lesions with a size above 0 on the first scan and one on a later scan; the largest change first.

    A change from another scan than the first would not compare with the others, so lesions that were not
    seen there are left out: new ones, and those out of its view.
    """
    changes = []
    for course in line.courses:
        first, later = course.values[0], course.values[1:]
        known = [pair for pair in zip(later, line.scans[1:], strict=True) if pair[0] is not None]
        if not known:
            continue
        best, scan = min(known, key=lambda pair: pair[0] or 0.0)
        if (pct := change_pct(best, first)) is not None:
            changes.append(BestChange(course.lesion, pct, scan))
    return tuple(sorted(changes, key=lambda change: -change.pct))


def progression_levels(values: Values, thresholds: Thresholds) -> Values:
    """Per scan the value from which it is a progression: from the smallest one before; None on the first."""
    levels: list[float | None] = []
    nadir: float | None = None
    for value in values:
        levels.append(None if nadir is None else thresholds.progression(nadir))
        if value is not None:
            nadir = value if nadir is None else min(nadir, value)
    return tuple(levels)


def _times(dates: Sequence[dt.date | None]) -> tuple[tuple[float, ...], bool]:
    known = [date for date in dates if date is not None]
    if len(known) < len(dates) or min(known) == max(known):
        return tuple(float(number) for number in range(len(dates))), False
    return tuple(float((date - known[0]).days) for date in known), True


def _size(finding: Finding | None, size: Size) -> float | None:
    return None if finding is None else sizes(finding)[0 if size is Size.VOLUME else 1]


def _measurable(row: Sequence[Finding | None]) -> bool:
    axes = [_size(one, Size.LONG_AXIS) for one in row]
    return next((axis for axis in axes if axis), 0.0) >= MEASURABLE_MM


def _total(found: dict[int, list[Finding | None]], size: Size, scans: int) -> Total:
    """A lesion that was merged into another is measured there, so that nothing of it is missing."""
    counted = {i: row for i, row in found.items() if size is Size.VOLUME or _measurable(row)}
    values: list[float | None] = []
    missing = []
    for at in range(scans):
        here = {i: row[at] for i, row in counted.items()}
        known = [value for one in here.values() if (value := _size(one, size)) is not None]
        values.append(sum(known) if known else None)
        missing.append(
            tuple(i for i, one in here.items() if _size(one, size) is None and not _is_merged(one))
        )
    return Total(tuple(counted), tuple(values), tuple(missing))


def _is_merged(finding: Finding | None) -> bool:
    return finding is not None and finding.merged_into is not None
