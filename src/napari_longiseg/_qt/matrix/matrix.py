"""The matrix: lesions by scans, with what chooses and sorts them."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from napari_longiseg._qt.matrix.filter import Shown, SortKey
from napari_longiseg._qt.matrix.model import LesionModel
from napari_longiseg._qt.matrix.table import LesionTable


class LesionMatrix(QWidget):
    """A table of lesions, and a line that filters and sorts it.

    Parameters
    ----------
    model : LesionModel
        What is shown.

    Attributes
    ----------
    table : LesionTable
        Emits what the reader wants.
    """

    def __init__(self, model: LesionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.table = LesionTable(model)
        self.text = QLineEdit()
        self.shown, self.sort_key = QComboBox(), QComboBox()
        for shown in Shown:
            self.shown.addItem(shown.capitalize(), shown)
        for key in SortKey:
            self.sort_key.addItem(f"Sort by {key}", key)
        self._on_unreviewed(model.unreviewed)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self.text.setPlaceholderText("Name or id")
        self.text.setToolTip("Show lesions with this in their name only")
        self.text.setClearButtonEnabled(True)
        self.shown.setToolTip("Which lesions are shown; present and gone: on the last scan with a finding")
        self.sort_key.setToolTip(
            "What a click on a date's header sorts by: once upwards, twice downwards, and a third time by id"
        )
        row = QHBoxLayout()
        row.addWidget(self.text, 1)
        row.addWidget(self.shown)
        row.addWidget(self.sort_key)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.table, 1)

    def _connect(self) -> None:
        self.text.textChanged.connect(self.table.filter.set_text)
        self.shown.currentIndexChanged.connect(self._on_shown)
        self.sort_key.currentIndexChanged.connect(self._on_sort_key)
        self._model.unreviewed_changed.connect(self._on_unreviewed)

    def _on_shown(self) -> None:
        self.table.filter.set_shown(Shown(self.shown.currentData()))

    def _on_sort_key(self) -> None:
        self.table.filter.set_sort_key(SortKey(self.sort_key.currentData()))

    def _on_unreviewed(self, count: int) -> None:
        entry = self.shown.findData(Shown.UNREVIEWED)
        name = Shown.UNREVIEWED.capitalize()
        self.shown.setItemText(entry, f"{name} ({count})" if count else name)
