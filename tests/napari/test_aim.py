from __future__ import annotations

import pytest

from napari_longiseg._napari.aim import FAR_MM, Aim, aim
from napari_longiseg._napari.work.summary import run_summary
from napari_longiseg.core.lesion import Click, Finding, Origin, Presence

NEAR, FAR = (0.0, 0.0, 0.0), (10.0, 20.0, -20.0)


@pytest.fixture
def tracked(session, study, make_finding):
    """Lesion 1 outlined on T0 and T1, lesion 2 with its click alone; nothing selected."""
    session.open(study)
    session.set_known(make_finding(study, 1, "T0", NEAR))
    session.set_known(make_finding(study, 1, "T1", NEAR))
    return session


def test_with_nothing_selected_a_click_makes_a_lesion_or_chooses_the_one_it_hits(tracked):
    assert aim(tracked, "T1", (0.0, 20.0, 0.0), True) == Aim(None)
    assert aim(tracked, "T1", (1.0, 1.0, 1.0), True) == Aim(1, adds=False)
    assert aim(tracked, "T0", (10.0, 21.0, -19.0), True) == Aim(2, adds=False)
    assert aim(tracked, "T1", FAR, True) == Aim(None), "it was clicked on T0 only"


def test_clicks_on_and_near_the_selected_lesion_are_its_own(tracked):
    tracked.select(1)
    assert aim(tracked, "T0", NEAR, True) == Aim(1)
    assert aim(tracked, "T0", (0.0, 10.0, 0.0), True) == Aim(1)


def test_elsewhere_on_a_scan_where_it_was_clicked_is_another_lesion(tracked):
    tracked.select(1)
    elsewhere = (0.0, FAR_MM + 8.0, 0.0)
    assert aim(tracked, "T0", elsewhere, True) == Aim(None)
    assert aim(tracked, "T0", FAR, True) == Aim(2, adds=False)
    assert aim(tracked, "T1", elsewhere, True) == Aim(1), "says where it really is"


def test_negative_clicks_and_first_clicks_go_where_the_reader_said(tracked):
    tracked.select(2)
    assert aim(tracked, "T1", NEAR, False) == Aim(2)
    assert aim(tracked, "T1", NEAR, True) == Aim(1, adds=False)
    added = tracked.add_lesion().id
    assert aim(tracked, "T1", NEAR, True) == Aim(added)
    assert aim(tracked, "T1", NEAR, False) == Aim(added)


def test_a_summary_says_on_which_scans_a_lesion_is(tracked):
    gone = Finding(1, "T2", Presence.NOT_FOUND, Origin.PROPAGATED, "T0")
    tracked.set_known(gone)
    assert run_summary(tracked, [(1, "T0")]).startswith("near: outlined on 2 of 3 scans, not on T2.")
    assert run_summary(tracked, [(1, "T0"), (2, "T0")]) == "Tracked 2 lesions: outlined 2 times of 6."
    assert run_summary(tracked, [(7, "T0")]) == "Done."


def test_a_click_taken_back_leaves_the_others(tracked):
    tracked.add_click(1, Click("T1", NEAR))
    tracked.remove_click(1, Click("T1", NEAR))
    assert tracked.lesion(1).clicks == (Click("T0", NEAR),)
