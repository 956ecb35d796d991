from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import nullcontext

import pytest

from napari_longiseg._napari.view.steps import Steps, Turns, at_once


@pytest.fixture
def turns() -> list[Callable[[], None]]:
    return []


def work(done: list[str], name: str, count: int = 3) -> Generator[None]:
    try:
        for number in range(count):
            done.append(f"{name}{number}")
            yield
    finally:
        done.append(f"{name} closed")


def test_each_step_has_its_turn(turns):
    steps, done = Steps(turns.append, nullcontext), []
    steps.start(work(done, "a"))
    while steps.running:
        assert len(turns) == 1
        turns.pop()()
    assert done == ["a0", "a1", "a2", "a closed"]
    assert not turns


def test_other_work_takes_the_place_of_what_is_under_way(turns):
    steps, done = Steps(turns.append, nullcontext), []
    steps.start(work(done, "a"))
    steps.start(work(done, "b"))
    for turn in turns:
        turn()
    assert [step for step in done if "closed" not in step] == ["a0", "b0", "b1", "b2"]


def test_all_at_once_or_what_is_left():
    done: list[str] = []
    Steps(at_once, nullcontext).start(work(done, "a"))
    steps = Steps([].append, nullcontext)
    steps.start(work(done, "b"))
    steps.finish()
    assert done == ["a0", "a1", "a2", "a closed", "b0", "b1", "b2", "b closed"]


def test_dropped_work_is_closed(turns):
    steps, done = Steps(turns.append, nullcontext), []
    steps.start(work(done, "a"))
    steps.drop()
    assert done == ["a0", "a closed"]
    turns.pop()()
    assert done == ["a0", "a closed"]


def test_work_that_fails_is_not_gone_on_with(turns):
    def failing() -> Generator[None]:
        msg = "no"
        raise ValueError(msg)
        yield

    steps = Steps(turns.append, nullcontext)
    with pytest.raises(ValueError, match="no"):
        steps.start(failing())
    assert not steps.running
    assert not turns


def test_a_call_that_waits_is_made_once_in_its_turn(turns):
    later, done = Turns(turns.append), []

    def first() -> None:
        done.append("first")
        if len(done) < 3:
            later.soon(first)  # again, after those that wait

    def second() -> None:
        done.append("second")

    for call in (first, second, first):
        later.soon(call)
    while turns:
        assert len(turns) == 1
        turns.pop()()
    assert done == ["first", "second", "first"]


def test_calls_at_once_and_after_one_that_fails(turns):
    done: list[str] = []
    at_once_ = Turns(at_once)
    at_once_.soon(lambda: done.append("now"))
    assert done == ["now"]
    later = Turns(turns.append)
    later.soon(lambda: {}["nothing"])
    later.soon(lambda: done.append("then"))
    with pytest.raises(KeyError):
        turns.pop()()
    turns.pop()()
    assert done == ["now", "then"]
