from __future__ import annotations

from unittest.mock import Mock

import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import Click, Finding, Origin, Presence
from napari_longiseg.core.scan import Study
from napari_longiseg.session import Session


@pytest.fixture
def session(study: Study) -> Session:
    session = Session()
    session.open(study)
    return session


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


def test_opening_another_study_forgets_what_was_found(session, study):
    session.set_finding(finding(1, "T1"))
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
    session.set_finding(finding(1, "T1"))
    changed = Mock()
    session.findings_changed.connect(changed)
    session.remove_lesion(1)
    changed.assert_called_once_with(1, "T1")
    assert session.selected is None
    assert session.finding(1, "T1") is None


def test_clicks(session):
    session.add_click(1, Click("T1", (0.0, 0.0, 1.0)))
    assert len(session.lesion(1).clicks) == 2
    with pytest.raises(InputError, match="outside scan T1"):
        session.add_click(1, Click("T1", (500.0, 0.0, 0.0)))
    with pytest.raises(InputError, match="no scan 'T9'"):
        session.add_click(1, Click("T9", (0.0, 0.0, 0.0)))


def test_findings_replace_each_other(session):
    session.set_finding(finding(1, "T1"))
    session.set_finding(finding(1, "T1", (1.0, 2.0, 3.0)))
    session.set_finding(finding(2, "T1"))
    assert session.finding(1, "T1").point_mm == (1.0, 2.0, 3.0)
    assert [f.lesion for f in session.findings_on("T1")] == [1, 2]
    assert len(session.findings) == 2


def test_findings_of_unknown_lesions_and_scans_are_refused(session):
    with pytest.raises(InputError, match="There is no lesion 7"):
        session.set_finding(finding(7, "T1"))
    with pytest.raises(InputError, match="no scan 'T9'"):
        session.set_finding(finding(1, "T9"))


def test_a_lesions_place_is_its_finding_else_its_click(session):
    assert session.point_on(1, "T0") == (0.0, 0.0, 0.0)
    assert session.point_on(1, "T1") is None
    session.set_finding(finding(1, "T0", (4.0, 5.0, 6.0)))
    assert session.point_on(1, "T0") == (4.0, 5.0, 6.0)


def test_the_study_with_some_lesions_as_they_are_now(session):
    session.rename(2, "renamed")
    study = session.study_with({2})
    assert [(lesion.id, lesion.name) for lesion in study.lesions] == [(2, "renamed")]
    assert study.scans == session.study.scans
