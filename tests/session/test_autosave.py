from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from napari_longiseg.io.session_store import read_history, read_session, write_session
from napari_longiseg.session import Session
from napari_longiseg.session.autosave import Autosave

PLACE = Path("P01.longiseg.zarr")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def write() -> Mock:
    return Mock()


@pytest.fixture
def autosave(session, write, clock) -> Autosave:
    return Autosave(session, PLACE, write, interval_s=60, clock=clock)


def test_what_was_just_opened_need_not_be_saved(autosave, clock):
    clock.now += 1000
    assert not autosave.changed
    assert not autosave.due()


def test_due_when_something_has_changed_and_time_has_passed(autosave, session, clock):
    session.rename(1, "liver")
    assert autosave.changed
    assert not autosave.due()
    clock.now += 60
    assert autosave.due()


def test_what_is_saved_is_the_session_as_it_was_asked(autosave, session, write, clock):
    session.rename(1, "liver")
    clock.now += 60
    study, state = session.study, session.state
    work = autosave.save()
    assert not autosave.due()  # once begun, it is not begun again
    session.rename(1, "liver, segment VI")
    work()
    write.assert_called_once_with(PLACE, study, state, ("Rename lesion 1",))
    assert autosave.changed
    autosave.save()()
    assert not autosave.changed


def test_undone_to_what_was_saved_there_is_nothing_to_save(autosave, session):
    session.rename(1, "liver")
    session.undo()
    assert not autosave.changed


def test_a_save_that_failed_is_tried_again(autosave, session, write, clock):
    write.side_effect = OSError("full")
    session.rename(1, "liver")
    with pytest.raises(OSError, match="full"):
        autosave.save()()
    assert not autosave.due()
    clock.now += 60
    assert autosave.due()


def test_without_a_study_there_is_nothing_to_save(autosave, session, clock):
    session.open(None)
    clock.now += 60
    assert autosave.save() is None
    assert not autosave.due()


def test_reopened_it_goes_on_where_it_was(session, outlined, tmp_path):
    path = tmp_path / PLACE
    autosave = Autosave(session, path, write_session)
    session.rename(1, "liver")
    session.set_known(outlined(1, "T1"))
    autosave.save()()
    again = Session()
    again.open(*read_session(path), read_history(path))
    assert again.lesion(1).name == "liver"
    assert again.finding(1, "T1").measurements == session.finding(1, "T1").measurements
    assert again.history.labels == ("Rename lesion 1",)
    assert not Autosave(again, path, write_session).changed
