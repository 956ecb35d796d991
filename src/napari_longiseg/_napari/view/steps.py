"""Work for the GUI thread that would keep the window waiting, done in steps."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from functools import partial

from qtpy.QtCore import QTimer

FRAME_MS = 16
"""What happens within this time is answered once."""

Deferred = Callable[[Callable[[], None]], None]
"""Runs a function in a later turn of the event loop."""


def at_once(call: Callable[[], None]) -> None:
    """Do not put it off."""
    call()


class FrameTimer(QTimer):
    """Answers what happens often at most once per frame.

    Parameters
    ----------
    answer : callable
        Called at the end of the frame.
    """

    def __init__(self, answer: Callable[[], None]) -> None:
        super().__init__()
        self.setSingleShot(True)
        self.setInterval(FRAME_MS)
        self.timeout.connect(answer)

    def soon(self) -> None:
        """Something has happened."""
        if not self.isActive():
            self.start()


class Turns:
    """Makes calls in the turns of the event loop to come, one in each; one that waits is not added again.

    Parameters
    ----------
    spread : callable
        Runs a function in another turn of the event loop, or :func:`at_once`.
    """

    def __init__(self, spread: Deferred) -> None:
        self._spread = spread
        self._waiting: dict[Callable[[], None], None] = {}
        self._going_on = False

    def soon(self, call: Callable[[], None]) -> None:
        """Make a call when its turn comes."""
        self._waiting[call] = None
        if not self._going_on:
            self._going_on = True
            self._spread(self._on_turn)

    def _on_turn(self) -> None:
        call = next(iter(self._waiting))
        del self._waiting[call]
        try:
            call()
        finally:
            self._going_on = bool(self._waiting)
            if self._going_on:
                self._spread(self._on_turn)


class Steps:
    """Does one piece of work, step by step; another one takes its place.

    Parameters
    ----------
    spread : callable
        Runs the next step in another turn of the event loop, or :func:`at_once`.
    within : callable
        Makes the context that each step is done in, but not what happens between them.
    """

    def __init__(self, spread: Deferred, within: Callable[[], AbstractContextManager[None]]) -> None:
        self._spread = spread
        self._within = within
        self._work: Generator[None] | None = None

    @property
    def running(self) -> bool:
        """Whether there are steps left."""
        return self._work is not None

    def start(self, work: Generator[None]) -> None:
        """Do this work, the first step at once; what is left of that before is dropped."""
        self._work = work
        self._on_turn(work)

    def finish(self) -> None:
        """Do all that is left now."""
        while self._work is not None:
            self._step(self._work)

    def drop(self) -> None:
        """Do nothing of what is left, but what the work does when it is closed."""
        work, self._work = self._work, None
        if work is not None:
            work.close()

    def _on_turn(self, work: Generator[None]) -> None:
        if work is self._work:
            self._step(work)
        if work is self._work:
            self._spread(partial(self._on_turn, work))

    def _step(self, work: Generator[None]) -> None:
        """Work that fails is not gone on with."""
        going_on = False
        try:
            with self._within():
                next(work)
            going_on = True
        except StopIteration:
            pass
        finally:
            if not going_on and work is self._work:
                self._work = None
