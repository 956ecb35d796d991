from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from napari_longiseg._napari.job import Job
from napari_longiseg.core.errors import Cancelled, SegmentationError


class Record:
    """What a job has said, in order."""

    def __init__(self, job: Job) -> None:
        self.heard: list[object] = []
        self.threads: set[int] = set()
        for signal in ("yielded", "failed", "ended"):
            getattr(job, signal).connect(self._hear(signal))

    def _hear(self, name: str):
        def hear(value) -> None:
            self.threads.add(threading.get_ident())
            self.heard.append((name, value))

        return hear


def run(qtbot, work) -> Record:
    job = Job(work)
    record = Record(job)
    with qtbot.waitSignal(job.ended, timeout=5000):
        job.start()
    return record


def test_results_stream_and_the_body_runs_elsewhere(qtbot):
    where = []

    def work(progress) -> Iterator[int]:
        where.append(threading.get_ident())
        yield 1
        progress("half", 0.5)
        yield 2

    record = run(qtbot, work)
    assert record.heard == [("yielded", 1), ("yielded", 2), ("ended", True)]
    assert record.threads == {threading.get_ident()}
    assert where != [threading.get_ident()]


def test_progress_arrives(qtbot):
    def work(progress) -> Iterator[int]:
        progress("Aligning", 0.25)
        yield 1

    job = Job(work)
    with qtbot.waitSignals([job.progressed, job.ended], timeout=5000) as blocker:
        job.start()
    assert blocker.all_signals_and_args[0].args == ("Aligning", 0.25)


def test_our_errors_keep_their_sentence(qtbot):
    def work(progress) -> Iterator[int]:
        yield 1
        msg = "The engine is out of memory."
        raise SegmentationError(msg)

    assert run(qtbot, work).heard[1:] == [("failed", "The engine is out of memory."), ("ended", False)]


@pytest.mark.parametrize("error", [RuntimeError("CUDA\nmore"), KeyError("x"), ValueError(), StopIteration()])
def test_any_other_error_becomes_one_sentence(qtbot, error, caplog):
    def work(progress) -> Iterator[int]:
        raise error
        yield 1

    name, sentence = run(qtbot, work).heard[0]
    assert name == "failed"
    assert sentence.startswith("Stopped by an unexpected ")
    assert "\n" not in sentence
    assert "Traceback" in caplog.text


def test_cancel_ends_at_once_and_drops_what_comes_late(qtbot):
    inside, go_on, gone = threading.Event(), threading.Event(), []

    def work(progress) -> Iterator[int]:
        inside.set()
        go_on.wait(5)
        yield 1
        try:
            progress("never seen", 1.0)
        except Cancelled:
            gone.append(True)
            raise
        yield 2

    job = Job(work)
    record = Record(job)
    job.start()
    assert inside.wait(5)
    job.cancel()
    assert record.heard == [("ended", False)]
    go_on.set()
    qtbot.wait(300)
    assert record.heard == [("ended", False)]


def test_progress_raises_after_cancel(qtbot):
    started, stopped = threading.Event(), threading.Event()

    def work(progress) -> Iterator[int]:
        try:
            while True:
                progress("working", 0.5)
                started.set()
        except Cancelled:
            stopped.set()
            raise
        yield 1

    job = Job(work)
    record = Record(job)
    job.start()
    assert started.wait(5)
    job.cancel()
    assert stopped.wait(5)
    qtbot.wait(200)
    assert record.heard == [("ended", False)]
