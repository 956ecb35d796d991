"""Studies opened over each other, taken away, taken up again: nothing is lost without a question."""

from __future__ import annotations

import pytest

from napari.layers import Layer
from napari_longiseg._napari.desk import Desk
from napari_longiseg._napari.layers.scans import study_layers
from napari_longiseg.core.state import State

NEAR = (0.0, 0.0, 0.0)


@pytest.fixture
def questions(desk) -> list[str]:
    """What a reader was asked; the answer is no."""
    asked = []

    def no(what: str) -> bool:
        asked.append(what)
        return False

    desk.opening.may_lose = no
    return asked


@pytest.fixture
def load(viewer, idle):
    """Put a study into the viewer as the reader does."""

    def load(study) -> None:
        for data, options, kind in study_layers(study):
            viewer.add_layer(Layer.create(data, options, kind))
        idle()

    return load


@pytest.fixture
def other(study):
    """The first two scans again, as another patient's."""
    scans = tuple(make_copy(scan) for scan in study.scans[:2])
    return type(study)("P02", scans)


def make_copy(scan):
    return type(scan)(scan.id, scan.image.copy(), scan.grid, date=scan.date)


@pytest.fixture
def changed(desk, load, study, questions) -> Desk:
    """The phantom study, with a name that is not saved."""
    load(study)
    desk.session.rename(1, "node")
    return desk


def test_what_is_not_changed_is_left_without_a_question(desk, load, study, other, questions):
    load(study)
    load(other)
    assert desk.session.study is other
    assert questions == []


@pytest.fixture
def half_shown(desk, viewer, study, qtbot):
    """One scan, loaded; its layers are still coming."""
    single = type(study)("day0", (make_copy(study.scans[0]),))
    add_scan(viewer, single)
    qtbot.waitUntil(lambda: desk.session.study is single)
    assert desk.bridge.showing
    return desk


def add_scan(viewer, study) -> None:
    """Its first image, as the reader adds it."""
    (data, options, kind), *_ = study_layers(study)
    viewer.add_layer(Layer.create(data, options, kind))


def test_a_study_opened_while_another_is_brought_up_stays(half_shown, viewer, study, idle):
    plain = study.with_lesions(())
    viewer.add_points([NEAR])  # after each layer that comes the desk looks for studies, and finds the old one
    half_shown.session.open(plain)
    idle()
    assert half_shown.session.study is plain
    assert len(viewer.layers) == 12 + 1


def test_a_scan_loaded_while_another_is_brought_up_is_taken_up_after_it(
    half_shown, viewer, study, idle, qtbot
):
    add_scan(viewer, type(study)("day1", (make_copy(study.scans[1]),)))
    qtbot.waitUntil(lambda: len(half_shown.session.study.scans) == 2)
    idle()
    assert len(viewer.layers) == 8


def test_refused_the_study_stays_and_is_not_asked_about_again(changed, load, other, questions, viewer):
    load(other)
    assert changed.session.study.patient == "P01"
    assert changed.session.lesion(1).name == "node"
    assert questions == ["Study P01 has 2 lesions, not saved."]
    changed.opening.adopt()
    viewer.add_points([NEAR])
    changed.opening.adopt()
    assert len(questions) == 1
    assert len(changed.bridge.cells) == 3


def test_agreed_the_other_study_takes_its_place(changed, load, other):
    changed.opening.may_lose = lambda _: True
    load(other)
    assert changed.session.study is other
    assert changed.session.history.undo_label == ""
    assert [cell.scan.id for cell in changed.bridge.cells] == ["T0", "T1"]


def test_a_file_is_not_even_read_without_an_answer(changed, questions, tmp_path):
    changed.opening.open(tmp_path)
    assert len(questions) == 1
    assert not changed.runner.busy


def test_reviewed_findings_are_counted(changed, questions, study, make_finding, tmp_path):
    changed.session.set_known(make_finding(study, 1, "T0", NEAR))
    changed.reviewing.go(1, "T0")
    changed.reviewing.accept()
    changed.opening.open(tmp_path)
    assert "2 lesions with 1 reviewed findings, not saved" in questions[0]


def test_all_images_removed_by_hand_come_back_unless_that_was_meant(changed, questions, viewer, qtbot, idle):
    def take_away() -> None:
        for cell in changed.bridge.cells:
            viewer.layers.remove(cell.image)
        qtbot.wait(20)
        idle()

    take_away()
    assert len(questions) == 1
    assert changed.session.lesion(1).name == "node"
    assert len(changed.bridge.cells) == 3
    qtbot.waitUntil(lambda: all(cell.image in viewer.layers for cell in changed.bridge.cells))
    changed.opening.may_lose = lambda _: True
    take_away()
    assert changed.session.study is None
    assert changed.bridge.cells == ()


def test_a_saved_session_is_left_without_a_question(changed, questions, tmp_path, load, other, idle):
    changed.saving.save_as(tmp_path / "mine.longiseg.zarr")
    idle()
    load(other)
    assert questions == []
    assert changed.session.study is other


def test_a_session_file_is_gone_on_with(changed, tmp_path, idle):
    path = tmp_path / "mine.longiseg.zarr"
    changed.saving.save_as(path)
    idle()
    changed.session.open(None)
    changed.opening.open(path)
    idle()
    assert changed.session.lesion(1).name == "node"
    assert not changed.saving.unsaved
    changed.session.rename(1, "lung")
    assert changed.saving.unsaved


def test_an_interrupted_session_is_restored_on_request(changed, study):
    state = changed.session.state
    changed.session.open(study)
    assert changed.session.lesion(1).name == "near"
    changed.opening.open_state(state)
    assert changed.session.lesion(1).name == "node"
    assert changed.session.study is study


def test_without_a_study_there_is_nothing_to_go_on_with(desk):
    desk.opening.open_state(State())
    assert desk.session.study is None


def test_another_desk_goes_on_with_the_session(changed, viewer):
    changed.close()
    later = Desk(viewer, lambda: None)
    assert later.session is changed.session
    later.close()


def test_scans_are_aligned_once_all_their_layers_are_there(desk, load, study, other, monkeypatch):
    shown = []
    monkeypatch.setattr(
        desk.runner, "link", lambda *_: shown.append((desk.bridge.showing, desk.session.study))
    )
    desk.session.open(study)
    desk.session.open(other)  # before the first has come up
    load(other)
    assert shown == [(False, other)]
