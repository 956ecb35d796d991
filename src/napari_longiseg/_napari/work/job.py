"""A piece of work for the engine; itself the token by which it is cancelled and its results are known."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from psygnal import Signal

from napari_longiseg.core.progress import Progress

Work = Callable[[Progress], Iterator[Any]]
"""Yields results as they are ready, reports its progress, and knows nothing of Qt."""


class Priority(IntEnum):
    """Whose turn it is."""

    BACKGROUND = 0
    """Nobody waits for it."""
    LONG = 1
    """A reader waits for it, and has something else to do meanwhile."""
    CLICK = 2
    """A reader has just pointed at something; the newest click comes first."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What is running.

    Attributes
    ----------
    text : str
        A few words.
    fraction : float
        From 0 to 1.
    device : str
        ``CPU`` or ``GPU``; empty where that makes no difference.
    since : float
        ``time.monotonic()`` when the job began.
    """

    text: str
    fraction: float
    device: str
    since: float


class Job:
    """One run of some work.

    All signals come in the thread that has made the job. None comes after :meth:`cancel`, but for ``ended``.

    Parameters
    ----------
    work : callable
        Called in the engine's thread; once more where it has to start anew.
    priority : Priority
        Whose turn it is.
    device : callable, optional
        Says there which device the work is done on; this may import torch.

    Signals
    -------
    stage_changed(Stage)
        The newest one: some are skipped where they come faster than they can be shown.
    yielded(object)
        A result.
    failed(str)
        One sentence; ``ended`` follows.
    ended(bool)
        Once; whether all the work was done.
    """

    stage_changed = Signal(object)
    yielded = Signal(object)
    failed = Signal(str)
    ended = Signal(bool)

    def __init__(
        self, work: Work, priority: Priority = Priority.LONG, device: Callable[[], str] | None = None
    ) -> None:
        self.priority = priority
        self._work = work
        self._where = device
        self._steps: Iterator[Any] | None = None
        self._device: str | None = None
        self._since = 0.0
        self._stage: Stage | None = None
        self._unsaid = self._cancelled = self._over = False

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._cancelled

    def cancel(self) -> None:
        """End now; the engine's thread stops at the next report of progress."""
        self._cancelled = True
        self.end(done=False)

    # ---- in the thread that has made it

    def tell(self) -> None:
        """Say which stage it is at."""
        self._unsaid = False  # before it is read: a stage that is reached from now on is told by another call
        if self._stage is not None and not self._over:
            self.stage_changed.emit(self._stage)

    def bring(self, result: object) -> None:
        """Say what was found."""
        if not self._over:
            self.yielded.emit(result)

    def fail(self, sentence: str) -> None:
        """Say what went wrong, and end."""
        if not self._over:
            self.failed.emit(sentence)
        self.end(done=False)

    def end(self, done: bool) -> None:
        """Say that it is over, unless that was said."""
        if not self._over:
            self._over = True
            self.ended.emit(done)

    # ---- in the engine's thread

    def step(self, progress: Progress) -> tuple[Any, ...]:
        """Work until there is a result: a tuple of it, or an empty one where all is done."""
        if self._steps is None:
            self._since = self._since or time.monotonic()
            if self._device is None:
                self._device = self._where() if self._where else ""
            self._steps = iter(self._work(progress))
        for result in self._steps:
            return (result,)
        return ()

    def reach(self, text: str, fraction: float) -> bool:
        """Note a stage; whether somebody has to call :meth:`tell`, or is about to do so anyway."""
        self._stage = Stage(text, fraction, self._device or "", self._since)
        unsaid, self._unsaid = not self._unsaid, True
        return unsaid

    def rewind(self) -> None:
        """Let go of what was begun, to start anew or never."""
        steps, self._steps = self._steps, None
        if isinstance(steps, Generator):
            steps.close()
