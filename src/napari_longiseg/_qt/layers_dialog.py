"""Which of the layers that are open are scans of one patient, in which order, and of which dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari.layers import Image
from napari_longiseg._napari.layers.from_layers import (
    LayerScan,
    date_in,
    hu_doubt,
    layers_as_study,
    refusal,
    spacing_of,
    unit_doubt,
)
from napari_longiseg.core.errors import InputError, LongisegError
from napari_longiseg.core.geometry import Point

COLUMNS = ("Layer", "Scan", "Date", "z (mm)", "y (mm)", "x (mm)", "Look at")
LAYER, SCAN, DATE, SIZES, NOTE = 0, 1, 2, (3, 4, 5), 6
EXPLANATION = (
    "The layers that are ticked become one study, from top to bottom. Their axes are taken as z, y, x:\n"
    "slices from the feet to the head, rows from front to back, columns from the patient's right to left."
)


class LayersDialog(QDialog):
    """Shown without blocking; says what is wrong below the list.

    Parameters
    ----------
    layers : iterable of napari.layers.Layer
        Those of the viewer; only image layers are listed.

    Signals
    -------
    study_chosen(object, object)
        The study, and its layers in the same order, for
        :func:`~napari_longiseg._napari.layers.from_layers.take_over`.
    """

    study_chosen = Signal(object, object)

    def __init__(self, layers: Iterable[Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Use open layers as scans")
        self._layers = [layer for layer in layers if isinstance(layer, Image)]
        self.patient = QLineEdit("patient")
        self.table = QTableWidget(len(self._layers), len(COLUMNS))
        self.up, self.down = QPushButton("Up"), QPushButton("Down")
        self.confirmed = QCheckBox("The sizes of the voxels in the list are millimetres.")
        self.problem = QLabel()
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self._fill()
        self._lay_out()
        self.up.clicked.connect(lambda: self._move(-1))
        self.down.clicked.connect(lambda: self._move(1))
        self.table.itemChanged.connect(self._on_changed)
        self.confirmed.toggled.connect(self._on_changed)
        self.buttons.accepted.connect(self._on_accepted)
        self.buttons.rejected.connect(self.reject)
        self._on_changed()
        self.resize(900, 420)

    # ---- build

    def _lay_out(self) -> None:
        self.problem.setWordWrap(True)
        order = QVBoxLayout()
        order.addWidget(self.up)
        order.addWidget(self.down)
        order.addStretch(1)
        middle = QHBoxLayout()
        middle.addWidget(self.table, 1)
        middle.addLayout(order)
        patient = QFormLayout()
        patient.addRow("Patient", self.patient)
        column = QVBoxLayout(self)
        column.addWidget(QLabel(EXPLANATION))
        column.addLayout(patient)
        column.addLayout(middle, 1)
        column.addWidget(self.confirmed)
        column.addWidget(self.problem)
        column.addWidget(self.buttons)

    def _fill(self) -> None:
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.verticalHeader().hide()
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        for row, layer in enumerate(self._layers):
            for column, item in enumerate(_row(layer, row)):
                self.table.setItem(row, column, item)
        self.table.resizeColumnsToContents()
        self.table.setColumnWidth(NOTE, 0)  # takes what is left, and its sentences run over several lines
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)

    # ---- what is chosen

    def chosen(self) -> tuple[LayerScan, ...]:
        """The ticked layers from top to bottom, as the scans that they are to be.

        Raises
        ------
        InputError
            When a date or a size cannot be read.
        """
        rows = [row for row in range(self.table.rowCount()) if self._is_ticked(row)]
        return tuple(
            LayerScan(self._layer(row), self._text(row, SCAN), self._date(row), self._spacing(row))
            for row in rows
        )

    def _is_ticked(self, row: int) -> bool:
        return bool(self.table.item(row, LAYER).checkState() == Qt.CheckState.Checked)

    def _layer(self, row: int) -> Any:  # noqa: ANN401 - may be a proxy of a layer
        return self._layers[self.table.item(row, LAYER).data(Qt.ItemDataRole.UserRole)]

    def _text(self, row: int, column: int) -> str:
        return str(self.table.item(row, column).text()).strip()

    def _date(self, row: int) -> dt.date | None:
        text = self._text(row, DATE)
        try:
            return dt.date.fromisoformat(text) if text else None
        except ValueError as error:
            msg = f"{text!r} is no date; write it as 2024-03-10, or leave it out."
            raise InputError(msg) from error

    def _spacing(self, row: int) -> Point | None:
        """What the user says; None where the layer says the same in a unit of length."""
        texts = [self._text(row, column) for column in SIZES]
        if not unit_doubt(self._layer(row)) and texts == _sizes(self._layer(row)):
            return None
        try:
            z, y, x = (float(text) for text in texts)
        except ValueError as error:
            msg = f"{' x '.join(texts)} is no size of voxels; write three numbers in mm."
            raise InputError(msg) from error
        return z, y, x

    # ---- what the user does

    def _on_changed(self, *_: object) -> None:
        """Ask about units where that is needed, and renew what stands below the list."""
        asked = [unit_doubt(self._layer(row)) for row in range(self.table.rowCount()) if self._is_ticked(row)]
        self.confirmed.setVisible(any(asked))
        self.problem.clear()
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        ok.setEnabled(bool(asked) and (self.confirmed.isChecked() or not any(asked)))

    def _move(self, step: int) -> None:
        """Exchange the selected layer with the one above or below; the ids of scans stay in their rows."""
        row = self.table.currentRow()
        other = row + step
        if row < 0 or not 0 <= other < self.table.rowCount():
            return
        self.table.blockSignals(True)
        for column in (LAYER, DATE, *SIZES, NOTE):
            one, two = self.table.takeItem(row, column), self.table.takeItem(other, column)
            self.table.setItem(row, column, two)
            self.table.setItem(other, column, one)
        self.table.blockSignals(False)
        self.table.setCurrentCell(other, LAYER)

    def _on_accepted(self) -> None:
        try:
            chosen = self.chosen()
            study = layers_as_study(chosen, self.patient.text())
        except LongisegError as error:
            self.problem.setText(str(error))
            return
        self.study_chosen.emit(study, [one.layer for one in chosen])
        self.accept()


def _sizes(layer: Any) -> list[str]:  # noqa: ANN401
    return [f"{size:g}" for size in spacing_of(layer)]


def _row(layer: Any, row: int) -> list[QTableWidgetItem]:  # noqa: ANN401
    """The cells of one layer; one that cannot be a scan can neither be ticked nor edited."""
    reason = refusal(layer)
    date = None if reason else date_in(layer.name)
    texts = [layer.name, f"T{row}", date.isoformat() if date else ""]
    if reason:
        texts += ["", "", "", reason]
    else:
        texts += [*_sizes(layer), " ".join(filter(None, (unit_doubt(layer), hu_doubt(layer))))]
    items = [QTableWidgetItem(text) for text in texts]
    for column, item in enumerate(items):
        if reason:
            item.setFlags(Qt.ItemFlag.NoItemFlags)
        elif column in (LAYER, NOTE):
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
        item.setToolTip(item.text() if column in (LAYER, NOTE) else "")
    items[LAYER].setCheckState(Qt.CheckState.Unchecked if reason else Qt.CheckState.Checked)
    items[LAYER].setData(Qt.ItemDataRole.UserRole, row)
    return items
