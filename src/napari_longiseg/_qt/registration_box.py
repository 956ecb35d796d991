"""Look at how one scan is aligned to another."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_longiseg._napari.check.layers import View
from napari_longiseg._napari.check.view import SQUARE_MM
from napari_longiseg._qt.progress_box import ERROR_STYLE
from napari_longiseg._qt.texts import check_text, view_hint
from napari_longiseg.core.scan import Study
from napari_longiseg.registration.check import RegistrationCheck

COLUMNS = 3


class RegistrationBox(QWidget):
    """Chooses a pair of scans to check, and how to look at it once it is checked.

    Signals
    -------
    check_requested(str, str)
        Ids of the source and the target scan.
    view_chosen(object)
        A :class:`View`.
    square_chosen(int)
        Edge of the checkerboard's squares in mm.
    """

    check_requested = Signal(str, str)
    view_chosen = Signal(object)
    square_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._busy = False
        self.check_button = QPushButton("Check registration")
        self.source, self.target = QComboBox(), QComboBox()
        self.views = {view: QRadioButton(view.capitalize()) for view in View}
        self.square = QSpinBox()
        self.square.setRange(10, 100)
        self.square.setSingleStep(5)
        self.square.setSuffix(" mm")
        self.square.setValue(round(SQUARE_MM))
        self.hint, self.summary, self.doubt = QLabel(), QLabel(), QLabel()
        self._shown = QWidget()
        self._lay_out()
        self._connect()
        self.show_study(None)
        self.show_check(None, View.OFF)

    def show_study(self, study: Study | None) -> None:
        """Offer the scans of a study."""
        for box in (self.source, self.target):
            box.clear()
            box.addItems([scan.id for scan in study.scans] if study else [])
        self.propose(None)

    def propose(self, source: str | None) -> None:
        """Offer a scan (by default the first) and the next one; with the last one, that before."""
        at = max(self.source.findText(source or ""), 0)
        self.source.setCurrentIndex(at)
        self.target.setCurrentIndex(at + 1 if at + 1 < self.target.count() else at - 1)
        self._update_button()

    def set_busy(self, busy: bool) -> None:
        """Wait while something runs."""
        self._busy = busy
        self._update_button()

    def show_check(self, check: RegistrationCheck | None, view: View) -> None:
        """Say what is looked at, how well the scans fit, and what to doubt."""
        self._shown.setVisible(check is not None)
        self.views[view].setChecked(True)
        self.square.setVisible(view is View.CHECKERBOARD)
        texts = ("", "", "")
        if check is not None:
            texts = (view_hint(check, view), check_text(check), check.report.doubt)
        for label, text in zip((self.hint, self.summary, self.doubt), texts, strict=True):
            label.setText(text)
            label.setVisible(bool(text))

    # ---- build

    def _lay_out(self) -> None:
        self.check_button.setToolTip(
            "Lay one scan over another as the chosen registration aligns them,\n"
            "and see where it can be trusted. Tracking uses the same alignment."
        )
        self.source.setToolTip("The scan that is laid over the other one")
        self.target.setToolTip("The scan that it is laid over")
        self.square.setToolTip("Edge of the squares")
        self.doubt.setStyleSheet(ERROR_STYLE)
        for box in (self.source, self.target):  # long ids are cut in the box, not in the list
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        pair = QHBoxLayout()
        pair.addWidget(self.check_button)
        pair.addWidget(self.source, 1)
        pair.addWidget(QLabel("on"))
        pair.addWidget(self.target, 1)
        looks = QGridLayout()
        for place, button in enumerate(self.views.values()):
            looks.addWidget(button, *divmod(place, COLUMNS))
        looks.addWidget(self.square, *divmod(len(self.views), COLUMNS))
        below = QVBoxLayout(self._shown)
        below.setContentsMargins(0, 0, 0, 0)
        below.addLayout(looks)
        for label in (self.hint, self.summary, self.doubt):
            label.setWordWrap(True)
            below.addWidget(label)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(pair)
        column.addWidget(self._shown)

    def _connect(self) -> None:
        self._group = QButtonGroup(self)
        for button in self.views.values():
            self._group.addButton(button)
        self._group.buttonClicked.connect(self._on_view)
        self.check_button.clicked.connect(self._on_check)
        self.source.currentIndexChanged.connect(self._update_button)
        self.target.currentIndexChanged.connect(self._update_button)
        self.square.valueChanged.connect(self.square_chosen)

    # ---- what the reader wants

    def _update_button(self) -> None:
        alone = self.target.currentText() in ("", self.source.currentText())
        self.check_button.setEnabled(not alone and not self._busy)

    def _on_check(self) -> None:
        self.check_requested.emit(self.source.currentText(), self.target.currentText())

    def _on_view(self, clicked: QAbstractButton) -> None:
        self.view_chosen.emit(next(view for view, button in self.views.items() if button is clicked))
