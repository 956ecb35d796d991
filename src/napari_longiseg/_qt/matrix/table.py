"""The lesion x scan table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from qtpy.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    Qt,
    Signal,
)
from qtpy.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from qtpy.QtWidgets import QAbstractItemView, QMenu, QTableView, QWidget

from napari_longiseg._qt.matrix.actions import ON_NAME, ON_SCAN, Action, possible
from napari_longiseg._qt.matrix.columns import Columns
from napari_longiseg._qt.matrix.delegate import CellDelegate, room
from napari_longiseg._qt.matrix.filter import LesionFilter
from napari_longiseg._qt.matrix.model import SWATCH, LesionModel
from napari_longiseg._qt.matrix.text import matrix_text

MARGIN = 6


class LesionTable(QTableView):
    """Shows lesions and lets the reader choose one, and say what is to become of it.

    More rows can be chosen with Ctrl or Shift, to copy them; the lesion that is worked on stays the same.

    Signals
    -------
    lesion_selected(object)
        Lesion id, or None where the selection was cleared.
    finding_selected(int, str)
        Lesion id and scan id of the cell that was chosen.
    name_clicked()
        The name of the lesion that is selected now was clicked.
    recolour_requested(int)
        The lesion is to have another colour.
    action_requested(str, int, str)
        An :class:`Action`, a lesion id, and a scan id; empty where the whole lesion is meant. Names are
        edited in place, and colours have a signal of their own.
    """

    lesion_selected = Signal(object)
    finding_selected = Signal(int, str)
    name_clicked = Signal()
    recolour_requested = Signal(int)
    action_requested = Signal(str, int, str)

    def __init__(self, model: LesionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._selected: int | None = None
        self._moving = False
        self._at: tuple[int, int] | None = None
        self._cells = CellDelegate(self)
        self.setItemDelegate(self._cells)
        self.filter = LesionFilter(model, self)
        self.filter.rowsAboutToBeRemoved.connect(self._on_moving)  # before the view, which would choose
        self.filter.rowsAboutToBeInserted.connect(self._on_moving)
        self.filter.layoutAboutToBeChanged.connect(self._on_moving)
        self.setModel(self.filter)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMinimumHeight(120)
        self.empty_text = ""
        self._columns = Columns(self)
        self._lay_out_headers()
        self.selectionModel().selectionChanged.connect(self._on_selection)
        self.clicked.connect(self._on_clicked)
        self.activated.connect(self._on_clicked)
        self.filter.rowsRemoved.connect(self._on_moved)
        self.filter.rowsInserted.connect(self._on_moved)
        self.filter.layoutChanged.connect(self._on_moved)
        self.filter.modelReset.connect(self._on_reset)

    # ---- what others ask for

    def show_selected(self, lesion_id: int | None) -> None:
        """Select a lesion's row, and scroll to it where it is out of sight, but not sideways."""
        self._selected = lesion_id
        index = self.index_of(lesion_id)
        if not index.isValid():
            self.clearSelection()
        elif not self.selectionModel().isRowSelected(index.row(), QModelIndex()):
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            aside = self.horizontalScrollBar().value()
            self.selectionModel().setCurrentIndex(index, flags)
            self.scrollTo(index)
            self.horizontalScrollBar().setValue(aside)

    def show_reviewed(self, key: tuple[int, str] | None) -> None:
        """Frame the cell of the lesion and scan under review, and scroll to it where it is out of sight."""
        index = QModelIndex() if key is None else self.index_of(*key)
        self._cells.current = QPersistentModelIndex(index)
        if index.isValid():
            self.scrollTo(index)
        self.viewport().update()

    def index_of(self, lesion_id: int | None, scan_id: str | None = None) -> QModelIndex:
        """Where the table shows a lesion's name, or the lesion on a scan; invalid where it does not."""
        row = self._model.row_of(lesion_id)
        column = 0 if scan_id is None else self._model.column_of(scan_id)
        if row is None or column is None:
            return QModelIndex()
        return self.filter.mapFromSource(self._model.index(row, column))

    def text(self, selected_only: bool = False) -> str:
        """What is seen, tab separated with a header: the selected rows where there are any, or all."""
        rows = [self.filter.index(row, 0) for row in range(self.filter.rowCount())]
        chosen = [index for index in rows if self.selectionModel().isRowSelected(index.row(), QModelIndex())]
        shown = chosen if selected_only and chosen else rows
        return matrix_text(self._model, [self.filter.mapToSource(index).row() for index in shown])

    def copy(self, selected_only: bool = False) -> None:
        """Put :meth:`text` on the clipboard."""
        QGuiApplication.clipboard().setText(self.text(selected_only))

    def menu_at(self, index: QModelIndex) -> QMenu:
        """What can be done with the lesion, or with what is known of it on a scan."""
        lesion_id, scan_id = self._key_at(index)
        menu = QMenu(self)
        if lesion_id is not None:
            if scan_id is None:
                self._fill(menu, ON_NAME, lesion_id, "")
            else:
                place = self.filter.mapToSource(index)
                self._fill(menu, ON_SCAN, lesion_id, scan_id)
                can = possible(self._model.known_at(place.row(), place.column()))
                for action, entry in zip(ON_SCAN, menu.actions(), strict=True):
                    entry.setEnabled(action in can)
            menu.addSeparator()
            menu.addAction("Copy selected rows", partial(self.copy, True))
        menu.addAction("Copy table", self.copy)
        return menu

    # ---- Qt

    def changeEvent(self, event: QEvent) -> None:
        """Follow napari's font size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width anew."""
        super().resizeEvent(event)
        self._make_room()

    def showEvent(self, event: QShowEvent) -> None:
        """The font is napari's only now."""
        super().showEvent(event)
        self._make_room()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Without a lesion, show what to do in the empty space."""
        super().paintEvent(event)
        text = "No lesion matches the filter." if self._model.rowCount() else self.empty_text
        if self.filter.rowCount() == 0 and text:
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().text().color())
            where = self.viewport().rect().adjusted(24, 24, -24, -24)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(where, flags, text)
            painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy the selected rows."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy(selected_only=True)
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click on a lesion's colour asks for another one."""
        super().mouseReleaseEvent(event)
        place = event.position().toPoint()
        if event.button() == Qt.MouseButton.LeftButton and self._is_swatch(place):
            lesion_id, _ = self._key_at(self.indexAt(place))
            self.recolour_requested.emit(lesion_id)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done."""
        menu = self.menu_at(self.indexAt(event.pos()))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(event.globalPos())

    # ---- helpers

    def _lay_out_headers(self) -> None:
        columns = self.horizontalHeader()
        self.verticalHeader().hide()
        columns.setHighlightSections(False)
        columns.setSortIndicatorClearable(True)
        columns.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)

    def _make_room(self) -> None:
        self.verticalHeader().setDefaultSectionSize(room(self.font()).height())
        self._columns.share()
        self.updateGeometries()
        self.viewport().update()

    def _on_reset(self) -> None:
        self._columns.forget()
        self._make_room()
        self.show_selected(self._selected)

    def _on_moving(self) -> None:
        self._moving = True
        self._at = self.horizontalScrollBar().value(), self.verticalScrollBar().value()

    def _on_moved(self) -> None:
        """A row that comes, goes or moves changes neither the lesion that is worked on nor the place."""
        self.show_selected(self._selected)
        self._moving = False
        if self._at is not None:
            bars = self.horizontalScrollBar(), self.verticalScrollBar()
            for bar, value in zip(bars, self._at, strict=True):
                bar.setValue(value)
            self._at = None

    def _fill(self, menu: QMenu, entries: Mapping[Action, str], lesion_id: int, scan_id: str) -> None:
        for action, text in entries.items():
            menu.addAction(text, partial(self._ask, action, lesion_id, scan_id))

    def _ask(self, action: Action, lesion_id: int, scan_id: str) -> None:
        if action is Action.RENAME:
            self.edit(self.index_of(lesion_id))
        elif action is Action.RECOLOUR:
            self.recolour_requested.emit(lesion_id)
        else:
            self.action_requested.emit(action.value, lesion_id, scan_id)

    def _key_at(self, index: QModelIndex) -> tuple[int | None, str | None]:
        """Lesion and scan of a place in the table."""
        place = self.filter.mapToSource(index)
        return self._model.lesion_at(place.row()), self._model.scan_at(place.column())

    def _is_swatch(self, place: QPoint) -> bool:
        index = self.indexAt(place)
        inside = place.x() - self.visualRect(index).left()
        return bool(index.isValid() and index.column() == 0 and inside <= SWATCH + MARGIN)

    def _chosen(self) -> int | None:
        rows = self.selectionModel().selectedRows()
        return self._key_at(rows[0])[0] if len(rows) == 1 else None

    def _on_selection(self) -> None:
        if self._moving or len(self.selectionModel().selectedRows()) > 1:
            return
        self._selected = self._chosen()
        self.lesion_selected.emit(self._selected)

    def _on_clicked(self, index: QModelIndex) -> None:
        lesion_id, scan_id = self._key_at(index)
        if lesion_id is not None and scan_id is not None:
            self.finding_selected.emit(lesion_id, scan_id)
        elif lesion_id is not None and lesion_id == self._selected:
            self.name_clicked.emit()
