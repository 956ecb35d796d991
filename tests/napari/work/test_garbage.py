from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from napari_longiseg._napari.work import garbage as module
from napari_longiseg._napari.work.garbage import Garbage
from napari_longiseg._napari.work.job import Stage


class Cycle:
    """Only a full collection can see that nobody knows it."""

    def __init__(self) -> None:
        self.me = self


class Reader:
    """What they see; None while something runs. And whether another thread works."""

    sees: int | None = 0
    working = False


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def garbage(qapp, reader) -> Iterator[Garbage]:
    """The first look is made, so that a reader who does nothing from now on rests."""
    garbage = Garbage(lambda: reader.sees, lambda: reader.working)
    garbage.look()
    yield garbage
    reader.working = False
    garbage.close()


@pytest.fixture
def lost() -> weakref.ref[Cycle]:
    """Something that has survived the small collections, and enough of these for a full one."""
    cycle = Cycle()
    gc.collect(1)
    known = weakref.ref(cycle)
    del cycle
    while gc.get_count()[2] < module.ENOUGH:
        gc.collect(1)
    return known


def test_garbage_is_collected_while_the_reader_rests(garbage, lost):
    assert lost() is not None
    garbage.look()
    assert lost() is None


@pytest.mark.parametrize("sees", [1, None])
def test_nobody_is_kept_waiting(garbage, lost, reader, sees):
    reader.sees = sees
    garbage.look()
    assert lost() is not None


def test_too_much_garbage_cannot_wait(garbage, lost, reader, monkeypatch):
    monkeypatch.setattr(module, "TOO_MUCH", module.ENOUGH)
    reader.sees = None
    garbage.look()
    assert lost() is None


def test_little_garbage_is_not_worth_it(garbage, lost):
    gc.collect()
    seen = []
    gc.callbacks.append(lambda phase, info: seen.append(info["generation"]))
    try:
        garbage.look()
    finally:
        gc.callbacks.pop()
    assert 2 not in seen


def test_new_garbage_is_collected_by_and_by_whatever_the_reader_does(garbage, reader, qtbot):
    reader.sees = None
    cycle = Cycle()
    known = weakref.ref(cycle)
    del cycle
    kept = [[] for _ in range(2 * gc.get_threshold()[0])]
    assert known() is not None, "Python does not do it itself"
    qtbot.waitUntil(lambda: known() is None)
    assert kept


def test_python_does_it_itself_before_and_after(qapp, reader, garbage):
    other = Garbage(lambda: reader.sees, lambda: reader.working)
    garbage.close()
    assert not gc.isenabled(), "there is another one"
    other.close()
    assert gc.isenabled()


def test_python_waits_for_the_end_of_another_thread(reader, garbage, qtbot):
    reader.working = True
    garbage.close()
    qtbot.wait(2 * module.LOOK_AT_NEW_MS)
    assert not gc.isenabled()
    reader.working = False
    qtbot.waitUntil(gc.isenabled)


def test_a_desk_closed_at_work_leaves_it_to_python_when_its_thread_has_ended(desk, qtbot):
    reached, go_on = threading.Event(), threading.Event()

    def work(progress):
        reached.set()
        go_on.wait(10)
        yield from ()

    desk.runner.run("Waiting", work, lambda _: None)
    assert reached.wait(5)
    desk.close()
    assert not gc.isenabled()
    go_on.set()
    qtbot.waitUntil(gc.isenabled)
    assert not desk.runner.working


def test_scrolling_and_work_are_no_rest(at_work, viewer):
    resting = at_work._rest()
    assert resting == at_work._rest() is not None
    viewer.dims.set_point(0, viewer.dims.point[0] + 10)
    assert at_work._rest() != resting
    at_work.runner.stage_changed.emit(Stage("Saving the session", 0.0, "", 0.0))  # in the background
    assert at_work._rest() is None
    at_work.runner.stage_changed.emit(None)
    assert at_work._rest() is not None
