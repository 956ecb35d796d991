"""The lesion x scan table as a Qt model over the session."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from qtpy.QtGui import QColor, QIcon, QPixmap

from napari_longiseg._qt.texts import finding_text, finding_tip, lesion_text, scan_text
from napari_longiseg.core.lesion import Lesion
from napari_longiseg.core.scan import Scan
from napari_longiseg.session import Session

ROOT = QModelIndex()


def _swatch(colour: str) -> QIcon:
    """A square of one colour, the same when its row is selected (Qt would tint it)."""
    square = QPixmap(16, 16)
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
        Says which lesions are being tracked.
    colour : callable
        Colour of a lesion id, as ``#rrggbb``.
    """

    def __init__(
        self,
        session: Session,
        waiting: Callable[[], Collection[int]],
        colour: Callable[[int], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._waiting = waiting
        self._colour = colour
        self._lesions: tuple[Lesion, ...] = ()
        self._scans: tuple[Scan, ...] = ()
        session.study_changed.connect(self.reload)
        session.lesions_changed.connect(self.reload)
        session.findings_changed.connect(self._on_finding)

    def close(self) -> None:
        """Stop watching the session."""
        self._session.study_changed.disconnect(self.reload)
        self._session.lesions_changed.disconnect(self.reload)
        self._session.findings_changed.disconnect(self._on_finding)

    def reload(self) -> None:
        """Take lesions and scans from the session; rows and columns are rebuilt only where they change."""
        study = self._session.study
        scans = study.scans if study else ()
        lesions = self._session.lesions
        if scans != self._scans or [x.id for x in lesions] != [x.id for x in self._lesions]:
            self.beginResetModel()
            self._lesions, self._scans = lesions, scans
            self.endResetModel()
        else:
            self._lesions = lesions
            self.refresh()

    def refresh(self) -> None:
        """Show the texts of all cells anew."""
        if self._lesions:
            last = self.index(len(self._lesions) - 1, len(self._scans))
            self.dataChanged.emit(self.index(0, 0), last)

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
        """Scan id over date."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return "Lesion" if section == 0 else scan_text(self._scans[section - 1])
        return None

    def data(self, index: QModelIndex, role: int = 0) -> Any:  # noqa: ANN401 - Qt
        """Name and colour of a lesion, or its finding on a scan."""
        if not index.isValid():
            return None
        lesion = self._lesions[index.row()]
        scan_id = self.scan_at(index.column())
        return self._name(lesion, role) if scan_id is None else self._finding(lesion, scan_id, role)

    def setData(self, index: QModelIndex, value: Any, role: int = 0) -> bool:  # noqa: ANN401 - Qt
        """Rename a lesion."""
        lesion_id = self.lesion_at(index.row())
        if role != Qt.ItemDataRole.EditRole or index.column() != 0 or lesion_id is None:
            return False
        self._session.rename(lesion_id, str(value).strip())
        return True

    def _name(self, lesion: Lesion, role: int) -> Any:  # noqa: ANN401 - Qt
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return lesion_text(lesion)
        if role == Qt.ItemDataRole.EditRole:
            return lesion.name
        return _swatch(self._colour(lesion.id)) if role == Qt.ItemDataRole.DecorationRole else None

    def _finding(self, lesion: Lesion, scan_id: str, role: int) -> Any:  # noqa: ANN401 - Qt
        finding = self._session.finding(lesion.id, scan_id)
        if role == Qt.ItemDataRole.DisplayRole:
            return finding_text(finding, lesion.id in self._waiting())
        if role == Qt.ItemDataRole.ToolTipRole:
            return finding_tip(finding)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter
        faint = finding is None or finding.measurements is None
        return QColor("#909090") if faint and role == Qt.ItemDataRole.ForegroundRole else None

    def _on_finding(self, lesion_id: int, scan_id: str) -> None:
        row = self.row_of(lesion_id)
        scans = [scan.id for scan in self._scans]
        if row is not None and scan_id in scans:
            index = self.index(row, 1 + scans.index(scan_id))
            self.dataChanged.emit(index, index)
