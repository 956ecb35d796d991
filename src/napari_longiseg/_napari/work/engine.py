"""The thread that does a panel's work: one for its life, one job at a time, the most urgent first."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from threading import Condition, Thread, get_ident

from qtpy.QtCore import QObject, Qt, QTimer, Signal

from napari_longiseg._napari.work.job import Job, Priority
from napari_longiseg.core.errors import Cancelled, LongisegError, Underway

logger = logging.getLogger(__name__)

DEEPEST = 8
"""So many jobs may wait within each other's reports of progress; Python's stack is not endless."""
SWITCH_S = 0.0005
"""How long the engine's thread keeps Python to itself while the GUI's wants it. Drawing one frame gives it
away and takes it back dozens of times; at Python's own 5 ms each, the frame would take a second."""


class Mailbox(QObject):
    """Has calls made in the thread that it was made in, in their order, one per turn of its event loop.

    Qt would make all that are posted in one go; so frames are drawn and clicks heard between two of them.
    """

    _posted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._calls: deque[Callable[[], None]] = deque()
        self._turns = QTimer(self)
        self._turns.setInterval(0)
        self._turns.timeout.connect(self._on_turn)
        self._posted.connect(self._turns.start, Qt.ConnectionType.QueuedConnection)

    def post(self, call: Callable[[], None]) -> None:
        """Have it made soon; from any thread."""
        self._calls.append(call)
        self._posted.emit()

    def _on_turn(self) -> None:
        if self._calls:
            self._calls.popleft()()
        else:
            self._turns.stop()


class Engine:
    """Does jobs in a thread of its own.

    At each result and at each report of progress a job steps aside for more urgent ones, and goes on after
    them. So a click is not kept waiting by a run through all lesions.

    Parameters
    ----------
    post : callable
        Has a call made in the thread that the jobs' signals shall come in; from any thread.
    """

    def __init__(self, post: Callable[[Callable[[], None]], None]) -> None:
        self._post = post
        self._lock = Condition()
        self._waiting: list[_Ticket] = []
        self._numbers = count()
        self._thread: Thread | None = None
        self._closed = False
        self._depth = 0

    @property
    def alive(self) -> bool:
        """Whether there is a thread: from the first job on, and once closed, until it has ended."""
        return self._thread is not None and self._thread.is_alive()

    def submit(self, job: Job) -> None:
        """Do a job when its turn comes; nothing is done once the engine is closed."""
        with self._lock:
            if self._closed:
                job.cancel()
                return
            self._waiting.append(_Ticket(job, next(self._numbers)))
            if self._thread is None:
                self._thread = Thread(target=self._run, name="longiseg-engine", daemon=True)
                self._thread.start()
            self._lock.notify()

    def close(self) -> None:
        """Let the thread end as soon as its work reports; whoever has jobs cancels them before."""
        with self._lock:
            self._closed = True
            self._post = _drop
            self._lock.notify()

    # ---- in the thread

    def _run(self) -> None:
        with _quick_switches():
            while self._turn(None):
                pass

    def _turn(self, beneath: _Ticket | None) -> bool:
        """Bring the most urgent job one result further; False where there is none for now."""
        ticket = self._next(beneath)
        if ticket is None:
            return False
        self._depth += 1
        self._step(ticket)
        with self._lock:
            for other in self._waiting:
                if other.blocked > self._depth:  # what it needs may be there now
                    other.blocked = 0
        self._depth -= 1
        return True

    def _next(self, beneath: _Ticket | None) -> _Ticket | None:
        """Wait for a job, or see whether there is one more urgent than that which would wait beneath it."""
        with self._lock:
            while True:
                ready = [ticket for ticket in self._waiting if ticket.is_ready(beneath)]
                if ready:
                    best = max(ready, key=_Ticket.urgency)
                    self._waiting.remove(best)
                    return best
                if beneath is not None or (self._closed and not self._waiting):
                    return None
                self._lock.wait()

    def _step(self, ticket: _Ticket) -> None:
        job = ticket.job
        try:
            if job.cancelled or self._closed:
                job.rewind()
                return
            results = job.step(partial(self._report, ticket))
        except Cancelled:
            self._post(partial(job.end, False))
        except Underway:
            job.rewind()
            self._put_back(ticket, blocked=self._depth)
        except LongisegError as error:
            self._post(partial(job.fail, str(error)))
        except Exception as error:
            logger.exception("Unexpected error in the engine")
            self._post(partial(job.fail, _sentence(error)))
        else:
            for result in results:
                self._post(partial(job.bring, result))
            if results:
                self._put_back(ticket)
            else:
                self._post(partial(job.end, True))

    def _put_back(self, ticket: _Ticket, blocked: int = 0) -> None:
        with self._lock:
            ticket.blocked = blocked
            self._waiting.append(ticket)

    def _report(self, ticket: _Ticket, text: str, fraction: float) -> None:
        """Hear a job's progress, and let more urgent ones pass."""
        self._stop_if_cancelled(ticket.job)
        if ticket.job.reach(text, fraction):
            self._post(ticket.job.tell)
        if self._may_step_aside():
            while self._turn(ticket):
                pass
        self._stop_if_cancelled(ticket.job)

    def _stop_if_cancelled(self, job: Job) -> None:
        if job.cancelled or self._closed:
            msg = "Cancelled."
            raise Cancelled(msg)

    def _may_step_aside(self) -> bool:
        """Whether another job could do all it wants from within this one's report.

        Torch's modes are the thread's: what works while gradients are off has none, either.
        """
        torch = sys.modules.get("torch")
        gradients = torch is None or torch.is_grad_enabled()
        ours = self._thread is not None and get_ident() == self._thread.ident
        return ours and gradients and self._depth < DEEPEST


class _Ticket:
    """A job's place in the queue.

    Attributes
    ----------
    number : int
        Counts up.
    blocked : int
        0, or how deep it was within other jobs' reports when it needed what one of them was making.
    """

    def __init__(self, job: Job, number: int) -> None:
        self.job = job
        self.number = number
        self.blocked = 0

    def urgency(self) -> tuple[bool, Priority, int]:
        """What is cancelled is done with at once; of equal ones the newest comes first."""
        return self.job.cancelled, self.job.priority, self.number

    def is_ready(self, beneath: _Ticket | None) -> bool:
        """Whether it can go on, and may do so while another one waits for it."""
        if beneath is None or self.job.cancelled:
            return True
        priority, other = self.job.priority, beneath.job.priority
        newer = priority is other is Priority.CLICK and self.number > beneath.number
        return not self.blocked and (priority > other or newer)


def _sentence(error: Exception) -> str:
    first_line = (str(error).strip().splitlines() or ["no message"])[0]
    return f"Stopped by an unexpected {type(error).__name__}: {first_line} (the log has the details)."


def _drop(_: Callable[[], None]) -> None:
    """Nobody listens any more."""


@contextmanager
def _quick_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(SWITCH_S, before))
    try:
        yield
    finally:
        sys.setswitchinterval(before)
