"""What unfolds below the matrix."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, QTimer
from qtpy.QtGui import QResizeEvent, QShowEvent
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
            box.toggled.connect(self._settle)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The charts fill the room."""
        super().resizeEvent(event)
        if self._charts.isExpanded():
            self._charts.fit(self.viewport().height())

    def sizeHint(self) -> QSize:
        """As high as what stands in it now; Qt remembers what stood there before the theme was known."""
        return QSize(super().sizeHint().width(), self.widget().sizeHint().height())

    def showEvent(self, event: QShowEvent) -> None:
        """The theme has made all of it higher by now."""
        super().showEvent(event)
        QTimer.singleShot(0, self._settle)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow what stands in it: a check of the registration shows more, and the theme comes late."""
        done = bool(super().eventFilter(watched, event))
        if watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self._settle()
        return done

    def _settle(self, *_: object) -> None:
        """Take as much room as is needed, but not all; give some back only when nothing is unfolded."""
        splitter = self.parentWidget()
        if not isinstance(splitter, QSplitter) or not self.isVisible():
            return
        whole = sum(splitter.sizes())
        frame = self.height() - self.viewport().height()  # napari's theme draws one
        wanted = min(self.widget().sizeHint().height() + frame, round(MOST * whole))
        unfolded = any(box.isExpanded() for box in self._boxes)
        if not unfolded or splitter.sizes()[-1] < wanted:
            splitter.setSizes([whole - wanted, wanted])
