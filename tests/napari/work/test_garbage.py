from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from napari_longiseg._napari.work import garbage as module
from napari_longiseg._napari.work.garbage import Garbage


class Cycle:
    """Only a full collection can see that nobody knows it."""

    def __init__(self) -> None:
        self.me = self


class Reader:
    """What they see; None while something runs."""

    sees: int | None = 0


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def garbage(qapp, reader) -> Iterator[Garbage]:
    """The first look is made, so that a reader who does nothing from now on rests."""
    garbage = Garbage(lambda: reader.sees)
    garbage.look()
    yield garbage
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


def test_python_does_it_itself_before_and_after(qapp, reader):
    before = gc.get_threshold()
    garbage = Garbage(lambda: reader.sees)
    assert gc.get_threshold()[:2] == before[:2]
    assert gc.get_threshold()[2] > 1_000_000
    garbage.close()
    assert gc.get_threshold() == before


def test_scrolling_and_work_are_no_rest(at_work, viewer, monkeypatch):
    resting = at_work._rest()
    assert resting == at_work._rest() is not None
    viewer.dims.set_point(0, viewer.dims.point[0] + 10)
    assert at_work._rest() != resting
    monkeypatch.setattr(type(at_work.runner), "busy", True)
    assert at_work._rest() is None
