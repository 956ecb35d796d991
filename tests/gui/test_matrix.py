"""The matrix over a session, without a viewer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QGuiApplication
from superqt.utils import qimage_to_array

from napari_longiseg._qt.matrix.actions import Action, possible
from napari_longiseg._qt.matrix.columns import NAME_WIDTH
from napari_longiseg._qt.matrix.delegate import room
from napari_longiseg._qt.matrix.filter import Shown, SortKey
from napari_longiseg._qt.matrix.matrix import LesionMatrix
from napari_longiseg._qt.matrix.model import STANDS_OUT, LesionModel
from napari_longiseg.core.geometry import Box
from napari_longiseg.core.lesion import Finding, Lesion, LesionMask, Measurements, Origin, Presence, Review
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.session import Session

MASK = LesionMask(Box((0, 0, 0), (1, 1, 1)), np.ones((1, 1, 1), dtype=bool))
ENDS = ((0.0, 0.0, 0.0), (0.0, 0.0, 14.0))
LEFT = Qt.MouseButton.LeftButton


def present(lesion: int, scan: str, volume_ml: float, **changes) -> Finding:
    size = Measurements(volume_ml, 10 * volume_ml, 5.0, 40.0, ENDS, ENDS)
    finding = Finding(lesion, scan, Presence.PRESENT, Origin.PROPAGATED, "T0", mask=MASK, measurements=size)
    return replace(finding, **{"review": Review.ACCEPTED, **changes})


def gone(lesion: int, scan: str) -> Finding:
    return Finding(lesion, scan, Presence.NOT_FOUND, Origin.PROPAGATED, "T0", review=Review.ACCEPTED)


@pytest.fixture
def session(study) -> Session:
    """Three dates: one lesion shrinks, one is gone, the tenth is new and not reviewed, one is expected."""
    session = Session()
    lesions = Lesion(1, "Lesion 9"), Lesion(2, "lung\tleft"), Lesion(10), Lesion(11, "node")
    session.open(study.with_lesions(lesions))
    for known in (
        present(1, "T0", 2.0), present(1, "T1", 1.5), present(1, "T2", 1.0),
        present(2, "T0", 3.0), gone(2, "T2"),
        gone(10, "T0"), present(10, "T1", 0.4, origin=Origin.NEW),
        present(10, "T2", 5.0, review=Review.PROPOSED),
        present(11, "T0", 1.8), Proposal(11, "T1", (0.0, 0.0, 0.0), "T0", 4.2),
    ):  # fmt: skip
        session.set_known(known)
    return session


@pytest.fixture
def waiting() -> set[tuple[int, str]]:
    return set()


@pytest.fixture
def matrix(session, waiting, qtbot) -> LesionMatrix:
    model = LesionModel(session, lambda: waiting, lambda _: "#ff0000")
    model.reload()
    matrix = LesionMatrix(model)
    model.setParent(matrix)
    qtbot.addWidget(matrix)
    matrix.resize(600, 300)
    matrix.show()
    matrix.table.lesion_selected.connect(session.select)
    session.selection_changed.connect(matrix.table.show_selected)
    yield matrix
    session.selection_changed.disconnect(matrix.table.show_selected)
    model.close()


def ids(matrix) -> list[int]:
    """Lesions as they are shown."""
    shown = matrix.table.filter
    rows = [shown.mapToSource(shown.index(row, 0)).row() for row in range(shown.rowCount())]
    return [matrix._model.lesion_at(row) for row in rows]


def shown(matrix, lesion_id, scan_id, role=Qt.ItemDataRole.DisplayRole):
    return matrix.table.index_of(lesion_id, scan_id).data(role)


def middle(matrix, lesion_id, scan_id=None) -> QPoint:
    return matrix.table.visualRect(matrix.table.index_of(lesion_id, scan_id)).center()


def test_cells_show_what_is_known_and_follow_the_session(matrix, session, waiting):
    assert shown(matrix, 1, "T2") == "✓ 1.00 ml -50 %\n10.0 mm -50 %"
    assert shown(matrix, 11, "T1") == "○ ±4 mm"
    assert shown(matrix, 11, "T2") == "-"
    waiting.add((11, "T2"))
    matrix._model.refresh()
    assert shown(matrix, 11, "T2") == "…"
    session.set_known(present(1, "T0", 4.0))
    assert shown(matrix, 1, "T2") == "✓ 1.00 ml -75 %\n10.0 mm -75 %"


def test_what_nobody_has_looked_at_stands_out_and_is_counted(matrix, session):
    def entry() -> str:
        return matrix.shown.itemText(matrix.shown.findData(Shown.UNREVIEWED))

    assert matrix._model.unreviewed == 2
    assert shown(matrix, 10, "T2", Qt.ItemDataRole.BackgroundRole) == STANDS_OUT
    assert shown(matrix, 11, "T1", Qt.ItemDataRole.BackgroundRole) == STANDS_OUT
    assert shown(matrix, 1, "T1", Qt.ItemDataRole.BackgroundRole) is None
    assert entry() == "Unreviewed (2)"
    session.set_known(present(11, "T1", 1.0))
    assert entry() == "Unreviewed (1)"
    session.remove_lesion(10)
    assert entry() == "Unreviewed"


def test_three_dates_fit_the_dock(matrix):
    matrix.resize(462, 300)  # of a dock of 480
    table = matrix.table
    assert table.horizontalScrollBar().maximum() == 0
    widths = [table.columnWidth(column) for column in range(4)]
    assert sum(widths) == pytest.approx(table.viewport().width(), abs=3)
    assert min(widths[1:]) >= room(table.font()).width()


def test_names_get_what_the_dates_leave_unless_the_reader_widens_them(matrix):
    table = matrix.table
    matrix.resize(900, 300)
    assert table.columnWidth(0) == NAME_WIDTH
    table.horizontalHeader().resizeSection(0, 200)
    matrix.resize(950, 300)
    assert table.columnWidth(0) == 200
    matrix.resize(300, 300)
    assert table.horizontalScrollBar().maximum() > 0


def test_a_cell_is_drawn_in_two_lines_and_framed_under_review(matrix, session):
    table = matrix.table
    place = table.visualRect(table.index_of(1, "T2"))

    def picture() -> np.ndarray:
        return qimage_to_array(table.viewport().grab(place).toImage())[..., :3]

    plain = picture()
    ink = np.abs(plain.astype(int) - plain[1, 1]).max(axis=-1) > 100
    glyph_width = table.fontMetrics().horizontalAdvance("✓") + 8
    rows = ink[:, glyph_width:].any(axis=1)
    assert np.diff(rows.astype(int)).clip(0).sum() >= 2, "two lines with a gap between them"
    table.show_reviewed((1, "T2"))
    framed = picture()
    assert (framed[2:-2, 1] != plain[2:-2, 1]).any(axis=-1).all()
    colour = framed[2, 1]
    table.show_reviewed(None)
    np.testing.assert_array_equal(picture(), plain)
    place = table.visualRect(table.index_of(11, "T2"))
    table.show_reviewed((11, "T2"))  # nothing is known there: its text is faint
    np.testing.assert_array_equal(picture()[2, 1], colour)


@pytest.fixture
def crowded(matrix, session) -> LesionMatrix:
    """More lesions and dates than there is room for, scrolled to somewhere in the middle."""
    matrix.resize(300, 160)
    for _ in range(20):
        session.add_lesion()
    table = matrix.table
    table.verticalScrollBar().setValue(table.verticalScrollBar().maximum() // 2)
    table.horizontalScrollBar().setValue(table.horizontalScrollBar().maximum())
    assert min(place_of(table)) > 0
    return matrix


def place_of(table) -> tuple[int, int]:
    """How far the table is scrolled, sideways and down."""
    return table.horizontalScrollBar().value(), table.verticalScrollBar().value()


@pytest.mark.parametrize("order", [None, Qt.SortOrder.DescendingOrder])
def test_undo_and_verdicts_leave_the_place_and_the_selection(crowded, session, order):
    table = crowded.table
    if order is not None:
        table.sortByColumn(1, order)
    lesion = crowded._model.lesion_at(crowded.table.filter.mapToSource(table.indexAt(QPoint(5, 40))).row())
    session.select(lesion)
    before = place_of(table)
    session.remove_lesion(25)
    session.set_known(present(lesion, "T2", 0.3))
    session.rename(lesion, "kept")
    for step in (session.undo, session.undo, session.redo):
        step()
        assert session.selected == lesion
        assert table.selectionModel().selectedRows() == [table.index_of(lesion)]
        assert place_of(table)[0] == before[0]
        assert abs(place_of(table)[1] - before[1]) <= 1, "a row above may have come or gone"


def test_another_lesion_is_scrolled_to_but_not_sideways(crowded, session):
    aside = place_of(crowded.table)[0]
    session.select(1)
    assert crowded.table.visualRect(crowded.table.index_of(1)).top() >= 0
    assert place_of(crowded.table)[0] == aside


def test_the_cell_under_review_is_scrolled_to(crowded, session):
    session.select(2)
    crowded.table.show_reviewed((2, "T0"))
    assert crowded.table.viewport().rect().contains(middle(crowded, 2, "T0"))


def test_a_click_on_a_name_goes_to_the_lesion(matrix, session, qtbot):
    with qtbot.waitSignal(matrix.table.name_clicked):
        qtbot.mouseClick(matrix.table.viewport(), LEFT, pos=middle(matrix, 2))
    assert session.selected == 2


def test_names_are_sorted_as_people_count_and_unsorted_means_by_id(matrix):
    table = matrix.table
    assert ids(matrix) == [1, 2, 10, 11]
    table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert ids(matrix) == [11, 2, 10, 1]  # node, lung, Lesion 10, Lesion 9
    table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
    assert ids(matrix) == [1, 2, 10, 11]


def test_a_date_is_sorted_by_size_or_change_and_what_has_none_comes_last(matrix, qtbot):
    header = matrix.table.horizontalHeader()
    on_t2 = QPoint(header.sectionViewportPosition(3) + 40, 10)
    qtbot.mouseClick(header.viewport(), LEFT, pos=on_t2)
    assert ids(matrix) == [2, 1, 10, 11]
    qtbot.mouseClick(header.viewport(), LEFT, pos=on_t2)
    assert ids(matrix) == [10, 1, 2, 11]
    matrix.sort_key.setCurrentIndex(matrix.sort_key.findData(SortKey.CHANGE))
    assert ids(matrix) == [1, 2, 10, 11]  # -50 %, -100 %, and two without a size on the source scan
    matrix.sort_key.setCurrentIndex(matrix.sort_key.findData(SortKey.LONG_AXIS))
    assert ids(matrix) == [10, 1, 2, 11]
    qtbot.mouseClick(header.viewport(), LEFT, pos=on_t2)
    assert ids(matrix) == [1, 2, 10, 11]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (Shown.ALL, [1, 2, 10, 11]),
        (Shown.UNREVIEWED, [10, 11]),
        (Shown.PRESENT, [1, 10, 11]),
        (Shown.GONE, [2]),
        (Shown.NEW, [10]),
    ],
)
def test_lesions_are_filtered_by_state(matrix, state, expected):
    matrix.shown.setCurrentIndex(matrix.shown.findData(state))
    assert ids(matrix) == expected


def test_lesions_are_filtered_by_name_or_id(matrix, qtbot):
    qtbot.keyClicks(matrix.text, "LES")
    assert ids(matrix) == [1, 10]
    matrix.text.setText("11")
    assert ids(matrix) == [11]
    matrix.text.setText("spleen")
    assert ids(matrix) == []
    assert not matrix.table.grab().isNull()


def test_a_row_that_is_filtered_out_stays_selected(matrix, session):
    session.select(10)
    matrix.shown.setCurrentIndex(matrix.shown.findData(Shown.UNREVIEWED))
    session.set_known(present(10, "T2", 5.0))
    assert ids(matrix) == [11]
    assert session.selected == 10
    assert matrix.table.selectionModel().selectedRows() == []
    matrix.shown.setCurrentIndex(0)
    assert matrix.table.selectionModel().selectedRows() == [matrix.table.index_of(10)]
    session.remove_lesion(1)
    assert matrix.table.selectionModel().selectedRows() == [matrix.table.index_of(10)]


def test_a_click_on_a_cell_goes_there(matrix, session, qtbot):
    matrix.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    with qtbot.waitSignal(matrix.table.finding_selected) as asked:
        qtbot.mouseClick(matrix.table.viewport(), LEFT, pos=middle(matrix, 2, "T2"))
    assert asked.args == [2, "T2"]
    assert session.selected == 2


def test_the_colour_is_asked_for_with_a_click_on_its_square(matrix, qtbot):
    table = matrix.table
    square = table.visualRect(table.index_of(10)).topLeft() + QPoint(8, 20)
    with qtbot.waitSignal(table.recolour_requested) as asked:
        qtbot.mouseClick(table.viewport(), LEFT, pos=square)
    assert asked.args == [10]
    with qtbot.assertNotEmitted(table.recolour_requested):
        qtbot.mouseClick(table.viewport(), LEFT, pos=middle(matrix, 10))


def test_names_are_edited_in_place(matrix, session):
    model = matrix._model
    assert model.setData(model.index(0, 0), " liver ", Qt.ItemDataRole.EditRole)
    assert session.lesion(1).name == "liver"
    steps = len(session.history)
    assert model.setData(model.index(0, 0), "liver", Qt.ItemDataRole.EditRole)
    assert len(session.history) == steps
    assert not model.setData(model.index(0, 1), "x", Qt.ItemDataRole.EditRole)


def entries(menu) -> dict[str, object]:
    return {entry.text(): entry for entry in menu.actions() if entry.text()}


def test_the_menu_of_a_cell_asks_for_what_can_be_done(matrix, qtbot):
    table = matrix.table
    menu = table.menu_at(table.index_of(11, "T1"))
    offered = entries(menu)
    assert not offered["Find it again"].isEnabled()
    with qtbot.waitSignal(table.action_requested) as asked:
        offered["Accept"].trigger()
    assert asked.args == ["accept", 11, "T1"]


def test_the_menu_of_a_name_asks_for_the_whole_lesion(matrix, qtbot):
    table = matrix.table
    offered = entries(table.menu_at(table.index_of(2)))
    with qtbot.waitSignal(table.action_requested) as asked:
        offered["Remove"].trigger()
    assert asked.args == ["remove", 2, ""]
    with qtbot.waitSignal(table.recolour_requested) as asked:
        offered["Colour…"].trigger()
    assert asked.args == [2]
    offered["Rename"].trigger()
    assert table.state() == table.State.EditingState


def test_the_menu_beside_all_lesions_copies(matrix):
    assert list(entries(matrix.table.menu_at(matrix.table.index_of(99)))) == ["Copy table"]


def test_what_can_be_done():
    expected = Proposal(1, "T1", (0.0, 0.0, 0.0), "T0")
    assert possible(None) == {Action.GO}
    assert possible(expected) == {Action.GO, Action.ACCEPT, Action.RESOLVED, Action.NOT_EVALUABLE}
    assert Action.ACCEPT in possible(replace(expected, verified=True)), "its outline may have been cancelled"
    assert Action.SPLIT in possible(present(1, "T1", 1.0))
    assert Action.NEW not in possible(present(1, "T1", 1.0, origin=Origin.NEW))
    assert Action.RESOLVED not in possible(replace(gone(1, "T1"), presence=Presence.RESOLVED))


def test_the_clipboard_gets_what_is_seen_with_a_column_per_figure(matrix, session, qtbot):
    matrix.text.setText("l")
    matrix.table.copy()
    lines = [line.split("\t") for line in QGuiApplication.clipboard().text().splitlines()]
    assert lines[0][:4] == ["id", "lesion", "T0 2024-01-10 state", "T0 2024-01-10 volume (ml)"]
    assert [line[:2] for line in lines[1:]] == [["1", "Lesion 9"], ["2", "lung left"], ["10", "Lesion 10"]]
    assert lines[1][-4:] == ["present, accepted", "1.000", "10.0", "-50.0"]
    assert lines[2][6:10] == ["", "", "", ""]
    assert {len(line) for line in lines} == {14}


def test_ctrl_c_copies_the_selected_rows_and_several_leave_the_lesion_alone(matrix, session, qtbot):
    table = matrix.table
    qtbot.mouseClick(table.viewport(), LEFT, pos=middle(matrix, 2))
    control = Qt.KeyboardModifier.ControlModifier
    qtbot.mouseClick(table.viewport(), LEFT, control, middle(matrix, 11))
    assert session.selected == 2
    qtbot.keyClick(table, Qt.Key.Key_C, control)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["id", "2", "11"]


def test_headers_have_the_colours_of_the_dates(matrix):
    model = matrix._model
    header, decoration = Qt.Orientation.Horizontal, Qt.ItemDataRole.DecorationRole
    assert model.headerData(1, header, decoration) is None
    model.set_date_colours(["#112233", "#445566", "#778899"])
    icon = model.headerData(2, header, decoration)
    assert icon.pixmap(8, 8).toImage().pixelColor(4, 4).name() == "#445566"
    assert model.headerData(0, header, decoration) is None
