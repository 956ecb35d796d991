"""What unfolds below the matrix shares a splitter with it."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSplitter, QWidget

from napari_longiseg._qt.charts.box import ChartBox
from napari_longiseg._qt.folds import MOST, Folds
from napari_longiseg.session import Session


@pytest.fixture
def splitter(qtbot):
    charts, note = ChartBox(Session(), lambda _: "#ff0000"), QLabel("below\n" * 6)
    folds = Folds(charts, note)
    splitter = QSplitter(Qt.Orientation.Vertical)
    splitter.addWidget(QWidget())
    splitter.addWidget(folds)
    splitter.setStretchFactor(0, 1)
    splitter.charts, splitter.note = charts, note
    qtbot.addWidget(splitter)
    splitter.resize(480, 700)
    splitter.show()
    qtbot.wait(50)
    yield splitter
    charts.close_session()


def share(splitter) -> float:
    return splitter.sizes()[1] / sum(splitter.sizes())


def test_folded_it_is_as_high_as_what_stands_in_it(splitter):
    assert splitter.sizes()[1] == splitter.widget(1).widget().sizeHint().height()


def test_charts_take_room_and_give_it_back(splitter, qtbot):
    before = splitter.sizes()
    splitter.charts.expand()
    qtbot.waitUntil(lambda: share(splitter) > 0.5)
    assert share(splitter) <= MOST + 0.01
    splitter.charts.collapse()
    qtbot.waitUntil(lambda: splitter.sizes() == before)


@pytest.mark.parametrize("height", [600, 900])
def test_charts_fill_the_room_and_nothing_of_them_is_cut(splitter, qtbot, height):
    splitter.charts.expand()
    splitter.resize(480, height)
    folds = splitter.widget(1)
    bottom = splitter.charts.geometry().bottom
    qtbot.waitUntil(lambda: bottom() <= folds.viewport().height() + 2)


def test_what_grows_in_it_gets_room(splitter, qtbot):
    before = splitter.sizes()[1]
    splitter.note.setText("below\n" * 10)
    qtbot.waitUntil(lambda: splitter.sizes()[1] > before + 40)
