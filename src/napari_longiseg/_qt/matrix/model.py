"""The lesion x scan table as a Qt model over the session."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap

from napari_longiseg._qt.matrix.cells import Cell, cell
from napari_longiseg._qt.texts import cell_tip, lesion_text, scan_text
from napari_longiseg.core.lesion import Finding, Lesion
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Scan
from napari_longiseg.session import Session
from napari_longiseg.session.review import is_unreviewed

ROOT = QModelIndex()
CELL = Qt.ItemDataRole.UserRole
"""Role of the :class:`Cell` that a cell of the matrix shows."""
SWATCH = 16
"""Edge of a colour's square in pixels."""
FAINT = QColor("#909090")
"""Of what has no size; readable on napari's dark and light backgrounds."""
STANDS_OUT = QColor(255, 176, 32, 70)
"""Behind cells that nobody has looked at, over either background; their glyph says so as well."""


def _swatch(colour: str) -> QIcon:
    """A square of one colour, the same when its row is selected (Qt would tint it)."""
    square = QPixmap(SWATCH, SWATCH)
    square.fill(QColor(colour))
    icon = QIcon(square)
    icon.addPixmap(square, QIcon.Mode.Selected)
    return icon


class LesionModel(QAbstractTableModel):
    """Rows are lesions; the first column names them, each further one is a scan.

    Parameters
    ----------
    session : Session
        What is shown.
    waiting : callable
        Says which lesions are being found on which scans: (lesion id, scan id).
    colour : callable
        Colour of a lesion id, as ``#rrggbb``.

    Signals
    -------
    unreviewed_changed(int)
        How many cells a reader has still to look at.
    """

    unreviewed_changed = Signal(int)

    def __init__(
        self,
        session: Session,
        waiting: Callable[[], Collection[tuple[int, str]]],
        colour: Callable[[int], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._waiting = waiting
        self._colour = colour
        self._lesions: tuple[Lesion, ...] = ()
        self._scans: tuple[Scan, ...] = ()
        self._date_colours: tuple[str, ...] = ()
        self._unreviewed = 0
        session.study_changed.connect(self.reload)
        session.lesions_changed.connect(self.reload)
        session.findings_changed.connect(self._on_finding)

    def close(self) -> None:
        """Stop watching the session."""
        self._session.study_changed.disconnect(self.reload)
        self._session.lesions_changed.disconnect(self.reload)
        self._session.findings_changed.disconnect(self._on_finding)

    def reload(self) -> None:
        """Take lesions and scans from the session; views keep their place and selection where they can."""
        study = self._session.study
        scans = study.scans if study else ()
        lesions = self._session.lesions
        ids = [lesion.id for lesion in lesions]
        kept = [lesion.id for lesion in self._lesions if lesion.id in ids]
        if scans != self._scans or kept != [i for i in ids if i in kept]:
            self.beginResetModel()
            self._lesions, self._scans = lesions, scans
            self.endResetModel()
        else:
            self._replace(lesions)
        self._count()

    def _replace(self, lesions: tuple[Lesion, ...]) -> None:
        """Take other lesions, in the same order, row by row."""
        ids = {lesion.id for lesion in lesions}
        for row in reversed(range(len(self._lesions))):
            if self._lesions[row].id not in ids:
                self.beginRemoveRows(ROOT, row, row)
                self._lesions = self._lesions[:row] + self._lesions[row + 1 :]
                self.endRemoveRows()
        for row, lesion in enumerate(lesions):
            if self.lesion_at(row) != lesion.id:
                self.beginInsertRows(ROOT, row, row)
                self._lesions = (*self._lesions[:row], lesion, *self._lesions[row:])
                self.endInsertRows()
        self._lesions = lesions
        self.refresh()

    def refresh(self) -> None:
        """Show the texts of all cells anew."""
        if self._lesions:
            last = self.index(len(self._lesions) - 1, len(self._scans))
            self.dataChanged.emit(self.index(0, 0), last)

    def set_date_colours(self, colours: Sequence[str]) -> None:
        """Mark the scans' headers with these colours (``#rrggbb``), in the scans' order."""
        self._date_colours = tuple(colours)
        if self._scans:
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 1, len(self._scans))

    # ---- what lies where

    @property
    def scans(self) -> tuple[Scan, ...]:
        """Of the columns from the second on."""
        return self._scans

    @property
    def unreviewed(self) -> int:
        """How many cells a reader has still to look at."""
        return self._unreviewed

    def lesion_at(self, row: int) -> int | None:
        """Id of the lesion in a row."""
        return self._lesions[row].id if 0 <= row < len(self._lesions) else None

    def row_of(self, lesion_id: int | None) -> int | None:
        """Row of a lesion."""
        ids = [lesion.id for lesion in self._lesions]
        return ids.index(lesion_id) if lesion_id in ids else None

    def scan_at(self, column: int) -> str | None:
        """Id of the scan in a column."""
        return self._scans[column - 1].id if 1 <= column <= len(self._scans) else None

    def column_of(self, scan_id: str) -> int | None:
        """Column of a scan."""
        ids = [scan.id for scan in self._scans]
        return 1 + ids.index(scan_id) if scan_id in ids else None

    def known_at(self, row: int, column: int) -> Finding | Proposal | None:
        """What is known of the lesion in a row on the scan in a column."""
        return self._known(self._lesions[row].id, self._scans[column - 1].id)

    def cell_at(self, row: int, column: int) -> Cell:
        """What the cell of a lesion and a scan shows."""
        known = self.known_at(row, column)
        lesion_id, scan_id = self._lesions[row].id, self._scans[column - 1].id
        source = None if known is None else self._session.finding(lesion_id, known.source_scan)
        marked = self._lesions[row].point_on(scan_id) is not None
        return cell(known, source, (lesion_id, scan_id) in self._waiting(), marked)

    # ---- Qt

    def rowCount(self, parent: QModelIndex = ROOT) -> int:
        """Number of lesions."""
        return 0 if parent.isValid() else len(self._lesions)

    def columnCount(self, parent: QModelIndex = ROOT) -> int:
        """One for the names, and one per scan."""
        return 0 if parent.isValid() else 1 + len(self._scans)

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Names can be edited in place."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == 0 else flags

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: ANN401 - Qt
        """Scan id over date, and the date's colour."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return "Lesion" if section == 0 else scan_text(self._scans[section - 1])
        if role == Qt.ItemDataRole.DecorationRole and 1 <= section <= len(self._date_colours):
            return _swatch(self._date_colours[section - 1])
        return None

    def data(self, index: QModelIndex, role: int = 0) -> Any:  # noqa: ANN401 - Qt
        """Name and colour of a lesion, or what is known of it on a scan."""
        if not index.isValid():
            return None
        if index.column() == 0:
            return self._name(self._lesions[index.row()], role)
        return self._state(index, role)

    def setData(self, index: QModelIndex, value: Any, role: int = 0) -> bool:  # noqa: ANN401 - Qt
        """Rename a lesion."""
        lesion_id = self.lesion_at(index.row())
        if role != Qt.ItemDataRole.EditRole or index.column() != 0 or lesion_id is None:
            return False
        name = str(value).strip()
        if name != self._session.lesion(lesion_id).name:  # leaving the editor is no step of undo
            self._session.rename(lesion_id, name)
        return True

    # ---- helpers

    def _known(self, lesion_id: int, scan_id: str) -> Finding | Proposal | None:
        return self._session.finding(lesion_id, scan_id) or self._session.proposal(lesion_id, scan_id)

    def _name(self, lesion: Lesion, role: int) -> Any:  # noqa: ANN401 - Qt
        if role == Qt.ItemDataRole.DisplayRole:
            return lesion_text(lesion)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{lesion_text(lesion)} (id {lesion.id}). Double click to rename, the square to recolour."
        if role == Qt.ItemDataRole.EditRole:
            return lesion.name
        return _swatch(self._colour(lesion.id)) if role == Qt.ItemDataRole.DecorationRole else None

    def _state(self, index: QModelIndex, role: int) -> Any:  # noqa: ANN401 - Qt
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter
        shown = self.cell_at(index.row(), index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return shown.text
        if role == Qt.ItemDataRole.ToolTipRole:
            lesion, scan = self._lesions[index.row()], self._scans[index.column() - 1]
            key, marked = (lesion.id, scan.id), lesion.point_on(scan.id) is not None
            return cell_tip(self._known(*key), shown.change_pct, key in self._waiting(), marked)
        if role == CELL:
            return shown
        if shown.unreviewed:
            return STANDS_OUT if role == Qt.ItemDataRole.BackgroundRole else None
        return FAINT if role == Qt.ItemDataRole.ForegroundRole and not shown.volume_ml else None

    def _on_finding(self, lesion_id: int, scan_id: str) -> None:
        """The whole row: on the source scan, changes are against it."""
        row = self.row_of(lesion_id)
        if row is not None and self.column_of(scan_id) is not None:
            self.dataChanged.emit(self.index(row, 1), self.index(row, len(self._scans)))
            self._count()

    def _count(self) -> None:
        known = (self._known(lesion.id, scan.id) for lesion in self._lesions for scan in self._scans)
        unreviewed = sum(is_unreviewed(one) for one in known)
        if unreviewed != self._unreviewed:
            self._unreviewed = unreviewed
            self.unreviewed_changed.emit(unreviewed)
