"""The benchmark of a real window sees what keeps the event loop waiting."""

from __future__ import annotations

import threading
import time

import pytest
from qtpy.QtCore import QTimer

from window.gaps import Gap, Ticks
from window.stacks import stacks_of, told, usual
from window.stage import Stage, details, table

OURS = "napari_longiseg._napari.view.cell.Cell.place:9"


def test_a_stack_names_functions_and_their_lines():
    (here,) = stacks_of([threading.get_ident()])
    assert any("test_a_stack_names_functions_and_their_lines:" in name for name in here)
    assert stacks_of([0]) == [()]


def test_a_stack_is_told_by_our_functions_and_what_they_call():
    stack = ("__main__.main:1", "contextlib.f:2", OURS, "napari.layers.base.translate:3", "numpy.nanmin:4")
    assert told(stack) == "_napari.view.cell.Cell.place:9 > napari.layers.base.translate:3 > numpy.nanmin:4"
    assert told(("__main__.main:1",)) == "Qt"
    assert usual([stack, stack, ("__main__.main:1",)]).endswith("numpy.nanmin:4 (2 of 3)")
    assert usual([]) == "not seen"


@pytest.mark.parametrize(
    ("wall", "gui", "engine", "held"),
    [(0.5, 0.1, 0.0, 0.1), (0.5, 0.1, 0.3, 0.4), (0.3, 0.1, 0.9, 0.3), (0.1, 0.12, 0.1, 0.12)],
)
def test_what_other_programs_take_does_not_count(wall, gui, engine, held):
    assert Gap(wall, gui, engine).held_s == pytest.approx(held)


def busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(1000))


def test_what_keeps_the_event_loop_is_seen(qtbot):
    ticks = Ticks()
    qtbot.wait(50)
    ticks.begin()
    QTimer.singleShot(0, lambda: busy(0.3))
    qtbot.waitUntil(lambda: ticks.longest.wall_s > 0.25, timeout=10_000)
    ticks.stop()
    assert ticks.longest_s >= ticks.longest.wall_s >= ticks.longest.gui_s > 0.25
    assert any(".busy:" in name for name in ticks.longest.gui[0])
    assert ticks.longest in ticks.gaps


def test_the_table_has_a_row_per_stage():
    gap = Gap(0.2, 0.15, 0.03, [(OURS,)])
    stages = [Stage("open", 12.34, gap, 0.25, (gap,)), Stage("save", 1.0, Gap(0.01, 0.01, 0.0), 0.01, ())]
    lines = table(stages).splitlines()[2:]
    assert lines[0].startswith("| open | 12.3 | 180 | 150 | 30 | 1 | 250 | `_napari.view.cell.Cell.place:9")
    assert lines[1] == "| save | 1.0 | 10 | 10 | 0 | 0 | 10 | `not seen` |"
    assert details(stages, 1).startswith("open: 180/150/30/200 ms")
    assert details(stages, 0) == ""
