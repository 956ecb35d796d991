"""What all charts share: margins, colours, scales, and names beside the lines they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np

from napari_longiseg._qt.charts.look import Look
from napari_longiseg.core.series import Timeline

FONT = 8
LINE_HEIGHT = 1.3 * FONT / 72
"""Inches."""
NAMES_IN = 1.4
"""Room for names beside a chart, in inches."""
STEPS: tuple[tuple[float, ...], ...] = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7))
"""Ticks of each decade of a logarithmic axis: the first that are enough."""
ENOUGH_TICKS = 3
ID_GAP, DATE_GAP = 0.07, 0.28
"""Room that a scan's id and its date need on the axis, as shares of the whole time."""


@dataclass(frozen=True, slots=True)
class Label:
    """A name for the end of a line: where that is, in the data's coordinates, and how it is written."""

    x: float
    y: float
    text: str
    colour: str
    bold: bool = False


def set_margins(figure: Any, below_in: float) -> None:  # noqa: ANN401 - matplotlib
    """Room in inches for what is written beside the axes, whatever the figure's size."""
    width, height = figure.get_size_inches()
    figure.subplots_adjust(
        left=min(0.62 / width, 0.3), right=max(1 - NAMES_IN / width, 0.4), top=1 - 0.12 / height,
        bottom=min(below_in / height, 0.4), hspace=0.16,
    )  # fmt: skip


def write_note(figure: Any, text: str, look: Look) -> None:  # noqa: ANN401 - matplotlib
    """Below a chart that leaves the window: what one has to know to read it."""
    width, height = figure.get_size_inches()
    lines = wrap(text, int(width / (0.55 * FONT / 72)))
    figure.text(0.1 / width, 0.06 / height, "\n".join(lines), color=look.text, fontsize=FONT, va="bottom")
    room = (len(lines) * LINE_HEIGHT + 0.1) / height
    figure.subplots_adjust(bottom=figure.subplotpars.bottom + room)


def set_style(axes: Any, look: Look) -> None:  # noqa: ANN401 - matplotlib
    """Colours and sizes of axes and figure."""
    axes.figure.set_facecolor(look.background)
    axes.set_facecolor(look.background)
    axes.tick_params(which="both", colors=look.text, labelsize=FONT)
    axes.yaxis.label.set(color=look.text, fontsize=FONT)
    axes.grid(axis="y", color=look.text, alpha=0.15, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_color(look.text)
        spine.set_visible(side in ("left", "bottom"))


def numbers(values: Sequence[float | None]) -> list[float]:
    """What matplotlib draws: a gap where there is no value."""
    return [np.nan if value is None else value for value in values]


def set_scale(axes: Any, values: Sequence[float | None], log: bool) -> None:  # noqa: ANN401 - matplotlib
    """Limits and ticks for these values; on a logarithmic axis, 0 has its place below the smallest."""
    known = [value for value in values if value is not None]
    positive = [value for value in known if value > 0]
    if log and positive:
        _set_log(axes, min(positive), max(positive), 0 in known)
    elif known:
        axes.set_ylim(-0.04 * max(*known, 1e-3), 1.12 * max(*known, 1e-3))


def _set_log(axes: Any, least: float, most: float, with_zero: bool) -> None:  # noqa: ANN401 - matplotlib
    floor = 10.0 ** np.floor(np.log10(least))
    low, high = (floor if with_zero else least / 1.3), most * 1.3
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for steps in STEPS:
        ticks = [step * decade for decade in decades for step in steps]
        ticks = [tick for tick in ticks if low * 0.999 <= tick <= high]
        if len(ticks) >= ENOUGH_TICKS:
            break
    if with_zero:
        axes.set_yscale("symlog", linthresh=floor, linscale=0.4)
        axes.set_ylim(-0.25 * floor, high)
        ticks = [0.0, *ticks]
    else:
        axes.set_yscale("log")
        axes.set_ylim(low, high)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks([], minor=True)


def set_time_axis(axes: Any, line: Timeline, look: Look) -> None:  # noqa: ANN401 - matplotlib
    """Each scan at its date, named where there is room."""
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


def write_labels(axes: Any, labels: Sequence[Label], look: Look) -> None:  # noqa: ANN401 - matplotlib
    """Beside the chart, each as high as the end of its line where there is room, with a line to it.

    Where there are more than have room, the highest and the bold ones are written.
    """
    if not labels:
        return
    lines = max(label.text.count("\n") + 1 for label in labels)
    high = axes.get_position().height * axes.figure.get_size_inches()[1]
    room = 1 + int(high / (lines * LINE_HEIGHT))
    labels = sorted(labels, key=lambda label: (label.bold, label.y), reverse=True)[:room]
    placed = []
    for label in labels:
        along, height = axes.transLimits.transform(axes.transScale.transform((label.x, label.y)))
        placed.append((float(height), float(along), label))
    placed.sort(key=lambda place: place[:2])
    heights = spread([height for height, _, _ in placed], lines * LINE_HEIGHT / high)
    for there, (height, along, label) in zip(heights, placed, strict=True):
        thread = {"color": label.colour, "linewidth": 0.7, "alpha": 0.5, "clip_on": False}
        axes.plot((along, 1.0), (height, height), transform=axes.transAxes, linestyle=":", **thread)
        axes.plot((1.0, 1.05), (height, there), transform=axes.transAxes, **thread)
        axes.text(
            1.07, there, label.text, transform=axes.transAxes, va="center", color=look.text,
            fontsize=FONT, fontweight="bold" if label.bold else "normal", linespacing=1.1,
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
