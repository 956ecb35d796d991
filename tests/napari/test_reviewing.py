"""From one finding to the next: accept, correct, decide, undo."""

from __future__ import annotations

import pytest

from napari_longiseg._napari import reviewing as reviewing_module
from napari_longiseg.core.lesion import LesionMask, Origin, Presence, Review
from napari_longiseg.core.proposal import Proposal

NEAR, FAR = (0.0, 0.0, 0.0), (10.0, 20.0, -20.0)


@pytest.fixture(autouse=True)
def eyes(monkeypatch) -> None:
    """Quick ones: what has come is seen at once."""
    monkeypatch.setattr(reviewing_module, "SEEN_S", 0.0)


@pytest.fixture
def said(at_work) -> list[str]:
    """What the reader was told, done or not."""
    sentences: list[str] = []
    at_work.failed.connect(sentences.append)
    at_work.noticed.connect(sentences.append)
    return sentences


@pytest.fixture
def proposed(at_work, idle):
    """A lesion clicked on T0, proposed on the other scans."""
    at_work.prompting.click("T0", NEAR, True)
    idle()
    return at_work


@pytest.fixture
def outlined(at_work, idle):
    """Two lesions outlined on all scans where they are; the first on T1 is under review."""
    at_work.prompting.straight = True
    for point in (NEAR, FAR):
        at_work.session.select(None)
        at_work.prompting.click("T0", point, True)
        idle()
    at_work.reviewing.go(1, "T1")
    return at_work


def test_nothing_is_under_review_at_first(at_work, said):
    reviewing = at_work.reviewing
    reviewing.accept()
    assert said == ["Choose a lesion on a scan in the table first, or click one."]
    reviewing.step(1)
    assert said[-1] == "There is no lesion yet: click one on any scan."
    assert reviewing.known is None


def test_accepting_goes_from_the_source_over_the_points_to_the_outlines(proposed, said, idle):
    reviewing, session = proposed.reviewing, proposed.session
    visited = []
    for _ in range(5):
        visited.append(reviewing.current)
        reviewing.accept()
        idle()
    assert visited == [(1, "T0"), (1, "T1"), (1, "T2"), (1, "T1"), (1, "T2")]
    assert all(session.finding(1, scan).review is Review.ACCEPTED for scan in ("T0", "T1", "T2"))
    assert said[-1] == "All that was found is reviewed."


def test_what_is_being_looked_for_cannot_be_accepted_yet(at_work, said, idle):
    at_work.prompting.click("T0", NEAR, True)
    at_work.reviewing.accept()
    assert said[-1] == "Nothing is known of lesion 1 on T0 yet: it is being looked for."
    idle()
    assert at_work.session.finding(1, "T0").review is Review.PROPOSED


def test_an_outline_that_is_still_to_come_is_waited_for(proposed, said, idle):
    reviewing, session = proposed.reviewing, proposed.session
    for _ in range(3):
        reviewing.accept()
    for _ in range(2):
        assert said[-1] == "All else is reviewed: wait for what is being outlined."
        assert reviewing.current == (1, "T2")
        reviewing.accept()
    assert session.history.labels.count("Accept the point of lesion 1 on T2") == 1
    idle()
    assert session.finding(1, "T2").review is Review.PROPOSED
    reviewing.accept()
    assert session.finding(1, "T2").review is Review.ACCEPTED
    assert reviewing.current == (1, "T1")


def test_an_outline_that_has_just_come_was_not_meant(proposed, said, idle, monkeypatch):
    reviewing, session = proposed.reviewing, proposed.session
    reviewing.go(1, "T1")
    proposed.prompting.outline([(1, "T1")])
    idle()
    monkeypatch.setattr(reviewing_module, "SEEN_S", 1e6)
    reviewing.accept()
    assert said[-1] == "Lesion 1 has just been outlined on T1: look at it first."
    assert session.finding(1, "T1").review is Review.PROPOSED
    monkeypatch.setattr(reviewing_module, "SEEN_S", 0.0)
    reviewing.accept()
    assert session.finding(1, "T1").review is Review.ACCEPTED


def test_an_outline_that_is_being_corrected_is_not_accepted_as_it_was(outlined, said, idle):
    reviewing, session = outlined.reviewing, outlined.session
    before = session.finding(1, "T1")
    outlined.prompting.click("T1", (0.0, 2.0, 0.0), True)
    reviewing.accept()
    assert "Lesion 1 is just outlined anew on T1: look at it then." in said
    assert reviewing.current == (1, "T2"), "the next one meanwhile"
    idle()
    assert session.finding(1, "T1") is not before
    assert session.finding(1, "T1").review is Review.PROPOSED


def test_what_a_reader_has_just_painted_was_seen(outlined, make_ball, monkeypatch):
    monkeypatch.setattr(reviewing_module, "SEEN_S", 1e6)
    grid = outlined.session.scan("T1").grid
    outlined.prompting.paint("T1", {1: LesionMask.of(make_ball(grid, NEAR, 5))})
    outlined.reviewing.accept()
    assert outlined.reviewing.current == (1, "T2")


def test_what_a_reader_goes_to_is_seen_there(outlined, monkeypatch):
    monkeypatch.setattr(reviewing_module, "SEEN_S", 1e6)
    outlined.reviewing.go(2, "T1")
    outlined.reviewing.go(1, "T1")
    outlined.reviewing.accept()
    assert outlined.session.finding(1, "T1").review is Review.ACCEPTED


def test_what_is_not_under_review_is_shown_before_it_is_accepted(outlined, said):
    session = outlined.session
    outlined.reviewing.accept_there(2, "T1")
    assert outlined.reviewing.current == (2, "T1")
    assert session.finding(2, "T1").review is Review.PROPOSED
    assert said[-1] == "Look at lesion 2 on T1, then accept it."
    outlined.reviewing.accept_there(2, "T1")
    assert session.finding(2, "T1").review is Review.ACCEPTED


def test_a_point_whose_outline_was_cancelled_is_asked_for_again(proposed, idle):
    reviewing, session = proposed.reviewing, proposed.session
    reviewing.go(1, "T1")
    reviewing.accept()
    proposed.runner.cancel()
    reviewing.go(1, "T0")
    reviewing.accept()
    assert reviewing.current == (1, "T1"), "nothing is being done there"
    reviewing.accept()
    idle()
    assert session.finding(1, "T1").mask is not None


def test_a_scan_that_is_not_shown_is_passed_over(outlined, said, viewer, qtbot):
    reviewing, session = outlined.reviewing, outlined.session
    viewer.layers.remove(outlined.bridge.cells[1].image)
    qtbot.wait(50)
    reviewing.next_unreviewed()
    visited = []
    for _ in range(4):
        visited.append(reviewing.current)
        reviewing.accept()
    assert all(scan != "T1" for _, scan in visited)
    assert said[-1] == (
        "All is reviewed but what lies on T1. T1 is shown no more; open the study again to bring it back."
    )
    reviewing.go(1, "T1")
    assert said[-1] == "T1 is shown no more; open the study again to bring it back."
    reviewing.accept()
    assert session.finding(1, "T1").review is Review.PROPOSED


def test_a_point_is_accepted_once(proposed, idle):
    proposed.reviewing.go(1, "T1")
    proposed.reviewing.accept()
    proposed.reviewing.go(1, "T1")
    proposed.reviewing.accept()
    assert proposed.session.history.labels.count("Accept the point of lesion 1 on T1") == 1
    idle()
    assert proposed.session.finding(1, "T1").mask is not None


def test_stepping_stays_on_the_scan_and_goes_round(outlined):
    reviewing = outlined.reviewing
    for by, current in ((1, (2, "T1")), (1, (1, "T1")), (-1, (2, "T1"))):
        reviewing.step(by)
        assert reviewing.current == current


def test_selecting_a_lesion_keeps_the_scan_where_it_is_known(outlined):
    outlined.session.select(2)
    assert outlined.reviewing.current == (2, "T1")
    outlined.session.select(None)
    assert outlined.reviewing.current is None


def test_verdicts_replace_the_outline_and_go_on(outlined):
    reviewing, session = outlined.reviewing, outlined.session
    reviewing.resolve()
    assert session.finding(1, "T1").presence is Presence.RESOLVED
    assert reviewing.current == (1, "T2")
    reviewing.not_evaluable()
    assert session.finding(1, "T2").presence is Presence.NOT_EVALUABLE
    assert reviewing.current == (1, "T0"), "what is left of the lesion comes first"


def test_a_refused_verdict_changes_nothing_and_stays_there(outlined, said):
    outlined.reviewing.go(1, "T0")
    before = outlined.session.state
    outlined.reviewing.resolve()
    assert "cannot be gone there" in said[-1]
    assert outlined.session.state is before
    assert outlined.reviewing.current == (1, "T0")


def test_reset_looks_for_it_again(outlined, idle):
    reviewing, session = outlined.reviewing, outlined.session
    outlined.prompting.move("T1", 1, (0.0, 3.0, 0.0))
    idle()
    assert session.lesion(1).point_on("T1") is not None
    reviewing.reset()
    assert session.state.known((1, "T1")) is None
    idle()
    assert session.lesion(1).point_on("T1") is None
    assert session.state.known((1, "T1")) is not None


def test_new_merge_and_split(outlined):
    reviewing, session = outlined.reviewing, outlined.session
    assert reviewing.merge_candidates() == [2]
    reviewing.may_merge = lambda _: True
    reviewing.merge_into(2)
    assert session.finding(1, "T1").merged_into == 2
    assert reviewing.current == (2, "T1")
    reviewing.undo()
    reviewing.go(1, "T1")
    reviewing.split()
    outlined.prompting.click("T1", (0.0, 5.0, 0.0), True)
    assert session.finding(3, "T1").split_from == 1
    assert reviewing.current == (3, "T1")
    reviewing.go(1, "T1")
    reviewing.mark_new()
    assert session.finding(1, "T1").origin is not Origin.NEW, "it was marked on T0"


def test_outlines_that_do_not_touch_are_merged_only_when_the_reader_agrees(outlined, said):
    reviewing, session = outlined.reviewing, outlined.session
    before, asked = session.state, []
    reviewing.may_merge = lambda what: bool(asked.append(what))
    reviewing.merge_into(2)
    assert asked == ["The outlines of lesions 1 and 2 do not touch on T1: 19 mm lie between them."]
    assert session.state is before
    reviewing.may_merge = lambda _: True
    reviewing.merge_into(2)
    assert said[-1] == "Lesion 1 is merged into 2 on T1; U takes it back."
    reviewing.undo()
    assert not before.differences(session.state)


def test_outlines_that_touch_are_merged_without_a_question(outlined, make_ball):
    reviewing, session = outlined.reviewing, outlined.session
    grid = session.scan("T1").grid
    outlined.prompting.paint("T1", {2: LesionMask.of(make_ball(grid, (0.0, 9.0, 0.0), 3))})
    reviewing.go(1, "T1")
    reviewing.merge_into(2)
    assert session.finding(1, "T1").merged_into == 2


def test_where_nothing_is_outlined_nothing_is_split_or_merged(outlined, said):
    outlined.reviewing.go(2, "T2")
    outlined.reviewing.split()
    assert said[-1] == "Lesion 2 has no outline on T2 that could be split."
    outlined.reviewing.merge_into(1)
    assert "no outline on T2" in said[-1]
    assert outlined.prompting.splitting is None


def test_undo_and_redo_say_what_they_did(proposed, said):
    reviewing = proposed.reviewing
    reviewing.undo()
    assert said[-1] == "Undone: Click for a new lesion on T0."
    assert reviewing.current is None
    reviewing.redo()
    assert said[-1] == "Done again: Click for a new lesion on T0."
    reviewing.redo()
    assert said[-1] == "There is nothing to do again."


def test_an_accepted_point_that_lost_its_outline_is_outlined_when_done_again(proposed, idle):
    """Undone while it was being outlined, nothing has come of it; done again it is asked for anew."""
    reviewing, session = proposed.reviewing, proposed.session
    reviewing.go(1, "T1")
    reviewing.accept()
    reviewing.undo()
    idle()
    assert isinstance(session.state.known((1, "T1")), Proposal)
    reviewing.redo()
    idle()
    assert session.finding(1, "T1").mask is not None
