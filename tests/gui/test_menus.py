"""The menus of the matrix, in the panel."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QLineEdit

from napari_longiseg._napari.layers.colours import lesion_hex
from napari_longiseg._qt.panel import TrackingPanel


def choose(panel: TrackingPanel, index: QModelIndex, entry: str) -> None:
    """Take an entry of the menu at a place of the matrix."""
    menu = panel.table.menu_at(index)
    next(action for action in menu.actions() if action.text() == entry).trigger()


def square(panel: TrackingPanel, lesion_id: int) -> str:
    """Colour in the middle of what a lesion's name has before it."""
    icon = panel.table.index_of(lesion_id).data(Qt.ItemDataRole.DecorationRole)
    return icon.pixmap(9, 9).toImage().pixelColor(4, 4).name()


@pytest.fixture
def offered(monkeypatch) -> list[str]:
    """The dialog's colour and title, each time that it was opened; orange is chosen, then nothing."""
    offered: list[str] = []
    answers = iter([QColor("#ff8800"), QColor()])

    def choose_colour(colour: QColor, over: TrackingPanel, title: str) -> QColor:
        offered.append(f"{colour.name()} {title}")
        return next(answers)

    monkeypatch.setattr(QColorDialog, "getColor", choose_colour)
    return offered


def test_a_colour_is_chosen_for_all_scans_and_cancelled_it_stays(with_lesions, offered):
    panel, table = with_lesions, with_lesions.table
    assert square(panel, 2) == lesion_hex(2)
    for _ in range(2):
        choose(panel, table.index_of(2), "Colour…")
    assert offered == [f"{lesion_hex(2)} Colour of far", "#ff8800 Colour of far"]
    assert panel.session.lesion(2).colour == square(panel, 2) == "#ff8800"
    for cell in panel.desk.bridge.cells:
        np.testing.assert_allclose(cell.labels.get_color(2)[:3], QColor("#ff8800").getRgbF()[:3], atol=1e-6)
    panel.desk.reviewing.undo()
    assert square(panel, 2) == lesion_hex(2), "one step, for nothing was chosen the second time"


def test_a_lesion_is_renamed_in_its_row_and_escape_leaves_its_name(with_lesions, qtbot):
    panel, table = with_lesions, with_lesions.table
    panel.show()
    for key, name in ((Qt.Key.Key_Escape, "far"), (Qt.Key.Key_Return, "liver")):
        choose(panel, table.index_of(2), "Rename")
        editor = table.findChild(QLineEdit)
        assert editor.text() == "far"
        editor.selectAll()
        qtbot.keyClicks(editor, "liver")
        qtbot.keyClick(editor, key)
        qtbot.waitUntil(lambda: table.findChild(QLineEdit) is None)
        assert panel.session.lesion(2).name == name
    assert table.index_of(2).data() == "liver"
    panel.desk.reviewing.go(2, "T0")
    assert panel.review_bar.state.text().startswith("liver on T0")
