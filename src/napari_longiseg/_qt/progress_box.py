"""What is running, how far it is, and what came of it."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget


class ProgressBox(QWidget):
    """A progress bar with Cancel, and one status line for stages, hints and errors.

    Signals
    -------
    cancel_requested()
        The reader wants the work to stop.
    """

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = QProgressBar()
        self.bar.setRange(0, 100)
        self.cancel_button = QPushButton("Cancel")
        self.line = QLabel()
        self.line.setWordWrap(True)
        self.line.setMinimumHeight(34)
        self._lay_out()
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.set_busy(False)

    def set_busy(self, busy: bool) -> None:
        """Show the bar while something runs."""
        self.bar.setValue(0)
        self.bar.setTextVisible(busy)
        self.bar.setEnabled(busy)
        self.cancel_button.setEnabled(busy)

    def set_progress(self, stage: str, fraction: float) -> None:
        """Show where the work is."""
        self.bar.setValue(round(100 * fraction))
        self.say(stage)

    def say(self, sentence: str) -> None:
        """Show a stage or a hint."""
        self.line.setStyleSheet("")
        self.line.setText(sentence)

    def complain(self, sentence: str) -> None:
        """Show an error."""
        self.line.setStyleSheet("color: #ff8080;")
        self.line.setText(sentence)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.line)
