from __future__ import annotations

from dataclasses import replace
from unittest.mock import Mock

import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import Click, Finding, Origin, Presence, Review
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.session import Session


def finding(lesion: int, scan: str, point=(0.0, 0.0, 0.0)) -> Finding:
    return Finding(lesion, scan, Presence.NOT_FOUND, Origin.PROPAGATED, "T0", point_mm=point)


def test_opening_a_study_brings_its_lesions_and_selects_none(study):
    session, told = Session(), Mock()
    session.study_changed.connect(told)
    session.open(study)
    told.assert_called_once_with(study)
    assert [lesion.name for lesion in session.lesions] == ["near", "far"]
    assert session.selected is None
    assert session.findings == ()


def test_the_selection_goes_before_another_study_comes(session, study):
    session.select(2)
    told: list[str] = []
    session.selection_changed.connect(lambda lesion_id: told.append(f"selected {lesion_id}"))
    session.study_changed.connect(lambda opened: told.append(f"study with {len(opened.lesions)} lesions"))
    session.open(study.with_lesions(study.lesions[:1]))
    assert told[:2] == ["selected None", "study with 1 lesions"]


def test_opening_another_study_forgets_what_was_found(session, study):
    session.set_known(finding(1, "T1"))
    session.open(study.with_lesions(()))
    assert session.findings == ()
    assert session.lesions == ()


def test_closing_the_study(session):
    session.open(None)
    assert session.study is None
    with pytest.raises(InputError, match="No study is open"):
        session.scan("T0")
    with pytest.raises(InputError, match="No study is open"):
        session.study_with([])


def test_a_new_lesion_gets_the_next_id_and_is_selected(session):
    selected = Mock()
    session.selection_changed.connect(selected)
    assert session.add_lesion("new").id == 3
    selected.assert_called_once_with(3)


def test_rename(session):
    session.rename(2, "segment VI")
    assert session.lesion(2).name == "segment VI"
    with pytest.raises(InputError, match="There is no lesion 9"):
        session.rename(9, "x")


def test_removing_a_lesion_takes_its_findings_and_the_selection_along(session):
    session.select(1)
    session.set_known(finding(1, "T1"))
    changed = Mock()
    session.findings_changed.connect(changed)
    session.remove_lesion(1)
    changed.assert_called_once_with(1, "T1")
    assert session.selected is None
    assert session.finding(1, "T1") is None


def test_what_was_merged_into_a_removed_lesion_is_to_be_looked_at_again(session):
    session.set_known(replace(finding(2, "T1"), merged_into=1, review=Review.ACCEPTED))
    session.set_known(replace(finding(2, "T2"), split_from=1))
    session.remove_lesion(1)
    merged, split = session.finding(2, "T1"), session.finding(2, "T2")
    assert (merged.merged_into, merged.presence, merged.review) == (None, "not_evaluable", "proposed")
    assert "lesion 1, which was removed" in merged.reason
    assert split.split_from is None
    session.undo()
    assert session.finding(2, "T1").merged_into == 1


def test_clicks(session):
    session.add_click(1, Click("T1", (0.0, 0.0, 1.0)))
    assert len(session.lesion(1).clicks) == 2
    with pytest.raises(InputError, match="outside scan T1"):
        session.add_click(1, Click("T1", (500.0, 0.0, 0.0)))
    with pytest.raises(InputError, match="no scan 'T9'"):
        session.add_click(1, Click("T9", (0.0, 0.0, 0.0)))


def test_findings_replace_each_other(session):
    session.set_known(finding(1, "T1"))
    session.set_known(finding(1, "T1", (1.0, 2.0, 3.0)))
    session.set_known(finding(2, "T1"))
    assert session.finding(1, "T1").point_mm == (1.0, 2.0, 3.0)
    assert [f.lesion for f in session.findings_on("T1")] == [1, 2]
    assert len(session.findings) == 2


def test_findings_of_unknown_lesions_and_scans_are_refused(session):
    with pytest.raises(InputError, match="There is no lesion 7"):
        session.set_known(finding(7, "T1"))
    with pytest.raises(InputError, match="no scan 'T9'"):
        session.set_known(finding(1, "T9"))


def test_a_lesions_place_is_its_finding_else_its_click(session):
    assert session.point_on(1, "T0") == (0.0, 0.0, 0.0)
    assert session.point_on(1, "T1") is None
    session.set_known(finding(1, "T0", (4.0, 5.0, 6.0)))
    assert session.point_on(1, "T0") == (4.0, 5.0, 6.0)


def test_the_study_with_some_lesions_as_they_are_now(session):
    session.rename(2, "renamed")
    study = session.study_with({2})
    assert [(lesion.id, lesion.name) for lesion in study.lesions] == [(2, "renamed")]
    assert study.scans == session.study.scans


def test_an_action_is_one_step_of_undo(session):
    with session.action("Start a lesion"):
        lesion = session.add_lesion()
        session.add_click(lesion.id, Click("T1", (0.0, 0.0, 1.0)))
    assert session.history.undo_label == "Start a lesion"
    assert session.undo() == "Start a lesion"
    assert len(session.lesions) == 2
    assert session.selected is None
    assert session.redo() == "Start a lesion"
    assert session.lesion(3).clicks == (Click("T1", (0.0, 0.0, 1.0)),)
    assert session.undo()
    assert not session.undo()


def start_a_lesion_outside(session: Session) -> None:
    with session.action("Start a lesion"):
        session.add_lesion()
        session.add_click(3, Click("T1", (500.0, 0.0, 1.0)))


def test_an_action_that_fails_has_not_happened(session):
    session.select(2)
    with pytest.raises(InputError, match="outside"):
        start_a_lesion_outside(session)
    assert len(session.lesions) == 2
    assert len(session.history) == 0
    assert session.selected == 2


def test_what_a_method_brings_is_no_step_and_survives_the_undo_of_others(session):
    session.add_click(1, Click("T1", (0.0, 0.0, 1.0)))
    session.rename(2, "other")
    late = finding(1, "T1")
    session.set_known(late)
    assert session.undo() == "Rename lesion 2"
    assert session.finding(1, "T1") is late
    assert session.undo() == "Click for lesion 1 on T1"
    assert session.finding(1, "T1") is None  # it was found with that click
    session.redo()
    session.redo()
    assert session.finding(1, "T1") is late
    assert session.lesion(2).name == "other"


def test_undo_tells_what_has_changed_only(session):
    session.set_known(finding(2, "T1"))
    with session.action("Accept"):
        session.set_known(finding(1, "T1"))
    changed, restored = Mock(), Mock()
    session.findings_changed.connect(changed)
    session.restored.connect(restored)
    session.undo()
    changed.assert_called_once_with(1, "T1")
    restored.assert_called_once_with()


def test_a_hundred_steps_and_many_more(session):
    for number in range(300):
        session.rename(1, f"name {number}")
    for _ in range(300):
        session.undo()
    assert session.lesion(1).name == "near"
    for _ in range(300):
        session.redo()
    assert session.lesion(1).name == "name 299"


def test_a_step_can_be_withdrawn_while_it_is_the_newest(session):
    with session.action("Click") as step:
        session.add_click(1, Click("T1", (0.0, 0.0, 1.0)))
    session.rename(2, "other")
    assert not session.withdraw(step)
    session.undo()
    assert session.withdraw(step)
    assert len(session.lesion(1).clicks) == 1
    assert session.history.undo_label == ""


def test_a_finding_takes_the_place_of_a_proposal(session):
    session.set_known(Proposal(1, "T1", (1.0, 2.0, 3.0), "T0", 2.5))
    assert session.point_on(1, "T1") == (1.0, 2.0, 3.0)
    assert session.finding(1, "T1") is None
    session.set_known(finding(1, "T1"))
    assert session.proposals == ()


def test_the_labels_of_what_was_done_outlive_undo_and_reopening(session, study, monkeypatch):
    monkeypatch.setattr("napari_longiseg.session.history.DEPTH", 2)
    for name in "abc":
        session.rename(1, name)
    session.add_lesion()
    assert len(session.history) == 2
    done = ("Rename lesion 1",) * 3 + ("Add lesion 3",)
    assert session.history.labels == done
    session.open(study, session.state, session.history.labels)
    assert session.history.labels == done
    assert session.undo() == ""
