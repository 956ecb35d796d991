"""Python's garbage, collected while nobody waits."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable

from qtpy.QtCore import QObject, QTimer

LOOK_MS = 3000
"""So often it is looked whether there is garbage to collect, and nothing else to do."""
ENOUGH, TOO_MUCH = 10, 1000
"""So many small collections make a full one worthwhile, or necessary whatever runs."""
NEVER = 2**30


class Garbage(QObject):
    """Takes full collections over from Python, from now until it is closed.

    A full collection looks at all objects that there are. With torch and napari loaded that is half a million
    and a quarter of a second, in which neither thread can do anything else. Python makes it whenever enough
    objects were made; this makes it while the reader does nothing and nothing runs. The small collections of
    new objects remain Python's.

    Parameters
    ----------
    rest : callable
        What the reader sees and does, as a value that stays the same while they rest; None while something
        runs.
    parent : QObject, optional
        Its owner.
    """

    def __init__(self, rest: Callable[[], Hashable], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rest = rest
        self._seen: Hashable = None
        self._before = gc.get_threshold()
        gc.set_threshold(*self._before[:2], NEVER)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def close(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        gc.set_threshold(*self._before)

    def look(self) -> None:
        """Collect, where there is enough and the reader has rested since the last look, or too much."""
        before, self._seen = self._seen, self._rest()
        resting = self._seen is not None and self._seen == before
        if gc.get_count()[2] >= (ENOUGH if resting else TOO_MUCH):
            gc.collect()
