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
    ("Drag a marker", "Move the point of a lesion"),
    ("Drag", "Move the picture"),
    ("Wheel", "Zoom"),
    ("Ctrl + wheel", "Through the slices"),
)
"""What the mouse does on a scan: how, and what happens."""
OPACITY = 235
MARGIN = 24


class HelpOverlay(QWidget):
    """Covers the widget that it is shown over, and follows its size.

    Parameters
    ----------
    over : QWidget
        Usually the window of the panel (``panel.window()``).
    gestures : sequence of (str, str)
        What the mouse does: how, and what happens.
    """

    def __init__(
        self,
        over: QWidget,
        keys: Iterable[KeyAction] = KEYS,
        gestures: Sequence[tuple[str, str]] = GESTURES,
    ) -> None:
        super().__init__(over)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._before: QWidget | None = None
        groups = [(name, [(key.key, key.text) for key in some]) for name, some in groupby(keys, _group)]
        self._lay_out([*groups, ("Mouse", list(gestures))])
        over.installEventFilter(self)
        self.hide()

    def toggle(self) -> None:
        """Show the list, or take it away."""
        if self.isVisible():
            self.close()
            return
        self._before = self.window().focusWidget()
        self.setGeometry(self.parentWidget().rect())
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Any key takes the list away, and does nothing else."""
        event.accept()
        self.close()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """So does any click."""
        event.accept()
        self.close()

    def hideEvent(self, event: QEvent) -> None:
        """Give the keyboard back to whoever had it."""
        super().hideEvent(event)
        before, self._before = self._before, None
        if before is not None and before in QApplication.allWidgets():  # it may be gone by now
            before.setFocus()

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

    def _lay_out(self, groups: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> None:
        columns = QHBoxLayout()
        columns.setSpacing(2 * MARGIN)
        columns.addStretch(1)
        for name, lines in groups:
            columns.addWidget(_group_box(name, lines), 0, Qt.AlignmentFlag.AlignTop)
        columns.addStretch(1)
        close = QLabel("Any key or click closes this list.")
        close.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.addStretch(1)
        column.addLayout(columns)
        column.addSpacing(MARGIN)
        column.addWidget(close)
        column.addStretch(1)


def _group(key: KeyAction) -> str:
    return key.group


def _group_box(name: str, lines: Sequence[tuple[str, str]]) -> QWidget:
    """A heading with its lines: key or gesture, and what it does."""
    box = QWidget()
    box.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    grid = QGridLayout(box)
    grid.setHorizontalSpacing(MARGIN // 2)
    heading = QLabel(f"<b>{name}</b>")
    grid.addWidget(heading, 0, 0, 1, 2)
    for row, (key, text) in enumerate(lines, start=1):
        grid.addWidget(QLabel(f"<b><code>{key}</code></b>"), row, 0)
        grid.addWidget(QLabel(text), row, 1)
    return box
