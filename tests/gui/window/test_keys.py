"""Keys as a reader presses them, over the scans and in the fields of a dock."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QLineEdit, QListWidget, QVBoxLayout, QWidget

from napari_longiseg._napari.keys import KEYS, bind_keys
from napari_longiseg._qt.key_passing import pass_keys

NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def viewer(make_napari_viewer_proxy):
    """A visible window with an image, whose layer has keys of its own."""
    viewer = make_napari_viewer_proxy(show=True)
    viewer.add_image(np.zeros((4, 16, 16), np.int16))
    return viewer


@pytest.fixture
def pressed(viewer) -> list[str]:
    """Names of the actions whose keys were pressed."""
    names: list[str] = []
    release = bind_keys(viewer, {key.name: lambda name=key.name: names.append(name) for key in KEYS})
    yield names
    release()


class Dock(QWidget):
    """Fields of the usual kinds, beside the viewer."""

    def __init__(self) -> None:
        super().__init__()
        self.line, self.list, self.combo = QLineEdit(), QListWidget(), QComboBox()
        self.list.addItems(["Lung", "Jaw"])
        self.combo.addItems(["Lung", "Jaw"])
        column = QVBoxLayout(self)
        for field in (self.line, self.list, self.combo):
            column.addWidget(field)


@pytest.fixture
def dock(viewer) -> Dock:
    dock = Dock()
    viewer.window.add_dock_widget(dock, name="fields")
    return dock


@pytest.fixture
def canvas(dock, viewer) -> QWidget:
    """The widget that napari draws on."""
    widgets = dock.window().findChildren(QWidget)
    return next(widget for widget in widgets if type(widget).__name__.startswith("CanvasBackend"))


def test_keys_on_the_canvas(canvas, pressed, qtbot):
    for key, modifier in (
        (Qt.Key.Key_J, NONE),
        (Qt.Key.Key_Y, NONE),
        (Qt.Key.Key_U, SHIFT),
        (Qt.Key.Key_F1, NONE),
    ):
        qtbot.keyClick(canvas, key, modifier)
    assert pressed == ["next_lesion", "accept", "redo", "help"]


def test_letters_typed_into_a_field_stay_there(dock, pressed, qtbot):
    qtbot.keyClicks(dock.line, "jkyunqhwg")
    assert dock.line.text() == "jkyunqhwg"
    assert pressed == []


def test_keys_reach_the_viewer_from_lists_of_the_panel(dock, pressed, qtbot):
    qtbot.keyClick(dock.list, Qt.Key.Key_J)
    qtbot.keyClick(dock.combo, Qt.Key.Key_J)
    assert pressed == [], "Qt looks for a row that starts with the letter"
    pass_keys(dock)
    dock.list.setCurrentRow(0)
    dock.combo.setCurrentIndex(0)
    qtbot.keyClick(dock.list, Qt.Key.Key_J)
    qtbot.keyClick(dock.combo, Qt.Key.Key_Y, SHIFT)
    assert pressed == ["next_lesion", "next_unreviewed"]
    assert (dock.list.currentRow(), dock.combo.currentIndex()) == (0, 0)
    qtbot.keyClick(dock.list, Qt.Key.Key_Down)
    assert dock.list.currentRow() == 1, "other keys are the list's own"


def test_a_row_that_is_being_renamed_gets_its_letters(dock, pressed, qtbot):
    pass_keys(dock)
    item = dock.list.item(0)
    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
    dock.list.editItem(item)
    editor = dock.list.findChild(QLineEdit)
    qtbot.keyClicks(editor, "jaw")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: item.text() == "jaw")
    assert pressed == []
