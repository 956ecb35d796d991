"""What is running, how far it is, and what came of it."""

from __future__ import annotations

import time

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_longiseg._napari.work.job import Stage

ERROR_STYLE = "color: #e05050; font-weight: bold;"
"""Readable on napari's dark and light backgrounds."""
TICK_MS = 500
"""How often the seconds are looked at."""


class ProgressBox(QWidget):
    """A progress bar that says what runs, with Cancel, and lines for hints, results and errors.

    Signals
    -------
    cancel_requested()
        The reader wants the work to stop.
    """

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stage: Stage | None = None
        self.bar = QProgressBar()
        self.bar.setRange(0, 100)
        self.cancel_button = QPushButton("Cancel")
        self.line = QLabel()
        self.line.setWordWrap(True)
        self.line.setMinimumHeight(2 * self.line.fontMetrics().lineSpacing() + 2)
        self.line.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._clock = QTimer(self)
        self._clock.setInterval(TICK_MS)
        self._lay_out()
        self.cancel_button.clicked.connect(self.cancel_requested)
        self._clock.timeout.connect(self._show_stage)
        self.set_stage(None)

    def set_busy(self, busy: bool) -> None:
        """What went wrong before is past once something new has begun."""
        if busy and self.line.styleSheet() == ERROR_STYLE:
            self.say("")
        if busy and self._stage is None:
            self.cancel_button.setEnabled(True)

    def set_stage(self, stage: Stage | None) -> None:
        """Show what runs, on which device and for how long; None where nothing does."""
        self._stage = stage
        running = stage is not None
        self.bar.setEnabled(running)
        self.bar.setTextVisible(running)
        self.cancel_button.setEnabled(running)
        if stage is None:
            self.bar.reset()
            self._clock.stop()
        else:
            self.bar.setValue(round(100 * stage.fraction))
            if not self._clock.isActive():
                self._clock.start()
        self._show_stage()

    def say(self, sentence: str) -> None:
        """Show a hint, or what was done."""
        self._tell(sentence, "")

    def complain(self, sentence: str) -> None:
        """Show an error."""
        self._tell(sentence, ERROR_STYLE)

    def _show_stage(self) -> None:
        text = "" if self._stage is None else stage_text(self._stage, time.monotonic())
        room = self.bar.width() - self.bar.fontMetrics().horizontalAdvance(" · 100 %  ")
        shown = self.bar.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, room)
        self.bar.setFormat(f"{shown.replace('%', '%%')} · %p %")
        self.bar.setToolTip(text)

    def _tell(self, sentence: str, style: str) -> None:
        if self.line.styleSheet() != style:  # setting it lays the panel out anew
            self.line.setStyleSheet(style)
        self.line.setText(sentence)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.line)


def stage_text(stage: Stage, now: float) -> str:
    """Such as ``Aligning T0 to T2 · CPU · 4 s``; *now* by the clock of the stage's *since*."""
    passed = max(0, int(now - stage.since))
    return " · ".join(part for part in (stage.text, stage.device, f"{passed} s") if part)
