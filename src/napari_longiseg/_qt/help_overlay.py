"""The list of keys and of what the mouse does, over the window until the next key or click."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette
from qtpy.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_longiseg._napari.keys import KEYS, KeyAction

GESTURES = (
    ("Click", "Mark a lesion, or add to it"),
    ("Shift + click", "Not the lesion: a negative click"),
    ("Drag a marker", "Move the point of a lesion; Escape puts it back"),
    ("Drag", "Move the picture; with the box tool, draw a box"),
    ("Shift + drag", "With the box tool: draw a box, and keep the tool"),
    ("Wheel", "Zoom"),
    ("Ctrl + wheel", "Through the slices"),
)
"""What the mouse does on a scan: how, and what happens."""
OPACITY = 235
MARGIN = 24
COLUMNS = 2
"""Groups beside each other: the list fits a window of 800 pixels."""


class HelpOverlay(QWidget):
    """Covers the window of a panel while it is shown, and follows its size.

    Parameters
    ----------
    panel : QWidget
        Owns the list; its window, by then, is covered.
    keys : iterable of KeyAction
        In groups.
    gestures : sequence of (str, str)
        What the mouse does: how, and what happens.
    """

    def __init__(
        self,
        panel: QWidget,
        keys: Iterable[KeyAction] = KEYS,
        gestures: Sequence[tuple[str, str]] = GESTURES,
    ) -> None:
        super().__init__(panel)
        self.hide()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._panel = panel
        self._before: QWidget | None = None
        groups = [(name, [(key.key, key.text) for key in some]) for name, some in groupby(keys, _group)]
        self._lay_out([*groups, ("Mouse", list(gestures))])
        panel.destroyed.connect(self.deleteLater)

    def toggle(self) -> None:
        """Show the list, or take it away."""
        if self.isVisible():
            self._dismiss()
            return
        window = self._panel.window()
        self._before = window.focusWidget()
        self.setParent(window)
        window.installEventFilter(self)
        self.setGeometry(window.rect())
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Any key takes the list away, and does nothing else."""
        event.accept()
        self._dismiss()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """So does any click."""
        event.accept()
        self._dismiss()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as large as what it covers."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self.parentWidget().rect())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """The window shows through a little, in whatever theme."""
        colour = QColor(self.palette().color(QPalette.ColorRole.Window))
        colour.setAlpha(OPACITY)
        painter = QPainter(self)
        painter.fillRect(self.rect(), colour)
        painter.end()

    def _dismiss(self) -> None:
        """Go back to the panel, and give the keyboard back to whoever had it."""
        self.hide()
        self.parentWidget().removeEventFilter(self)
        self.setParent(self._panel)
        before, self._before = self._before, None
        if before is not None and before in QApplication.allWidgets():  # it may be gone by now
            before.setFocus()

    def _lay_out(self, groups: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> None:
        grid = QGridLayout()
        grid.setSpacing(MARGIN)
        for number, (name, lines) in enumerate(groups):
            row, column = divmod(number, COLUMNS)
            grid.addLayout(_group_lines(name, lines), row, column, Qt.AlignmentFlag.AlignTop)
        row_of_groups = QHBoxLayout()
        row_of_groups.addStretch(1)
        row_of_groups.addLayout(grid)
        row_of_groups.addStretch(1)
        close = QLabel("Any key or click closes this list.")
        close.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column_of_all = QVBoxLayout(self)
        column_of_all.addStretch(1)
        column_of_all.addLayout(row_of_groups)
        column_of_all.addSpacing(MARGIN)
        column_of_all.addWidget(close)
        column_of_all.addStretch(1)


def _group(key: KeyAction) -> str:
    return key.group


def _group_lines(name: str, lines: Sequence[tuple[str, str]]) -> QGridLayout:
    """A heading with its lines: key or gesture, and what it does."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(MARGIN // 2)
    grid.setVerticalSpacing(MARGIN // 6)
    grid.setColumnStretch(1, 1)
    grid.addWidget(QLabel(f"<b>{name}</b>"), 0, 0, 1, 2)
    for row, (key, text) in enumerate(lines, start=1):
        grid.addWidget(QLabel(f"<b><code>{key}</code></b>"), row, 0)
        grid.addWidget(QLabel(text), row, 1)
    return grid
