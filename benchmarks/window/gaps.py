"""A timer that ticks, and a thread that looks what keeps it from ticking."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from qtpy.QtCore import QObject, Qt, QTimer

from window.stacks import Stack, stacks_of

TICK_MS = 5
LATE_S, LOOK_S = 0.03, 0.01
"""From this delay on it is looked what the GUI thread does, and so often."""
ENGINE = "longiseg-engine"


@dataclass(frozen=True)
class Gap:
    """The time between two ticks.

    Attributes
    ----------
    wall_s : float
        How long the event loop stood still.
    gui_s, engine_s : float
        How long the GUI thread, and the engine's, computed meanwhile.
    gui, engine : list
        Stacks of both threads, taken every :data:`LOOK_S`; none while Python was kept from the thread that
        looks, too.
    """

    wall_s: float
    gui_s: float
    engine_s: float
    gui: list[Stack] = field(default_factory=list)
    engine: list[Stack] = field(default_factory=list)

    @property
    def held_s(self) -> float:
        """How long it was by our doing, whatever else the machine did.

        As long as the GUI thread itself has computed, and the engine's while that did not: so long it can
        have kept Python to itself at most.
        """
        return self.gui_s + max(0.0, min(self.wall_s - self.gui_s, self.engine_s))


class Ticks(QObject):
    """Notes the gaps between the ticks of a timer in the GUI thread.

    Attributes
    ----------
    gaps : list of Gap
        Those in which it was looked what the GUI thread does; empty them at any time.
    longest : Gap
        That held by us for longest since :meth:`begin`.
    longest_s : float
        The longest on the wall clock, which counts what other programs do.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ident = threading.get_ident()
        self._last = time.monotonic(), time.thread_time(), _engine_s()
        self._seen: list[list[Stack]] = []
        self._done = threading.Event()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._on_tick)
        self._timer.start()
        self._watchdog = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._watchdog.start()
        self.begin()

    def begin(self) -> None:
        """Forget all gaps so far."""
        self.gaps: list[Gap] = []
        self.longest = Gap(0.0, 0.0, 0.0)
        self.longest_s = 0.0

    def stop(self) -> None:
        """Tick no more."""
        self._timer.stop()
        self._done.set()
        self._watchdog.join()

    def _on_tick(self) -> None:
        now = time.monotonic(), time.thread_time(), _engine_s()
        wall, gui, engine = (new - old for new, old in zip(now, self._last, strict=True))
        self._last = now
        seen, self._seen = self._seen, []
        gap = Gap(wall, gui, engine, [pair[0] for pair in seen], [pair[1] for pair in seen if len(pair) > 1])
        if wall > LATE_S:
            self.gaps.append(gap)
        self.longest = max(self.longest, gap, key=lambda gap: gap.held_s)
        self.longest_s = max(self.longest_s, wall)

    def _watch(self) -> None:
        """In a thread of its own."""
        while not self._done.wait(LOOK_S):
            if time.monotonic() - self._last[0] > LATE_S:
                idents = [self._ident, *(thread.ident or 0 for thread in _engines())]
                self._seen.append(stacks_of(idents))


def _engines() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == ENGINE]


def _engine_s() -> float:
    """How long the engine's thread has computed."""
    clocks = [time.pthread_getcpuclockid(thread.ident) for thread in _engines() if thread.ident]
    return max((time.clock_gettime(clock) for clock in clocks), default=0.0)
