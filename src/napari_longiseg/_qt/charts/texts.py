"""What is said about charts; pure functions."""

from __future__ import annotations

from collections.abc import Iterable

from napari_longiseg.core.scan import Study
from napari_longiseg.core.series import MEASURABLE_MM, Size, Timeline, best_changes

SOURCE = "Thresholds after RECIST 1.1{volume}; this is no assessment of response."


def no_chart_text(study: Study | None, line: Timeline | None, is_best_change: bool) -> str:
    """Why there is nothing to draw; empty where there is.

    Parameters
    ----------
    study : Study or None
        What is open.
    line : Timeline or None
        Its lesions over time.
    is_best_change : bool
        Changes are asked for, not sizes.
    """
    if study is None or line is None:
        return "Open a study to see its lesions over time."
    if not line.courses:
        return "No lesion is outlined yet: click one on any scan."
    if not is_best_change:
        return ""
    if len(line.scans) == 1:
        return "A change needs scans of two dates: this study has one."
    if not best_changes(line):
        return f"No lesion has a size on {line.scans[0]} and on a later scan yet: accept or outline it there."
    return ""


def note(line: Timeline, is_best_change: bool) -> str:
    """What a chart leaves out, and where its thresholds come from."""
    volume = ", for a sphere's volume" if line.size is Size.VOLUME else ""
    source = SOURCE.format(volume=volume)
    return " ".join([*(_left_out(line) if is_best_change else _sum_notes(line)), source])


def _left_out(line: Timeline) -> list[str]:
    shown = {change.lesion for change in best_changes(line)}
    rest = [course.lesion for course in line.courses if course.lesion not in shown]
    return [f"Left out, for they have no size on {line.scans[0]} or later: {_ids(rest)}."] if rest else []


def _sum_notes(line: Timeline) -> list[str]:
    notes = []
    if line.size is Size.LONG_AXIS:
        notes.append(f"Sum of {len(line.total.lesions)} lesions that measure {MEASURABLE_MM:g} mm at first.")
    if any(not reviewed for course in line.courses for reviewed in _seen(course.values, course.reviewed)):
        notes.append("Hollow: not reviewed yet.")
    gaps = [f"{scan} ({_ids(ids)})" for scan, ids in zip(line.scans, line.total.missing, strict=True) if ids]
    if gaps:
        notes.append(f"The sum is incomplete, for no size is known, on {', '.join(gaps)}.")
    return notes


def _seen(values: Iterable[float | None], reviewed: Iterable[bool]) -> list[bool]:
    return [mark for value, mark in zip(values, reviewed, strict=True) if value is not None]


def _ids(lesions: Iterable[int]) -> str:
    ids = sorted(lesions)
    shown = ", ".join(map(str, ids[:6]))
    return (
        f"lesions {shown} and {len(ids) - 6} more"
        if len(ids) > 6
        else f"lesion{'s' * (len(ids) > 1)} {shown}"
    )
