from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from napari_longiseg._napari import saving as saving_module
from napari_longiseg._napari.preferences import Preferences
from napari_longiseg._napari.saving import Saving
from napari_longiseg._napari.work.runner import Runner
from napari_longiseg.core.lesion import Click
from napari_longiseg.core.state import State
from napari_longiseg.io.session_store import is_session, read_session, write_session

NEAR = (0.0, 0.0, 0.0)


@pytest.fixture
def chosen() -> list[Preferences]:
    """The user's preferences: the last of these."""
    return [Preferences(autosave_s=0)]


@pytest.fixture
def written(monkeypatch) -> list:
    """Where a session was written to, in order."""
    paths = []
    write = saving_module.write_session

    def noted(path, *args) -> None:
        paths.append(path)
        write(path, *args)

    monkeypatch.setattr(saving_module, "write_session", noted)
    return paths


@pytest.fixture
def runner(qtbot, session):
    runner = Runner(session)
    yield runner
    runner.close()


@pytest.fixture
def saving(session, runner, chosen, written):
    saving = Saving(session, runner, lambda: chosen[-1])
    yield saving
    chosen.append(Preferences(autosave=False))
    saving.close()


@pytest.fixture
def done(runner, qtbot):
    """Wait until all is written and read."""
    return lambda: qtbot.waitUntil(lambda: not runner._agenda.jobs, timeout=20_000)


@pytest.fixture
def opened(saving, session, study, done) -> Saving:
    """With the phantom study."""
    session.open(study)
    done()
    return saving


def test_only_what_a_reader_has_changed_is_saved(opened, session, written, done):
    opened.look()
    assert not opened.unsaved
    session.add_click(1, Click("T1", NEAR))
    assert opened.unsaved
    for _ in range(3):
        opened.look()
        done()
    assert len(written) == 1
    assert opened.unsaved, "it is in no file of the reader's choice"
    session.rename(1, "node")
    opened.look()
    done()
    assert len(written) == 2
    assert written[0] == written[1]


def test_autosave_can_be_switched_off_and_waits_for_its_time(opened, session, written, chosen, done):
    session.rename(1, "node")
    for preferences in (Preferences(autosave=False), Preferences(autosave_s=60)):
        chosen.append(preferences)
        opened.look()
        done()
    assert written == []


def test_an_interrupted_session_is_offered_for_the_same_scans_only(opened, session, study, done):
    session.rename(1, "node")
    opened.look()
    done()
    offered = []
    opened.interrupted.connect(offered.append)
    session.open(type(study)(study.patient, study.scans[:2], study.lesions))
    done()
    assert offered == []
    session.open(study)
    done()
    assert [state.lesions[1].name for state in offered] == ["node"]


def test_going_on_with_it_is_not_asked_about_again(opened, session, study, done):
    session.rename(1, "node")
    opened.look()
    done()
    offered = []

    def go_on(state) -> None:
        offered.append(state)
        session.open(study, state)

    opened.interrupted.connect(go_on)
    session.open(study)
    for _ in range(3):
        done()
    assert len(offered) == 1
    assert session.lesion(1).name == "node"


def test_what_the_reader_lets_go_of_is_not_offered_again(opened, session, study, written, done):
    session.rename(1, "node")
    opened.look()
    done()
    opened.let_go()
    assert not written[0].exists()
    for thread in threading.enumerate():
        if thread.name == "longiseg-discard":
            thread.join(10)
    assert list(written[0].parent.iterdir()) == []
    offered = []
    opened.interrupted.connect(offered.append)
    session.open(study)
    done()
    assert offered == []


def test_a_damaged_session_is_passed_over(opened, session, study, written, done):
    session.rename(1, "node")
    opened.look()
    done()
    for part in written[0].rglob("*.json"):
        part.write_text("{")
    offered = []
    opened.interrupted.connect(offered.append)
    session.open(study)
    done()
    assert offered == []


def test_saved_where_the_reader_wants_and_kept_there(opened, session, tmp_path, written, done):
    said = []
    opened.noticed.connect(said.append)
    session.rename(1, "node")
    opened.look()
    done()
    opened.save_as(tmp_path / "mine")
    done()
    path = tmp_path / "mine.longiseg.zarr"
    assert said == [f"The session is saved in {path}."]
    assert not written[0].exists(), "what was saved by itself is not needed any more"
    assert not opened.unsaved
    session.rename(1, "lung")
    assert opened.unsaved
    opened.look()
    done()
    assert written[1:] == [path, path]
    assert read_session(path)[1].lesions[1].name == "lung"
    opened.let_go()
    assert is_session(path), "a file of the reader's choice stays"


def test_a_place_that_is_something_else_is_refused(opened, session, tmp_path, written, done):
    said = []
    opened.failed.connect(said.append)
    session.rename(1, "node")
    wrong = tmp_path / "mine.longiseg.zarr"
    wrong.write_text("a letter")
    opened.save_as(wrong)
    done()
    assert said == ["mine.longiseg.zarr is something else than a session: choose another name."]
    assert wrong.read_text() == "a letter"
    assert opened.unsaved
    assert written == []


def test_another_session_is_replaced_only_when_the_reader_agrees(opened, session, study, tmp_path, done):
    path, asked = tmp_path / "mine.longiseg.zarr", []
    write_session(path, replace(study, patient="P02"), State(session.state.lesions))
    opened.may_replace = lambda what: bool(asked.append(what))
    session.rename(1, "node")
    opened.save_as(path)
    done()
    assert asked == ["mine.longiseg.zarr holds a session of P02 with 2 lesions."]
    assert read_session(path)[0].patient == "P02"
    opened.may_replace = lambda what: not asked.append(what)
    opened.save_as(path)
    done()
    assert read_session(path)[0].patient == "P01"
    opened.save_as(path)
    assert len(asked) == 2, "its own file needs no question"


def test_a_place_within_a_session_stands_for_it(opened, session, tmp_path, done):
    path = tmp_path / "mine.longiseg.zarr"
    opened.save_as(path)
    done()
    session.rename(1, "node")
    opened.save_as(path / "scans" / "session.longiseg.zarr")
    done()
    assert read_session(path)[1].lesions[1].name == "node"
    assert not (path / "scans" / "session.longiseg.zarr").exists()


def test_a_session_that_cannot_be_read_is_asked_about_too(opened, session, tmp_path, done):
    path, asked = tmp_path / "mine.longiseg.zarr", []
    path.mkdir()
    opened.may_replace = lambda what: bool(asked.append(what))
    opened.save_as(path)
    assert asked == ["mine.longiseg.zarr holds a session that cannot be read."]


def test_a_place_that_cannot_be_written_is_said_and_the_work_stays_unsaved(
    opened, session, runner, tmp_path, done
):
    said = []
    runner.failed.connect(said.append)
    session.rename(1, "node")
    (tmp_path / "file").write_text("")
    opened.save_as(tmp_path / "file" / "mine.longiseg.zarr")
    done()
    assert len(said) == 1
    assert opened.unsaved


def test_without_a_study_there_is_nothing_to_save(saving, tmp_path):
    said = []
    saving.failed.connect(said.append)
    saving.save_as(tmp_path / "mine.longiseg.zarr")
    assert said == ["No study is open that could be saved."]


def test_a_window_that_nobody_works_in_keeps_and_offers_nothing(opened, session, study, written, done):
    session.rename(1, "node")
    opened.look()
    done()
    assert len(written) == 1
    offered = []
    opened.interrupted.connect(offered.append)
    opened.leave_off()
    session.open(study)
    session.rename(1, "another")
    opened.look()
    done()
    assert offered == []
    assert len(written) == 1
