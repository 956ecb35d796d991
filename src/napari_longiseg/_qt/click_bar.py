"""What a click in the viewer does."""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QWidget


class ClickBar(QWidget):
    """Three switches; whoever owns the bar connects their ``toggled`` signals."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.place = QPushButton("Place clicks")
        self.place.setCheckable(True)
        self.place.setToolTip(
            "A click on any scan marks a lesion there: the selected one, the one whose outline was hit,\n"
            "or a new one where none is selected or the click lies far from it.\n"
            "Dragging and the wheel still move the view. Shift makes a click negative."
        )
        self.negative = QCheckBox("Negative")
        self.negative.setToolTip("Clicks say what does not belong to the lesion (also: hold Shift).")
        self.track_on_click = QCheckBox("Track on click")
        self.track_on_click.setChecked(True)
        self.track_on_click.setToolTip("Find the lesion on all scans as soon as it is clicked.")
        self._lay_out()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.place, 1)
        row.addWidget(self.negative)
        row.addWidget(self.track_on_click)
