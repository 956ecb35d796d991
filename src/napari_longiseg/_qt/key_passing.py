"""Let letters go on to napari from lists and menus, which would look for a row that starts with them."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QComboBox, QWidget

OTHERS = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
)


def pass_keys(panel: QWidget) -> None:
    """Let the keys of the workbench work after a click into any list of a panel.

    Fields in which one writes keep their letters, also those that open in a list to rename a row.
    """
    passing = _Passing(panel)
    for kind in (QAbstractItemView, QComboBox):
        for widget in panel.findChildren(kind):
            widget.installEventFilter(passing)


class _Passing(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Refuse letters: Qt offers what is refused to the parents, up to napari's window."""
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        if isinstance(watched, QComboBox) and watched.isEditable():
            return False
        if not Qt.Key.Key_A <= event.key() <= Qt.Key.Key_Z or event.modifiers() & OTHERS:
            return False
        event.ignore()
        return True
