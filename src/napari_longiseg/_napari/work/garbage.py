"""Python's garbage, collected in the GUI's thread, and all of it only while nobody waits."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable

from qtpy.QtCore import QObject, QTimer

LOOK_MS, LOOK_AT_NEW_MS = 3000, 100
"""So often it is looked whether there is garbage to collect, and nothing else to do; and new garbage."""
ENOUGH, TOO_MUCH = 10, 1000
"""So many small collections make a full one worthwhile, or necessary whatever runs."""

_OPEN: set[Garbage] = set()
"""Those that Python leaves its garbage to; it collects by itself again when there is none any more."""


class Garbage(QObject):
    """Takes all collections over from Python, from now until it is closed.

    Python collects in whichever thread has just made an object. What it finds may be Qt's, made in the GUI's
    thread; PySide6 does not survive that another one, such as the engine's, ends it.

    A full collection looks at all objects that there are. With torch and napari loaded that is half a million
    and a quarter of a second, in which neither thread can do anything else. Python makes it whenever enough
    objects were made; this makes it while the reader does nothing and nothing runs.

    Parameters
    ----------
    rest : callable
        What the reader sees and does, as a value that stays the same while they rest; None while something
        runs.
    working : callable
        Whether another thread of ours still works; once closed, it goes on until none does.
    parent : QObject, optional
        Its owner.
    """

    def __init__(
        self, rest: Callable[[], Hashable], working: Callable[[], bool], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._rest = rest
        self._working = working
        self._seen: Hashable = None
        self._closed = False
        self._timers = [QTimer(self), QTimer(self)]
        answers = (LOOK_MS, self.look), (LOOK_AT_NEW_MS, self.look_at_new)
        for timer, (interval, answer) in zip(self._timers, answers, strict=True):
            timer.setInterval(interval)
            timer.timeout.connect(answer)
            timer.start()
        _OPEN.add(self)
        gc.disable()

    def close(self) -> None:
        """Leave it to Python again, as soon as nothing works in another thread."""
        self._timers[0].stop()
        self._closed = True
        self._end()

    def look(self) -> None:
        """Collect, where there is enough and the reader has rested since the last look, or too much."""
        before, self._seen = self._seen, self._rest()
        resting = self._seen is not None and self._seen == before
        if gc.get_count()[2] >= (ENOUGH if resting else TOO_MUCH):
            gc.collect()

    def look_at_new(self) -> None:
        """Collect among new objects, where Python would."""
        (made, small, _), (many, enough, _) = gc.get_count(), gc.get_threshold()
        if made > many > 0:
            gc.collect(1 if small > enough else 0)
        if self._closed:
            self._end()

    def _end(self) -> None:
        if self in _OPEN and not self._working():
            self._timers[1].stop()
            _OPEN.discard(self)
            if not _OPEN:
                gc.enable()
