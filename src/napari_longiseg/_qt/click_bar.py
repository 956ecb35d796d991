"""What the left mouse button does in the viewer."""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget


class ClickBar(QWidget):
    """Four switches; whoever owns the bar connects their ``toggled`` signals.

    Attributes
    ----------
    place, negative, box, straight : QAbstractButton
        Whether clicks place points, whether these are negative, whether a drag draws a box, and whether all
        scans are outlined without waiting for the reader.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.place = QPushButton("Place clicks")
        self.box = QPushButton("Box")
        self.negative = QCheckBox("Negative")
        self.straight = QCheckBox("Segment straight away")
        self._explain()
        self._lay_out()
        self._connect()

    def _explain(self) -> None:
        self.place.setToolTip(
            "A click on any scan marks a lesion there: the selected one, the one whose outline was hit,\n"
            "or a new one where none is selected or the click lies far from it.\n"
            "Drag a marker to move it; Escape puts it back. Other drags and the wheel move the view.\n"
            "Shift makes a click negative."
        )
        self.box.setToolTip(
            "A drag draws a box around the selected lesion, as deep as it is wide or high.\n"
            "What is outlined on that scan stays inside. Clicks remain clicks.\n"
            "After one box the tool is put away; with Shift held it stays."
        )
        self.negative.setToolTip("Clicks say what does not belong to the lesion (Q; also: hold Shift).")
        self.straight.setToolTip(
            "Outline the lesion on all scans as soon as it is clicked.\n"
            "Otherwise its place is proposed on the other scans, and outlined when it is accepted (Y)."
        )

    def _lay_out(self) -> None:
        for button in (self.place, self.box):
            button.setCheckable(True)
        self.box.setEnabled(False)
        buttons = QHBoxLayout()
        buttons.addWidget(self.place, 2)
        buttons.addWidget(self.box, 1)
        checks = QHBoxLayout()
        checks.addWidget(self.negative)
        checks.addWidget(self.straight)
        checks.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(buttons)
        column.addLayout(checks)

    def _connect(self) -> None:
        self.place.toggled.connect(self._on_place)

    def _on_place(self, on: bool) -> None:
        """Without clicks there are no boxes either."""
        self.box.setEnabled(on)
        if not on:
            self.box.setChecked(False)
