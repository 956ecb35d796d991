"""What can be done with lesions as a whole."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget


class LesionBar(QWidget):
    """Buttons below the matrix.

    Attributes
    ----------
    add, remove, track, track_all, export : QPushButton
        Enabled by whoever owns the bar.

    Signals
    -------
    add_requested(), remove_requested(), track_requested(), track_all_requested(), export_requested()
        A button was pressed.
    """

    add_requested = Signal()
    remove_requested = Signal()
    track_requested = Signal()
    track_all_requested = Signal()
    export_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.add = QPushButton("Add")
        self.remove = QPushButton("Remove")
        self.track = QPushButton("Track")
        self.track_all = QPushButton("Track all")
        self.export = QPushButton("Export…")
        self._explain()
        self._lay_out()
        self._connect()

    def _explain(self) -> None:
        self.add.setToolTip("Start another lesion (N); then click it on any scan")
        self.remove.setToolTip("Remove the selected lesion from all scans")
        self.track.setToolTip("Outline the selected lesion on all scans; what is accepted or edited stays")
        self.track_all.setToolTip("Outline every lesion on all scans; what is accepted or edited stays")
        self.export.setToolTip("Write masks, lesions.csv and run.json into a folder")

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for button in (self.add, self.remove, self.track, self.track_all, self.export):
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            row.addWidget(button, 1)

    def _connect(self) -> None:
        self.add.clicked.connect(self.add_requested)
        self.remove.clicked.connect(self.remove_requested)
        self.track.clicked.connect(self.track_requested)
        self.track_all.clicked.connect(self.track_all_requested)
        self.export.clicked.connect(self.export_requested)
