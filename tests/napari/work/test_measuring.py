from __future__ import annotations

import pytest

from napari_longiseg.core.lesion import LesionMask
from napari_longiseg.session import review
from napari_longiseg.tracking import large
from napari_longiseg.tracking.findings import with_mask

HERE, THERE = (0.0, 0.0, 0.0), (3.0, 4.0, -4.0)


@pytest.fixture
def paint(at_work, study, make_ball):
    """Paint a ball that counts as large for lesion 1 on T1."""

    def paint(centre) -> LesionMask:
        mask = LesionMask.of(make_ball(study.scan("T1").grid, centre, 6))
        review.redraw(at_work.session, "T1", {1: mask})
        return mask

    return paint


@pytest.fixture(autouse=True)
def all_are_large(monkeypatch):
    monkeypatch.setattr(large, "LARGE", 10)


def test_what_is_painted_is_measured_soon_and_that_is_no_step(at_work, paint, idle, study):
    session = at_work.session
    mask = paint(HERE)
    painted = session.finding(1, "T1")
    assert painted.measurements is None
    idle()
    measured = session.finding(1, "T1")
    expected = with_mask(painted, mask, study.scan("T1"))
    assert measured.mask is painted.mask
    assert (measured.measurements, measured.point_mm) == (expected.measurements, expected.point_mm)
    assert len(session.history) == 1
    session.undo()
    session.redo()
    assert session.finding(1, "T1") is measured


def test_of_what_is_painted_twice_the_last_is_measured(at_work, paint, idle):
    session = at_work.session
    first, second = paint(HERE), paint(THERE)
    idle()
    assert session.finding(1, "T1").mask.box == second.box
    assert session.finding(1, "T1").measurements is not None
    session.undo()
    assert session.finding(1, "T1").mask.box == first.box
    idle()
    assert session.finding(1, "T1").measurements is not None


def test_cancelling_does_not_leave_it_unmeasured(at_work, paint, idle):
    paint(HERE)
    at_work.runner.cancel()
    idle()
    assert at_work.session.finding(1, "T1").measurements is not None


def test_closed_in_between_nothing_is_begun(at_work, paint):
    paint(HERE)
    at_work.close()
    assert not at_work.runner._agenda.jobs
    assert at_work.session.finding(1, "T1").measurements is None


def test_a_large_outline_is_split_in_the_thread(at_work, study, make_ball, idle):
    session, grid, said = at_work.session, study.scan("T1").grid, []
    at_work.failed.connect(said.append)
    apart = make_ball(grid, HERE, 5) | make_ball(grid, (0.0, 0.0, 18.0), 4)
    review.redraw(session, "T1", {1: LesionMask.of(apart)})
    idle()
    at_work.reviewing.touch(1, "T1")
    at_work.reviewing.split()
    at_work.router.clicked.emit("T1", (0.0, 0.0, 18.0), True)
    assert session.finding(2, "T1") is None
    idle()
    assert session.finding(2, "T1").split_from == 1
    assert session.selected == 2
    assert session.finding(1, "T1").measurements is not None
    assert said == []
