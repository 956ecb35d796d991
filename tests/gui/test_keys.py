"""Keys as a reader presses them, and the list of them."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QComboBox, QLabel, QLineEdit, QListWidget, QVBoxLayout, QWidget

from napari_longiseg._napari.keys import KEYS, bind_keys
from napari_longiseg._qt.help_overlay import GESTURES, HelpOverlay
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


# ---- the list of keys


@pytest.fixture
def window(qtbot) -> Dock:
    """As much of a window as the list needs."""
    window = Dock()
    qtbot.addWidget(window)
    window.resize(900, 500)
    window.show()
    return window


@pytest.fixture
def overlay(window) -> HelpOverlay:
    """Of a narrow panel in that window."""
    return HelpOverlay(window.list)


def test_the_list_names_every_key_and_gesture(overlay):
    texts = " ".join(label.text() for label in overlay.findChildren(QLabel))
    for key in KEYS:
        assert key.key in texts
        assert key.text in texts
        assert key.group in texts
    for how, what in GESTURES:
        assert how in texts
        assert what in texts


def test_the_list_covers_the_window_and_follows_it(overlay, window, qtbot):
    overlay.toggle()
    assert overlay.isVisible()
    window.resize(1000, 700)
    qtbot.waitUntil(lambda: overlay.size() == window.size())
    overlay.toggle()
    assert not overlay.isVisible()
    assert overlay.parentWidget() is window.list, "so that it goes with its panel"


def test_any_key_closes_the_list_and_goes_no_farther(overlay, window, qtbot):
    window.line.setFocus()
    overlay.toggle()
    qtbot.keyClick(overlay, Qt.Key.Key_J)
    assert not overlay.isVisible()
    assert window.line.text() == ""
    assert window.focusWidget() is window.line


def test_any_click_closes_the_list(overlay, qtbot):
    overlay.toggle()
    qtbot.mouseClick(overlay, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    assert not overlay.isVisible()


def test_what_is_beneath_shines_through_a_little(overlay, window):
    window.line.setStyleSheet("background: rgb(255, 0, 0)")
    place = window.line.geometry().center()
    overlay.toggle()
    seen = window.grab().toImage().pixelColor(place)
    assert seen.red() > seen.green()
    assert abs(seen.green() - overlay.palette().window().color().green()) < 25
