"""Which lesions of the matrix are shown, and in which order."""

from __future__ import annotations

import re
from enum import StrEnum

from qtpy.QtCore import QModelIndex, QObject, QSortFilterProxyModel, Qt

from napari_longiseg._qt.matrix.model import LesionModel
from napari_longiseg.core.lesion import Finding, Origin, Presence

GONE = (Presence.NOT_FOUND, Presence.RESOLVED)
"""Gone, says a method or a reader."""


class Shown(StrEnum):
    """Which lesions are shown; those of "present" and "gone" are so on the last scan with a finding."""

    ALL = "all"
    UNREVIEWED = "unreviewed"
    PRESENT = "present"
    GONE = "gone"
    NEW = "new"


class SortKey(StrEnum):
    """What the columns of scans are sorted by."""

    VOLUME = "volume"
    LONG_AXIS = "long axis"
    CHANGE = "change"


class LesionFilter(QSortFilterProxyModel):
    """A part of a :class:`LesionModel`, sorted.

    The column of names is sorted as people count (10 after 9), those of scans by size or change; what has
    none comes last in both directions. Not sorted, lesions come by id.
    """

    def __init__(self, model: LesionModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._text = ""
        self._shown = Shown.ALL
        self._key = SortKey.VOLUME
        self.setSourceModel(model)

    def set_text(self, text: str) -> None:
        """Show lesions with this text in their name or this id only."""
        self._text = text.strip().casefold()
        self.invalidate()

    def set_shown(self, shown: Shown) -> None:
        """Show lesions in this state only."""
        self._shown = shown
        self.invalidate()

    def set_sort_key(self, key: SortKey) -> None:
        """Sort the columns of scans by this."""
        self._key = key
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        """Whether a lesion is shown."""
        name = str(self._model.data(self._model.index(row, 0), Qt.ItemDataRole.DisplayRole))
        if self._text not in name.casefold() and self._text != str(self._model.lesion_at(row)):
            return False
        return self._shown is Shown.ALL or self._is_shown(row)

    def lessThan(self, left: QModelIndex, right: QModelIndex) -> bool:
        """Whether a lesion comes before another in ascending order."""
        if left.column() == 0:
            return _counted(str(left.data())) < _counted(str(right.data()))
        return self._value(left) < self._value(right)

    def _value(self, index: QModelIndex) -> float:
        shown = self._model.cell_at(index.row(), index.column())
        values = {
            SortKey.VOLUME: shown.volume_ml,
            SortKey.LONG_AXIS: shown.long_axis_mm,
            SortKey.CHANGE: shown.change_pct,
        }
        value = values[self._key]
        if value is not None:
            return value
        return float("inf") if self.sortOrder() == Qt.SortOrder.AscendingOrder else float("-inf")

    def _is_shown(self, row: int) -> bool:
        columns = range(1, 1 + len(self._model.scans))
        if self._shown is Shown.UNREVIEWED:
            return any(self._model.cell_at(row, column).unreviewed for column in columns)
        known = (self._model.known_at(row, column) for column in columns)
        findings = [one for one in known if isinstance(one, Finding)]
        if self._shown is Shown.NEW:
            return any(one.origin is Origin.NEW for one in findings)
        if not findings or findings[-1].merged_into is not None:
            return False
        wanted = GONE if self._shown is Shown.GONE else (Presence.PRESENT,)
        return findings[-1].presence in wanted


def _counted(name: str) -> list[tuple[bool, int, str]]:
    """Sorts "Lesion 10" after "Lesion 9": each run of digits as a number."""
    parts = re.findall(r"\d+|\D+", name.casefold())
    return [(not part[0].isdecimal(), int(part) if part[0].isdecimal() else 0, part) for part in parts]
