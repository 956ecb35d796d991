"""Draw lesions over time and their best changes on a matplotlib figure.

matplotlib is imported where a figure is made, not here: nobody waits for it who looks at no chart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from napari_longiseg._qt.charts.look import Look
from napari_longiseg._qt.charts.marks import (
    FONT,
    Label,
    numbers,
    set_margins,
    set_scale,
    set_style,
    set_time_axis,
    write_labels,
)
from napari_longiseg.core.series import (
    THRESHOLDS,
    BestChange,
    Course,
    Timeline,
    progression_levels,
)

RESPONSE_COLOUR, PROGRESSION_COLOUR = "#2fa866", "#e05050"
BOTH_IN = 2.6
"""Height of a figure in inches from which on there is room for the sum and the lesions."""


class Part(StrEnum):
    """What is drawn over time."""

    LESIONS = "each lesion"
    SUM = "their sum"


def parts_for(height_in: float) -> tuple[Part, ...]:
    """What there is room for in a figure of this height in inches."""
    return (Part.SUM, Part.LESIONS) if height_in >= BOTH_IN else (Part.LESIONS,)


def draw_over_time(
    figure: Any,  # noqa: ANN401 - matplotlib
    line: Timeline,
    look: Look,
    log: bool,
    parts: Sequence[Part] = (Part.SUM, Part.LESIONS),
) -> None:
    """The sum with its thresholds, and each lesion; hollow points were not reviewed.

    Parameters
    ----------
    figure : matplotlib Figure
        Is cleared.
    line : Timeline
        What is drawn; may be without any course.
    look : Look
        Colours and names.
    log : bool
        Logarithmic sizes; 0 has its place below the smallest.
    parts : sequence of Part
        From top to bottom.
    """
    figure.clear()
    ratios = [1.5 if part is Part.LESIONS else 1.0 for part in parts]
    all_axes = figure.subplots(len(parts), 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
    set_margins(figure, below_in=0.45)
    for part, axes in zip(parts, all_axes, strict=True):
        set_style(axes, look)
        if part is Part.SUM:
            labels = _sum(axes, line, look)
            set_scale(axes, [*line.total.values, *_levels(line)], log)
            axes.set_ylabel(f"sum ({line.size.unit})")
        else:
            labels = [_course(axes, line, course, look) for course in line.courses]
            set_scale(axes, [value for course in line.courses for value in course.values], log)
            axes.set_ylabel(f"{line.size} ({line.size.unit})")
        set_time_axis(axes, line, look)
        write_labels(axes, labels, look)


def draw_best_change(
    figure: Any,  # noqa: ANN401 - matplotlib
    line: Timeline,
    changes: Sequence[BestChange],
    look: Look,
) -> None:
    """A bar per lesion, from the largest growth to the largest shrinkage, with the thresholds.

    Parameters
    ----------
    figure : matplotlib Figure
        Is cleared.
    line : Timeline
        Where the changes come from.
    changes : sequence of BestChange
        In the order of the bars.
    look : Look
        Colours and names.
    """
    figure.clear()
    axes = figure.subplots()
    set_margins(figure, below_in=0.85)
    set_style(axes, look)
    for place, change in enumerate(changes):
        selected = change.lesion == look.selected
        axes.bar(
            place,
            change.pct or 0.4,  # no change is a line, not nothing
            color=look.colour(change.lesion),
            alpha=look.opacity(change.lesion),
            edgecolor=look.text if selected else "none",
            linewidth=2,
        )
    axes.axhline(0, color=look.text, linewidth=0.8)
    limits = THRESHOLDS[line.size]
    for pct, meaning in ((limits.progression_pct, "progression"), (limits.response_pct, "response")):
        axes.axhline(pct, color=look.text, linewidth=1, linestyle="--")
        axes.annotate(
            f"{pct:+.0f} %\n{meaning}", (1.02, pct), xycoords=("axes fraction", "data"), va="center",
            color=look.text, fontsize=FONT, annotation_clip=False,
        )  # fmt: skip
    lowest, highest = (min(limits.response_pct, *(c.pct for c in changes)),
                       max(limits.progression_pct, *(c.pct for c in changes)))  # fmt: skip
    axes.set_ylim(lowest * 1.1, highest * 1.1)
    axes.set_xticks(range(len(changes)), [look.name(change.lesion) for change in changes])
    if len(changes) > 4:
        for tick in axes.get_xticklabels():
            tick.set(rotation=60, ha="right", rotation_mode="anchor")
    axes.set_ylabel(f"best change of {line.size} since {line.scans[0]} (%)")


def _sum(axes: Any, line: Timeline, look: Look) -> list[Label]:  # noqa: ANN401 - matplotlib
    total, limits = line.total, THRESHOLDS[line.size]
    axes.plot(line.times, numbers(total.values), color=look.text, linewidth=1, linestyle=":")
    axes.plot(line.times, numbers(total.complete), color=look.text, linewidth=2, marker="o", markersize=5)
    gaps = [value if gap else None for value, gap in zip(total.values, total.missing, strict=True)]
    axes.plot(
        line.times, numbers(gaps), color=look.text, linestyle="none", marker="o",
        markersize=5, markerfacecolor=look.background,
    )  # fmt: skip
    labels = _end(
        line, total.values, "sum" if total.complete[-1] is not None else "sum, incomplete", look.text
    )
    if (first := total.complete[0]) is not None:
        level = limits.response(first)
        axes.plot(
            [line.times[0], line.times[-1]], [level] * 2, color=RESPONSE_COLOUR, linewidth=1.2, linestyle="--"
        )
        text = f"response\n{limits.response_pct:+.0f} %"
        labels.append(Label(line.times[-1], level, text, RESPONSE_COLOUR))
    levels = progression_levels(total.complete, limits)
    least = f", {limits.progression_least:+g} {line.size.unit}" if limits.progression_least else ""
    axes.plot(
        line.times, numbers(levels), color=PROGRESSION_COLOUR, linewidth=1.2, linestyle="--", marker="_"
    )
    text = f"progression\n{limits.progression_pct:+.0f} %{least}"
    return labels + _end(line, levels, text, PROGRESSION_COLOUR)


def _end(line: Timeline, values: Sequence[float | None], text: str, colour: str) -> list[Label]:
    """A label at the last value that there is."""
    known = [(time, value) for time, value in zip(line.times, values, strict=True) if value is not None]
    return [Label(*known[-1], text, colour)] if known else []


def _levels(line: Timeline) -> list[float | None]:
    """All thresholds of the sum that have to be seen."""
    limits, first = THRESHOLDS[line.size], line.total.complete[0]
    response = None if first is None else limits.response(first)
    return [response, *progression_levels(line.total.complete, limits)]


def _course(axes: Any, line: Timeline, course: Course, look: Look) -> Label:  # noqa: ANN401 - matplotlib
    colour, selected = look.colour(course.lesion), course.lesion == look.selected
    values, opacity = numbers(course.values), look.opacity(course.lesion)
    width, order = (3.0, 4) if selected else (1.4, 3)
    axes.plot(
        line.times, values, color=colour, alpha=opacity, linewidth=width, zorder=order,
        marker="o", markersize=2 * width + 2,
    )  # fmt: skip
    unseen = [
        None if reviewed else value for value, reviewed in zip(course.values, course.reviewed, strict=True)
    ]
    axes.plot(
        line.times, numbers(unseen), color=colour, linestyle="none", zorder=order + 1,
        marker="o", markersize=2 * width + 2, markerfacecolor=look.background,
    )  # fmt: skip
    (label,) = _end(line, course.values, look.name(course.lesion), colour)
    return replace(label, bold=selected)
