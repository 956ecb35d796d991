"""Stages of work in the window, one after the other, each with the longest gap of its event loop."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from napari_longiseg._qt.demo import pause
from window.gaps import Gap, Ticks
from window.stacks import usual

LIMIT_S = 0.1
REST_MS = 400
"""After each stage the window is given so long to draw what is left."""


@dataclass(frozen=True)
class Stage:
    """What one stage took.

    Attributes
    ----------
    name : str
        What was done.
    seconds : float
        How long all of it took.
    longest : Gap
        The longest time that the event loop stood still by our doing.
    wall_s : float
        And by whatever it was.
    late : tuple of Gap
        All that were longer than :data:`LIMIT_S`, the longest first.
    """

    name: str
    seconds: float
    longest: Gap
    wall_s: float
    late: tuple[Gap, ...]


class Stages:
    """Measures stages.

    Attributes
    ----------
    done : list of Stage
        In the order in which they ended.
    """

    def __init__(self) -> None:
        self.done: list[Stage] = []
        self._ticks = Ticks()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done inside, and what the window draws after it."""
        pause(REST_MS)
        self._ticks.begin()
        begun = time.monotonic()
        yield
        seconds = time.monotonic() - begun
        pause(REST_MS)
        late = sorted((gap for gap in self._ticks.gaps if gap.held_s > LIMIT_S), key=lambda gap: -gap.held_s)
        self.done.append(Stage(name, seconds, self._ticks.longest, self._ticks.longest_s, tuple(late)))

    def stop(self) -> None:
        """Measure no more."""
        self._ticks.stop()


def table(stages: Sequence[Stage]) -> str:
    """Lines of Markdown: what the event loop was held up for longest, in ms, and the longest gap of all."""
    lines = [
        "| stage | s | held | GUI's CPU | engine's CPU | over 100 | longest gap | what |",
        "| --- | --: | --: | --: | --: | --: | --: | --- |",
    ]
    for stage in stages:
        gap = stage.longest
        held, gui, engine = (f"{1000 * s:.0f}" for s in (gap.held_s, gap.gui_s, gap.engine_s))
        cells = (f"{stage.seconds:.1f}", held, gui, engine, len(stage.late), f"{1000 * stage.wall_s:.0f}")
        lines.append(f"| {stage.name} | {' | '.join(map(str, cells))} | `{usual(gap.gui)}` |")
    return "\n".join(lines)


def details(stages: Sequence[Stage], most: int) -> str:
    """What the longest gaps of each stage were, so many at most, with the engine's side of it."""
    lines = []
    for stage in stages:
        for gap in stage.late[:most]:
            ms = "/".join(f"{1000 * s:.0f}" for s in (gap.held_s, gap.gui_s, gap.engine_s, gap.wall_s))
            lines.append(f"{stage.name}: {ms} ms\n    GUI: {usual(gap.gui)}\n    engine: {usual(gap.engine)}")
    return "\n".join(lines)
