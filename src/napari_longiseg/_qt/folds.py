"""What unfolds below the matrix."""

from __future__ import annotations

from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QSplitter, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_longiseg._qt.charts.box import ChartBox

MOST = 0.62
"""Share of the splitter that what is unfolded may take from the matrix."""


class Folds(QScrollArea):
    """Takes room from the splitter that it stands in when something is unfolded, and gives it back.

    What has no room is scrolled to; the charts fill the room that there is.

    Parameters
    ----------
    charts : ChartBox
        Stands first.
    others : sequence of QWidget
        Stand below; those that fold take room, too.
    """

    def __init__(self, charts: ChartBox, *others: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._charts = charts
        self._boxes = [box for box in (charts, *others) if isinstance(box, QCollapsible)]
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (charts, *others):
            column.addWidget(widget)
        column.addStretch(1)
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        for box in self._boxes:
            box.toggled.connect(self._on_toggled)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The charts fill the room."""
        super().resizeEvent(event)
        if self._charts.isExpanded():
            self._charts.fit(self.viewport().height())

    def _on_toggled(self, expanded: bool) -> None:
        splitter = self.parentWidget()
        if not isinstance(splitter, QSplitter) or not self.isVisible():
            return
        whole = sum(splitter.sizes())
        folded = self.widget().layout().minimumSize().height()
        if any(box.isExpanded() for box in self._boxes):
            wanted = min(self.widget().sizeHint().height(), round(MOST * whole))
            if not expanded or splitter.sizes()[-1] >= wanted:
                return
        else:
            wanted = folded
        splitter.setSizes([whole - wanted, wanted])
