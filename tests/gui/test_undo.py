"""Undo and redo of all that a reader does, by the keys."""

from __future__ import annotations

import numpy as np
import pytest
from napari.qt.threading import create_worker  # noqa: F401 - imported before the clock runs

from napari_longiseg.core.geometry import Box, as_shape
from napari_longiseg.core.lesion import LesionMask, Presence, Review
from napari_longiseg.core.proposal import Proposal

NEAR = (0.0, 0.0, 0.0)


@pytest.fixture
def proposed(opened, idle):
    """A lesion clicked on T0: outlined there, proposed on T1 and T2."""
    opened.desk.router.clicked.emit("T0", NEAR, True)
    idle(opened)
    return opened


def cube(session, scan_id: str, half: int) -> LesionMask:
    """An outline around the middle of a scan."""
    middle = np.array(session.scan(scan_id).grid.shape) // 2
    box = Box(as_shape(middle - half), as_shape(middle + half))
    return LesionMask(box, np.ones(box.shape, dtype=bool))


def test_a_hundred_steps_across_scans_and_back(opened, press):
    session = opened.session
    states = [session.state]
    lesion = session.add_lesion().id
    states.append(session.state)
    for number in range(100):
        scan_id = f"T{number % 3}"
        opened.desk.prompting.paint(scan_id, {lesion: cube(session, scan_id, 2 + number % 5)})
        states.append(session.state)
    for state in reversed(states[:-1]):
        press("U")
        assert session.state is state
    assert not any(cell.labels.data.any() for cell in opened.desk.bridge.cells)
    press("U")
    assert opened.progress.line.text() == "There is nothing to undo."
    for state in states[1:]:
        press("Shift-U")
        assert session.state is state
    press("Shift-U")
    assert opened.progress.line.text() == "There is nothing to do again."
    assert all(cell.labels.data.any() for cell in opened.desk.bridge.cells)


def test_a_click_taken_back_while_it_is_computed_brings_nothing(opened, press, gate, idle, qtbot):
    session = opened.session
    opened.desk.router.clicked.emit("T0", NEAR, True)
    assert gate.reached.wait(5)
    press("U")
    assert session.lesions == ()
    gate.open.set()
    idle(opened)
    qtbot.wait(100)
    assert session.findings == ()
    assert session.proposals == ()


def test_a_second_click_taken_back_while_it_is_computed(proposed, press, gate, idle):
    session = proposed.session
    before = session.finding(1, "T0")
    proposed.desk.router.clicked.emit("T0", (0.0, 3.0, 0.0), True)
    assert gate.reached.wait(5)
    press("U")
    gate.open.set()
    idle(proposed)
    assert session.finding(1, "T0") is before
    assert len(session.lesion(1).clicks) == 1


def test_done_again_a_click_asks_for_what_it_never_got(opened, press, gate, idle):
    session = opened.session
    opened.desk.router.clicked.emit("T0", NEAR, True)
    assert gate.reached.wait(5)
    press("U")
    gate.open.set()
    idle(opened)
    press("Shift-U")
    idle(opened)
    assert session.finding(1, "T0").mask is not None
    assert len(session.proposals) == 2


def test_what_was_computed_comes_back_without_being_computed_again(proposed, press, asked):
    session = proposed.session
    found = session.finding(1, "T0")
    press("U")
    assert session.lesions == ()
    assert not proposed.desk.bridge.cells[0].labels.data.any()
    press("Shift-U")
    assert session.finding(1, "T0") is found
    assert not proposed.runner.busy
    assert len(asked) == 1


def test_accepting_a_point_is_a_step_and_its_outline_goes_with_it(proposed, press, idle):
    session = proposed.session
    proposed.desk.reviewing.go(1, "T1")
    press("Y")
    idle(proposed)
    assert session.finding(1, "T1").mask is not None
    press("U")
    assert isinstance(session.state.known((1, "T1")), Proposal)
    assert not session.proposal(1, "T1").verified
    assert not proposed.desk.bridge.cells[1].labels.data.any()
    press("Shift-U")
    idle(proposed)
    assert session.finding(1, "T1").mask is not None


def test_verdicts_names_and_lesions_are_steps(proposed, press):
    session, reviewing = proposed.session, proposed.desk.reviewing
    reviewing.go(1, "T0")
    reviewing.accept()
    reviewing.go(1, "T1")
    reviewing.resolve()
    session.rename(1, "node")
    proposed.lesion_bar.remove.click()
    for _ in range(2):
        press("U")
    assert session.lesion(1).name == ""
    assert session.finding(1, "T1").presence is Presence.RESOLVED
    press("U")
    assert session.proposal(1, "T1") is not None
    assert session.finding(1, "T0").review is Review.ACCEPTED
    press("U")
    assert session.finding(1, "T0").review is Review.PROPOSED
    assert proposed.progress.line.text() == "Undone: Accept lesion 1 on T0."
