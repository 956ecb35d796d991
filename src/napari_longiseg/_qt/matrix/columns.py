"""How the columns of the matrix share its width."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QTableView

from napari_longiseg._qt.matrix.delegate import MARGIN, room
from napari_longiseg._qt.matrix.model import SWATCH

NAME_LEAST, NAME_WIDTH = 76, 150
"""Pixels of the column of names, where dates leave it no more, and at most unless the reader widens it."""


class Columns:
    """Gives the dates what they need, the names what is left, and then all dates the rest.

    The table scrolls sideways where it has no room for that. A width that the reader gives to the names is
    kept until the study is another one.

    Parameters
    ----------
    table : QTableView
        Its first column has the names.
    """

    def __init__(self, table: QTableView) -> None:
        self._table = table
        self._name_width: int | None = None
        table.horizontalHeader().sectionResized.connect(self._on_resized)

    def forget(self) -> None:
        """Share as at first, in a table with other columns."""
        self._name_width = None
        self.share()

    def share(self) -> None:
        """Share the width that the table has now."""
        header = self._table.horizontalHeader()
        dates = header.count() - 1
        if dates < 1:
            return
        figures = room(self._table.font()).width()
        least = max(figures, *(self._heading_width(column) for column in range(1, 1 + dates)))
        whole = self._table.viewport().width()
        name = self._name_width or max(NAME_LEAST, min(NAME_WIDTH, whole - dates * least))
        with QSignalBlocker(header):
            header.resizeSection(0, name)
            for column in range(1, 1 + dates):
                header.resizeSection(column, max(least, (whole - name) // dates))

    def _heading_width(self, column: int) -> int:
        """Room for a scan's id, its date and their colour; Qt asks for a sort mark beside it, too."""
        heading = str(self._table.model().headerData(column, Qt.Orientation.Horizontal))
        metrics = self._table.horizontalHeader().fontMetrics()
        return int(SWATCH + 3 * MARGIN + max(map(metrics.horizontalAdvance, heading.splitlines())))

    def _on_resized(self, section: int, _before: int, width: int) -> None:
        if section == 0:
            self._name_width = width
