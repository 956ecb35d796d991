"""What is running, how far it is, and what came of it."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

ERROR_STYLE = "color: #e05050; font-weight: bold;"
"""Readable on napari's dark and light backgrounds."""


class ProgressBox(QWidget):
    """A progress bar with Cancel, and one line for hints, results and errors.

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
        self.line.setMinimumHeight(3 * self.line.fontMetrics().lineSpacing() + 2)
        self.line.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._lay_out()
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.set_busy(False)

    def set_busy(self, busy: bool) -> None:
        """Show the bar while something runs; what went wrong before is past then."""
        if busy and self.line.styleSheet() == ERROR_STYLE:
            self.say("")
        self.bar.reset()
        self.bar.setTextVisible(busy)
        self.bar.setFormat("")
        self.bar.setEnabled(busy)
        self.cancel_button.setEnabled(busy)

    def set_progress(self, stage: str, fraction: float) -> None:
        """Show where the work is, in the bar: the line below keeps what the reader has to know."""
        text = f"{stage}  %p%"
        room = self.bar.width() - 12
        self.bar.setFormat(self.bar.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, room))
        self.bar.setToolTip(stage)
        self.bar.setValue(round(100 * fraction))

    def say(self, sentence: str) -> None:
        """Show a hint, or what was done."""
        self._tell(sentence, "")

    def complain(self, sentence: str) -> None:
        """Show an error."""
        self._tell(sentence, ERROR_STYLE)

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
