"""Jobs in the engine's thread: what they bring, in whose turn, and how they end."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from napari_longiseg._napari.work.engine import DEEPEST, Engine
from napari_longiseg._napari.work.job import Job, Priority
from napari_longiseg.core.errors import Cancelled, SegmentationError, Underway
from napari_longiseg.core.progress import silent
from napari_longiseg.registration._shelf import Shelf


class Desk:
    """Makes the engine's calls in the test's thread, as a GUI does, and keeps what jobs have said."""

    def __init__(self) -> None:
        self.calls: queue.Queue[Callable[[], None]] = queue.Queue()
        self.engine = Engine(self.calls.put)
        self.heard: list[tuple[object, ...]] = []
        self.threads: set[int] = set()

    def submit(self, work, priority: Priority = Priority.LONG, name: str = "") -> Job:
        job = Job(work, priority, lambda: "CPU")
        for signal in ("yielded", "failed", "ended"):
            getattr(job, signal).connect(self._hear(name, signal))
        self.engine.submit(job)
        return job

    def _hear(self, *what: str) -> Callable[[object], None]:
        def hear(value: object) -> None:
            self.threads.add(threading.get_ident())
            self.heard.append((*(part for part in what if part), value))

        return hear

    def until(self, ready: Callable[[], bool]) -> None:
        """Make calls until something has come."""
        end = time.monotonic() + 5
        while not ready():
            assert time.monotonic() < end, self.heard
            try:
                self.calls.get(timeout=0.05)()
            except queue.Empty:
                continue

    def run(self, work) -> list[tuple[object, ...]]:
        """Do one job to its end."""
        self.heard.clear()
        self.submit(work)
        self.until(lambda: bool(self.heard) and self.heard[-1][0] == "ended")
        return self.heard


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.engine.close()


def test_results_stream_in_the_gui_thread_and_the_body_runs_elsewhere(desk):
    where = []

    def work(progress) -> Iterator[int]:
        where.append(threading.get_ident())
        yield 1
        progress("half", 0.5)
        yield 2

    assert desk.run(work) == [("yielded", 1), ("yielded", 2), ("ended", True)]
    assert desk.threads == {threading.get_ident()}
    assert where != [threading.get_ident()]


def test_all_jobs_share_one_thread_that_ends_with_the_engine(desk):
    threads = []

    def work(progress) -> Iterator[int]:
        threads.append(threading.current_thread())
        yield 1

    for _ in range(3):
        desk.run(work)
    assert len(set(threads)) == 1
    assert threads[0].daemon
    desk.engine.close()
    threads[0].join(5)
    assert not threads[0].is_alive()
    late = desk.submit(work)
    assert late.cancelled


def test_the_newest_stage_is_told_with_the_device_and_the_start(desk):
    stages = []

    def work(progress) -> Iterator[int]:
        for step in range(100):
            progress("Aligning", step / 100)
        yield 1

    before = time.monotonic()
    job = desk.submit(work)
    job.stage_changed.connect(stages.append)
    desk.until(lambda: bool(desk.heard))
    assert (stages[-1].text, stages[-1].fraction, stages[-1].device) == ("Aligning", 0.99, "CPU")
    assert before <= stages[-1].since <= time.monotonic()
    assert len(stages) <= 100


def test_our_errors_keep_their_sentence(desk):
    def work(progress) -> Iterator[int]:
        yield 1
        msg = "The engine is out of memory."
        raise SegmentationError(msg)

    assert desk.run(work)[1:] == [("failed", "The engine is out of memory."), ("ended", False)]


@pytest.mark.parametrize("error", [RuntimeError("CUDA\nmore"), KeyError("x"), ValueError(), StopIteration()])
def test_any_other_error_becomes_one_sentence_and_the_engine_goes_on(desk, error, caplog):
    def work(progress) -> Iterator[int]:
        raise error
        yield 1

    name, sentence = desk.run(work)[0]
    assert name == "failed"
    assert sentence.startswith("Stopped by an unexpected ")
    assert "\n" not in sentence
    assert "Traceback" in caplog.text
    assert desk.run(lambda progress: iter([7]))[-2:] == [("yielded", 7), ("ended", True)]


def test_cancel_is_heard_at_once_and_the_work_stops_at_its_next_result(desk):
    inside, go_on, stopped = threading.Event(), threading.Event(), threading.Event()

    def work(progress) -> Iterator[int]:
        inside.set()
        go_on.wait(5)
        try:
            yield 1
        finally:
            stopped.set()

    job = desk.submit(work)
    assert inside.wait(5)
    job.cancel()
    assert desk.heard == [("ended", False)]
    go_on.set()
    assert stopped.wait(5)
    desk.until(desk.calls.empty)
    assert desk.heard == [("ended", False)]


def test_progress_raises_after_cancel(desk):
    started, raised = threading.Event(), threading.Event()

    def work(progress) -> Iterator[int]:
        try:
            while True:
                progress("working", 0.5)
                started.set()
        except Cancelled:
            raised.set()
            raise
        yield 1

    job = desk.submit(work)
    assert started.wait(5)
    job.cancel()
    assert raised.wait(5)


def test_closing_stops_what_runs_and_what_waits(desk):
    started, ended = threading.Event(), threading.Event()

    def work(progress) -> Iterator[int]:
        try:
            while True:
                progress("working", 0.5)
                started.set()
        finally:
            ended.set()
        yield 1

    desk.submit(work)
    desk.submit(lambda progress: iter([1]), Priority.BACKGROUND)
    assert started.wait(5)
    desk.engine.close()
    assert ended.wait(5)
    assert ("yielded", 1) not in desk.heard


class Long:
    """Work that reports its progress until the test lets it end."""

    def __init__(self, results: int = 1) -> None:
        self.started, self.go_on = threading.Event(), threading.Event()
        self._results = results

    def __call__(self, progress) -> Iterator[int]:
        for number in range(self._results):
            while not self.go_on.is_set():
                progress("working", 0.5)
                self.started.set()
                time.sleep(0.001)
            yield number


def test_a_click_does_not_wait_for_a_long_run(desk):
    long = Long()
    desk.submit(long, name="long")
    assert long.started.wait(5)
    desk.submit(lambda progress: iter([1, 2]), Priority.CLICK, "click")
    desk.until(lambda: ("click", "ended", True) in desk.heard)
    assert desk.heard[:2] == [("click", "yielded", 1), ("click", "yielded", 2)]
    long.go_on.set()
    desk.until(lambda: ("long", "ended", True) in desk.heard)


@pytest.mark.parametrize(
    ("first", "second"), [(Priority.LONG, Priority.LONG), (Priority.CLICK, Priority.LONG)]
)
def test_work_that_is_not_more_urgent_waits(desk, first, second):
    long = Long()
    desk.submit(long, first, "first")
    assert long.started.wait(5)
    desk.submit(lambda progress: iter([1]), second, "second")
    time.sleep(0.05)
    assert desk.calls.qsize() <= 1, "no more than the stage"
    long.go_on.set()
    desk.until(lambda: ("second", "ended", True) in desk.heard)
    assert desk.heard[0] == ("first", "yielded", 0)


def test_the_newest_click_comes_first(desk):
    clicks = [Long() for _ in range(3)]
    for number, click in enumerate(clicks):
        desk.submit(click, Priority.CLICK, str(number))
        assert click.started.wait(5), "each is begun while those before it are at work"
    for click in clicks:
        click.go_on.set()
    desk.until(lambda: len(desk.heard) == 6)
    assert [heard[0] for heard in desk.heard if heard[1] == "ended"] == ["2", "1", "0"]


def test_a_hundred_clicks_do_not_exhaust_the_stack(desk):
    clicks = [Long() for _ in range(100)]
    for click in clicks:
        desk.submit(click, Priority.CLICK)
    desk.until(lambda: any(click.started.is_set() for click in clicks))
    time.sleep(0.1)
    assert sum(click.started.is_set() for click in clicks) <= DEEPEST + 1
    for click in clicks:
        click.go_on.set()
    desk.until(lambda: len(desk.heard) == 200)


def test_a_click_that_needs_what_a_long_run_is_making_begins_anew_when_it_is_there(desk):
    shelf: Shelf[int] = Shelf(4)
    long, made = Long(), []

    def make(progress) -> int:
        made.extend(long(progress))
        return 7

    def slow(progress) -> Iterator[int]:
        yield shelf.get("T0 to T1", lambda: make(progress), progress)

    def quick(progress) -> Iterator[object]:
        yield "outline"
        yield shelf.get("T0 to T1", lambda: 8, progress)

    desk.submit(slow, name="slow")
    assert long.started.wait(5)
    desk.submit(quick, Priority.CLICK, "quick")
    desk.until(lambda: bool(desk.heard))
    assert desk.heard == [("quick", "yielded", "outline")]
    long.go_on.set()
    desk.until(lambda: ("slow", "ended", True) in desk.heard)
    values = [heard[2] for heard in desk.heard if heard[:2] == ("quick", "yielded")]
    assert values == ["outline", "outline", 7]
    assert made == [0]


def test_a_value_that_this_thread_makes_already_cannot_be_waited_for():
    shelf: Shelf[int] = Shelf(4)
    with pytest.raises(Underway, match="ask for it again"):
        shelf.get("key", lambda: shelf.get("key", lambda: 1, silent), silent)
    assert shelf.get("key", lambda: 2, silent) == 2


def test_nothing_works_within_the_report_of_what_has_switched_gradients_off(desk):
    import torch

    long = Long()

    def off(progress) -> Iterator[int]:
        with torch.no_grad():
            numbers = list(long(progress))
        yield from numbers

    desk.submit(off, name="off")
    assert long.started.wait(5)
    desk.submit(lambda progress: iter([torch.is_grad_enabled()]), Priority.CLICK, "click")
    time.sleep(0.05)
    long.go_on.set()
    desk.until(lambda: ("click", "ended", True) in desk.heard)
    assert desk.heard[:2] == [("off", "yielded", 0), ("click", "yielded", True)]
