"""The lesion x scan table."""

from __future__ import annotations

from qtpy.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QPainter, QPaintEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_longiseg._qt.lesion_model import LesionModel

NAME_WIDTH = 105
SCAN_WIDTH = 84


class LesionTable(QTableView):
    """Shows lesions and lets the reader choose one.

    Signals
    -------
    lesion_selected(object)
        Lesion id, or None where the selection was cleared.
    finding_selected(int, str)
        Lesion id and scan id of the cell that was chosen.
    """

    lesion_selected = Signal(object)
    finding_selected = Signal(int, str)

    def __init__(self, model: LesionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.setModel(model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setShowGrid(False)
        self.setMinimumHeight(120)
        self.empty_text = ""
        self._lay_out_headers()
        self.selectionModel().selectionChanged.connect(self._on_selection)
        self.clicked.connect(self._on_clicked)
        model.modelReset.connect(self._on_reset)

    def show_selected(self, lesion_id: int | None) -> None:
        """Select a lesion's row."""
        row = self._model.row_of(lesion_id)
        if row is None:
            self.clearSelection()
        elif lesion_id != self._chosen():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            index = self._model.index(row, 0)
            self.selectionModel().setCurrentIndex(index, flags)
            self.scrollTo(index)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Without a lesion, show what to do in the empty space."""
        super().paintEvent(event)
        if self._model.rowCount() == 0 and self.empty_text:
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().text().color())
            where = self.viewport().rect().adjusted(24, 24, -24, -24)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(where, flags, self.empty_text)
            painter.end()

    def _lay_out_headers(self) -> None:
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        rows.setDefaultSectionSize(42)
        columns.setMinimumSectionSize(60)
        columns.setDefaultSectionSize(SCAN_WIDTH)
        columns.setHighlightSections(False)

    def _on_reset(self) -> None:
        columns = self.horizontalHeader()
        if columns.count():
            columns.resizeSection(0, NAME_WIDTH)
            columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
            columns.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)

    def _chosen(self) -> int | None:
        rows = self.selectionModel().selectedRows()
        return self._model.lesion_at(rows[0].row()) if rows else None

    def _on_selection(self) -> None:
        self.lesion_selected.emit(self._chosen())

    def _on_clicked(self, index: QModelIndex) -> None:
        lesion_id, scan_id = self._model.lesion_at(index.row()), self._model.scan_at(index.column())
        if lesion_id is not None and scan_id is not None:
            self.finding_selected.emit(lesion_id, scan_id)
