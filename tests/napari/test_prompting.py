"""What a click, a moved point, a box and a stroke become: prompts, and work for the engine."""

from __future__ import annotations

import numpy as np
import pytest

from napari_longiseg.core.geometry import Box
from napari_longiseg.core.lesion import LesionMask, Review
from napari_longiseg.core.proposal import Proposal

NEAR, BESIDE = (0.0, 0.0, 0.0), (0.0, 20.0, 20.0)


@pytest.fixture
def said(at_work) -> list[str]:
    """What the reader was told that cannot be done."""
    sentences: list[str] = []
    at_work.failed.connect(sentences.append)
    return sentences


@pytest.fixture
def prompting(at_work):
    return at_work.prompting


@pytest.fixture
def clicked(at_work, idle):
    """A lesion clicked on T1."""
    at_work.prompting.click("T1", NEAR, True)
    idle()
    return at_work


def test_the_first_prompt_brings_a_finding_and_proposals(clicked):
    session = clicked.session
    assert [finding.scan for finding in session.findings] == ["T1"]
    assert {proposal.scan for proposal in session.proposals} == {"T0", "T2"}


def test_straight_away_it_brings_findings(at_work, idle):
    at_work.prompting.straight = True
    at_work.prompting.click("T1", NEAR, True)
    idle()
    assert {finding.scan for finding in at_work.session.findings} == {"T0", "T1", "T2"}


def test_further_prompts_concern_their_scan_alone(clicked, idle):
    session = clicked.session
    before = session.state
    clicked.prompting.click("T1", (0.0, 3.0, 0.0), True)
    idle()
    assert before.differences(session.state) == {(1, "T1")}
    before = session.state
    clicked.prompting.move("T0", 1, (0.0, 2.0, 1.0))
    idle()
    assert before.differences(session.state) == {(1, "T0")}
    assert session.lesion(1).point_on("T0") == (0.0, 2.0, 1.0)


def test_a_prompt_that_hits_nothing_has_not_happened(clicked, said, idle):
    before = clicked.session.lesions, clicked.session.history.labels
    clicked.prompting.move("T0", 1, BESIDE)
    idle()
    assert said[-1].endswith("Nothing was marked: click inside the lesion.")
    assert (clicked.session.lesions, clicked.session.history.labels) == before


def test_a_click_that_hit_nothing_is_taken_back_also_after_something_else(at_work, said, idle):
    session = at_work.session
    at_work.prompting.click("T1", BESIDE, True)
    session.add_lesion("another")
    idle()
    assert len(said) == 1
    assert [lesion.name for lesion in session.lesions] == ["another"]
    assert session.history.undo_label == "Take back a click that hit nothing"


def test_a_lesion_starts_with_a_positive_click(prompting, at_work, said):
    prompting.negative = True
    prompting.click("T0", NEAR, True)
    assert said == ["A lesion starts with a positive click; make a negative one after it."]
    assert at_work.session.lesions == ()


def test_a_click_outside_is_refused_and_leaves_no_lesion(prompting, at_work, said):
    prompting.click("T0", (500.0, 0.0, 0.0), True)
    assert "outside" in said[0]
    assert at_work.session.lesions == ()


def test_a_box_starts_a_lesion(prompting, at_work, said, idle):
    prompting.box("T0", (-7.0, -7.0, -7.0), (7.0, 7.0, 7.0))
    idle()
    assert at_work.session.finding(1, "T0").mask is not None
    prompting.box("T0", (500.0, 0.0, 0.0), (510.0, 7.0, 7.0))
    assert said[-1] == "That box lies outside scan T0."
    assert at_work.session.lesion(1).box_on("T0").low_mm == (-7.0, -7.0, -7.0)


def test_an_undone_box_on_a_further_scan_is_asked_for_again_when_it_is_done_again(clicked, idle):
    session = clicked.session
    clicked.prompting.box("T0", (-7.0, -7.0, -7.0), (7.0, 7.0, 7.0))
    clicked.reviewing.undo()
    idle()
    assert isinstance(session.state.known((1, "T0")), Proposal), "nobody has accepted that point"
    clicked.reviewing.redo()
    idle()
    assert session.finding(1, "T0").mask is not None


def test_paint_is_measured_and_what_is_under_review_goes_there(clicked):
    box = Box((10, 20, 20), (13, 26, 26))
    clicked.prompting.paint("T2", {1: LesionMask(box, np.ones(box.shape, dtype=bool))})
    finding = clicked.session.finding(1, "T2")
    assert finding.review is Review.EDITED
    assert finding.measurements.volume_ml == pytest.approx(3 * 6 * 6 * 2.0 * 1.1 / 1000)
    assert clicked.reviewing.current == (1, "T2")


def test_a_new_prompt_on_a_painted_scan_says_what_becomes_of_the_paint(clicked, idle):
    said = []
    clicked.noticed.connect(said.append)
    box = Box((10, 20, 20), (13, 26, 26))
    clicked.prompting.paint("T1", {1: LesionMask(box, np.ones(box.shape, dtype=bool))})
    painted = clicked.session.finding(1, "T1")
    clicked.prompting.move("T1", 1, (0.0, 1.0, 0.0))
    assert "without what was painted; undo brings that back" in said[-1]
    idle()
    assert clicked.session.finding(1, "T1").review is not Review.EDITED
    clicked.reviewing.undo()
    assert clicked.session.finding(1, "T1") is painted


def test_a_split_is_taken_by_the_next_click_and_by_no_other(clicked, said):
    clicked.reviewing.go(1, "T1")
    clicked.reviewing.split()
    clicked.prompting.click("T0", NEAR, True)
    assert said == ["Nothing was split: click inside the outline that is to be split."]
    assert clicked.prompting.splitting is None
    assert len(clicked.session.lesions) == 1


def test_track_leaves_what_a_reader_has_decided(clicked, idle):
    session = clicked.session
    clicked.reviewing.go(1, "T1")
    clicked.reviewing.accept()
    accepted = session.finding(1, "T1")
    clicked.prompting.track([1])
    idle()
    assert session.finding(1, "T1") is accepted
    assert session.finding(1, "T0").mask is not None
    assert session.finding(1, "T2").mask is not None


def test_without_a_click_there_is_nothing_to_track(prompting, at_work, said):
    at_work.session.add_lesion()
    prompting.track([1])
    assert said == ["Click a lesion on one of the scans first."]


def test_where_the_settings_are_wrong_the_click_stays(clicked):
    clicked.prompting._settings = lambda: None
    clicked.prompting.click("T1", (0.0, 3.0, 0.0), True)
    assert len(clicked.session.lesion(1).clicks) == 2
    assert not clicked.runner.busy
