from __future__ import annotations

from dataclasses import replace

import pytest

from napari_longiseg._qt.click_bar import ClickBar
from napari_longiseg._qt.review_bar import ReviewBar, review_text
from napari_longiseg.core.lesion import Finding, LesionMask, Measurements, Origin, Presence, Review
from napari_longiseg.core.proposal import Proposal

PROPOSAL = Proposal(3, "T1", (0.0, 0.0, 0.0), "T0", uncertainty_mm=3.2)


@pytest.fixture
def bar(qtbot) -> ReviewBar:
    bar = ReviewBar()
    qtbot.addWidget(bar)
    return bar


@pytest.fixture
def outlined(make_ball, grid) -> Finding:
    """Found, and not yet looked at."""
    ends = ((0.0, 0.0, 0.0), (0.0, 0.0, 9.0))
    return Finding(
        3,
        "T1",
        Presence.PRESENT,
        Origin.PROPAGATED,
        "T0",
        mask=LesionMask.of(make_ball(grid, grid.middle_mm, 6.0)),
        measurements=Measurements(2.1, 9.0, 9.0, 40.0, ends, ends),
        uncertainty_mm=2.6,
    )


def finding(presence: Presence, review: Review = Review.ACCEPTED) -> Finding:
    return Finding(3, "T1", presence, Origin.PROPAGATED, "T0", review=review)


def enabled(bar: ReviewBar) -> set[str]:
    names = ("accept", "reset", "resolved", "not_evaluable", "new", "merge", "split", "next")
    return {name for name in names if getattr(bar, name).isEnabled()}


def test_without_a_lesion_there_is_nothing_to_say(bar):
    assert enabled(bar) == set()
    assert bar.state.text() == "Select a lesion to review it."
    bar.show_state("", "", None, None, unreviewed=2)
    assert enabled(bar) == {"next"}
    assert bar.next.text() == "Next (2)"


def test_a_proposal_can_be_accepted_but_has_no_outline_to_split(bar):
    bar.show_state("Lesion 3", "T1", None, PROPOSAL, unreviewed=1)
    assert enabled(bar) == {"accept", "reset", "resolved", "not_evaluable", "next"}
    assert bar.state.text() == "Lesion 3 on T1: expected here, ±3 mm"


def test_an_outline_can_be_accepted_merged_and_split(bar, outlined):
    bar.show_state("segment VI", "T1", outlined, None, unreviewed=0)
    assert enabled(bar) == {"accept", "reset", "resolved", "not_evaluable", "new", "merge", "split"}
    assert bar.state.text() == "segment VI on T1: not reviewed yet, 2.10 ml, ±3 mm"
    assert bar.next.text() == "Next"


def test_what_was_said_need_not_be_said_again(bar):
    bar.show_state("Lesion 3", "T1", finding(Presence.RESOLVED), None, 0)
    assert enabled(bar) == {"reset", "not_evaluable"}
    bar.show_state("Lesion 3", "T1", finding(Presence.NOT_EVALUABLE), None, 0)
    assert enabled(bar) == {"reset", "resolved"}
    bar.show_state("Lesion 3", "T1", finding(Presence.NOT_EVALUABLE, Review.PROPOSED), None, 0)
    assert enabled(bar) == {"accept", "reset", "resolved", "not_evaluable"}, "a method has said it"


def test_a_lesion_that_was_not_tracked(bar):
    bar.show_state("Lesion 3", "T2", None, None, 0)
    assert enabled(bar) == {"resolved", "not_evaluable"}
    assert bar.state.text() == "Lesion 3 on T2: not tracked yet"


def test_what_is_doubtful_says_why_until_it_is_accepted(bar, outlined):
    doubted = replace(outlined, reason="The outline is ragged: check it.")
    bar.show_state("Lesion 3", "T1", doubted, None, 1)
    assert bar.doubt.text() == bar.doubt.toolTip() == "The outline is ragged: check it."
    bar.show_state("Lesion 3", "T1", replace(doubted, review=Review.ACCEPTED), None, 0)
    assert bar.doubt.text() == ""
    unsure = replace(outlined, confidence=0.3, segmenter="region")
    bar.show_state("Lesion 3", "T1", unsure, None, 1)
    assert bar.doubt.text() == "Region is not sure of this outline: check it."
    bar.show_state("Lesion 3", "T1", None, replace(PROPOSAL, doubt="The scans hardly fit."), 1)
    assert bar.doubt.text() == "The scans hardly fit."


def test_what_accepting_means_where_nothing_was_found(bar):
    missing = replace(finding(Presence.NOT_FOUND, Review.PROPOSED), reason="Nothing stands out.")
    bar.show_state("Lesion 3", "T1", missing, None, 1)
    assert bar.doubt.text() == "Accepted, it counts as gone. Nothing stands out."


def test_a_merged_lesion_says_into_which():
    merged = Finding(3, "T1", Presence.PRESENT, Origin.PROPAGATED, "T0", Review.ACCEPTED, merged_into=5)
    assert review_text("Lesion 3", "T1", merged, None) == "Lesion 3 on T1: accepted, merged into lesion 5"


@pytest.mark.parametrize(
    "name", ["accept", "reset", "resolved", "not_evaluable", "new", "merge", "split", "next"]
)
def test_each_button_tells_what_is_wanted(bar, outlined, qtbot, name):
    bar.show_state("Lesion 3", "T1", outlined, None, unreviewed=1)
    button = getattr(bar, name)
    assert button.toolTip()
    with qtbot.waitSignal(getattr(bar, f"{name}_requested"), timeout=1000):
        button.click()


def test_the_bar_fits_a_narrow_dock(bar, outlined, qtbot):
    bar.show_state("Lesion 3", "T1", outlined, None, unreviewed=12)
    bar.resize(358, bar.sizeHint().height())
    bar.show()
    qtbot.waitExposed(bar)
    for button in (bar.accept, bar.not_evaluable, bar.next, bar.resolved, bar.new):
        words = button.fontMetrics().horizontalAdvance(button.text())
        assert words < button.width() - 6, button.text()


def test_boxes_need_clicks(qtbot):
    bar = ClickBar()
    qtbot.addWidget(bar)
    assert not bar.box.isEnabled()
    bar.place.setChecked(True)
    bar.box.setChecked(True)
    bar.place.setChecked(False)
    assert not bar.box.isChecked()
    assert not bar.box.isEnabled()
    assert not bar.straight.isChecked(), "verify first"
