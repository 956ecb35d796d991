"""Draw lesions over time and their best changes on a matplotlib figure.

matplotlib is imported where a figure is made, not here: nobody waits for it who looks at no chart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_longiseg.core.series import (
    THRESHOLDS,
    BestChange,
    Course,
    Timeline,
    progression_levels,
)

FONT = 8
LABEL_GAP = 0.075
"""Between the names beside a chart, as a share of its height."""
NAME_LENGTH = 14
ID_GAP, DATE_GAP = 0.07, 0.28
"""Room that a scan's id and its date need on the axis, as shares of the whole time."""
FADED = 0.45
"""Opacity of lesions that are not the selected one."""


@dataclass(frozen=True, slots=True)
class Look:
    """How lesions and all else are drawn.

    Attributes
    ----------
    text, background : str
        Colours as ``#rrggbb``.
    colour : callable
        Of a lesion id.
    names : mapping
        Of lesion ids.
    scans : mapping
        What stands below a scan id on the axis.
    selected : int or None
        The lesion that stands out.
    """

    text: str
    background: str
    colour: Callable[[int], str]
    names: Mapping[int, str]
    scans: Mapping[str, str]
    selected: int | None = None

    def opacity(self, lesion_id: int) -> float:
        """Less for those that are not selected, where one is."""
        return 1.0 if self.selected not in self.names or lesion_id == self.selected else FADED

    def name(self, lesion_id: int) -> str:
        """Short enough to stand beside a chart."""
        name = self.names[lesion_id]
        return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"


def draw_over_time(figure: Any, line: Timeline, look: Look, log: bool) -> None:  # noqa: ANN401 - matplotlib
    """The sum with its thresholds above, each lesion below; hollow points were not reviewed.

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
    """
    figure.clear()
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.5))
    _margins(figure, below_in=0.45)
    for axes in (above, below):
        _style(axes, look)
    _sum(above, line, look)
    for course in line.courses:
        _course(below, line, course, look)
    above.set_ylabel(f"sum ({line.size.unit})")
    below.set_ylabel(f"{line.size} ({line.size.unit})")
    _scale(above, [*line.total.values, *_levels(line)], log)
    _scale(below, [value for course in line.courses for value in course.values], log)
    _time_axis(below, line, look)
    _names(below, line, look)
    _legend(above, look)


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
    _margins(figure, below_in=0.85)
    _style(axes, look)
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


def _margins(figure: Any, below_in: float) -> None:  # noqa: ANN401 - matplotlib
    """Room in inches for what is written beside the axes, whatever the figure's size."""
    width, height = figure.get_size_inches()
    figure.subplots_adjust(
        left=min(0.62 / width, 0.3), right=max(1 - 1.32 / width, 0.4), top=1 - 0.12 / height,
        bottom=min(below_in / height, 0.4), hspace=0.12,
    )  # fmt: skip


def _style(axes: Any, look: Look) -> None:  # noqa: ANN401 - matplotlib
    axes.figure.set_facecolor(look.background)
    axes.set_facecolor(look.background)
    axes.tick_params(which="both", colors=look.text, labelsize=FONT)
    axes.yaxis.label.set(color=look.text, fontsize=FONT)
    axes.grid(axis="y", color=look.text, alpha=0.15, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_color(look.text)
        spine.set_visible(side in ("left", "bottom"))


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [np.nan if value is None else value for value in values]


def _sum(axes: Any, line: Timeline, look: Look) -> None:  # noqa: ANN401 - matplotlib
    total, limits = line.total, THRESHOLDS[line.size]
    whole = _numbers(total.complete)
    axes.plot(line.times, _numbers(total.values), color=look.text, linewidth=1, linestyle=":")
    axes.plot(line.times, whole, color=look.text, linewidth=2, marker="o", markersize=5, label="sum")
    gaps = [value if gap else None for value, gap in zip(total.values, total.missing, strict=True)]
    if any(value is not None for value in gaps):
        axes.plot(
            line.times, _numbers(gaps), color=look.text, linestyle="none", marker="o",
            markersize=5, markerfacecolor=look.background, label="incomplete",
        )  # fmt: skip
    if (first := total.complete[0]) is not None:
        axes.plot(
            [line.times[0], line.times[-1]], [limits.response(first)] * 2,
            color="#2fa866", linewidth=1.2, linestyle="--", label=f"response\n{limits.response_pct:+.0f} %",
        )  # fmt: skip
    levels = progression_levels(total.complete, limits)
    if any(level is not None for level in levels):
        least = f", {limits.progression_least:+g} {line.size.unit}" if limits.progression_least else ""
        axes.plot(
            line.times, _numbers(levels), color="#e05050", linewidth=1.2, linestyle="--",
            marker="_", label=f"progression\n{limits.progression_pct:+.0f} %{least}",
        )  # fmt: skip


def _levels(line: Timeline) -> list[float | None]:
    """All thresholds of the sum that have to be seen."""
    limits, first = THRESHOLDS[line.size], line.total.complete[0]
    response = None if first is None else limits.response(first)
    return [response, *progression_levels(line.total.complete, limits)]


def _course(axes: Any, line: Timeline, course: Course, look: Look) -> None:  # noqa: ANN401 - matplotlib
    colour, selected = look.colour(course.lesion), course.lesion == look.selected
    values, opacity = _numbers(course.values), look.opacity(course.lesion)
    width, order = (3.0, 4) if selected else (1.4, 3)
    axes.plot(
        line.times, values, color=colour, alpha=opacity, linewidth=width, zorder=order,
        marker="o", markersize=2 * width + 2,
    )  # fmt: skip
    unseen = [
        None if reviewed else value for value, reviewed in zip(course.values, course.reviewed, strict=True)
    ]
    axes.plot(
        line.times, _numbers(unseen), color=colour, linestyle="none", zorder=order + 1,
        marker="o", markersize=2 * width + 2, markerfacecolor=look.background,
    )  # fmt: skip


def _scale(axes: Any, values: Sequence[float | None], log: bool) -> None:  # noqa: ANN401 - matplotlib
    known = [value for value in values if value is not None]
    positive = [value for value in known if value > 0]
    if log and positive:
        floor = 10 ** np.floor(np.log10(min(positive)))
        wide = max(positive) > 100 * min(positive)
        if 0 in known:
            axes.set_yscale("symlog", linthresh=floor, linscale=0.4)
            axes.set_ylim(-0.25 * floor, max(positive) * 1.5)
        else:
            axes.set_yscale("log", subs=[])
            axes.set_ylim(min(positive) / 1.3, max(positive) * 1.3)
            axes.yaxis.get_major_locator().set_params(subs=(1,) if wide else (1, 2, 5))
        axes.yaxis.set_major_formatter("{x:g}")
    elif known:
        axes.set_ylim(-0.04 * max(*known, 1e-3), 1.12 * max(*known, 1e-3))


def _time_axis(axes: Any, line: Timeline, look: Look) -> None:  # noqa: ANN401 - matplotlib
    span = (line.times[-1] - line.times[0]) or 1.0
    axes.set_xlim(line.times[0] - 0.08 * span, line.times[-1] + 0.08 * span)
    ticks: list[tuple[float, str]] = []
    dated = -np.inf
    for time, scan in zip(line.times, line.scans, strict=True):
        scan_id, *date = look.scans[scan].split("\n")
        if ticks and time - ticks[-1][0] < ID_GAP * span:
            continue
        if time - dated < DATE_GAP * span:
            date = []
        dated = time if date else dated
        ticks.append((time, "\n".join([scan_id, *date])))
    axes.set_xticks([time for time, _ in ticks], [text for _, text in ticks])


def _names(axes: Any, line: Timeline, look: Look) -> None:  # noqa: ANN401 - matplotlib
    """Beside the chart, each as high as its lesion's last value where there is room, with a line to it."""
    ends = []
    for course in line.courses:
        last = max(at for at, value in enumerate(course.values) if value is not None)
        point = axes.transScale.transform((line.times[last], course.values[last]))
        along, height = axes.transLimits.transform(point)
        ends.append((float(height), float(along), course.lesion))
    ends.sort()
    heights = spread([end[0] for end in ends], LABEL_GAP)
    for placed, (height, along, lesion_id) in zip(heights, ends, strict=True):
        look_of_line = {"color": look.colour(lesion_id), "linewidth": 0.7, "alpha": 0.5, "clip_on": False}
        frame = axes.transAxes
        axes.plot((along, 1.0), (height, height), transform=frame, linestyle=":", **look_of_line)
        axes.plot((1.0, 1.05), (height, placed), transform=frame, **look_of_line)
        axes.text(
            1.07, placed, look.name(lesion_id), transform=axes.transAxes, va="center", color=look.text,
            fontsize=FONT, fontweight="bold" if lesion_id == look.selected else "normal",
        )  # fmt: skip


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Sorted heights from 0 to 1, moved apart by a gap at least; by less where there are too many."""
    gap = min(gap, 1 / max(len(heights) - 1, 1))
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + gap) if placed else max(height, 0.0))
    limit = 1.0
    for at in reversed(range(len(placed))):
        placed[at] = min(placed[at], limit)
        limit = placed[at] - gap
    return placed


def _legend(axes: Any, look: Look) -> None:  # noqa: ANN401 - matplotlib
    axes.legend(
        loc="upper left", bbox_to_anchor=(1.02, 1.06), frameon=False, fontsize=FONT, labelcolor=look.text,
        handlelength=1.4, borderaxespad=0.0,
    )  # fmt: skip
