"""The list of keys."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QLabel, QLineEdit, QListWidget, QVBoxLayout, QWidget

from napari_longiseg._napari.keys import KEYS
from napari_longiseg._qt.help_overlay import GESTURES, HelpOverlay


class Window(QWidget):
    """As much of a window as the list needs: a narrow panel, and something that has the keys."""

    def __init__(self) -> None:
        super().__init__()
        self.line, self.list = QLineEdit(), QListWidget()
        column = QVBoxLayout(self)
        column.addWidget(self.line)
        column.addWidget(self.list)


@pytest.fixture
def window(qtbot) -> Window:
    window = Window()
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
