"""Charts of the lesions over time, below the matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtCore import QEvent, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible, QElidingLabel

from napari_longiseg._qt.charts.drawing import Part, draw_best_change, draw_over_time, parts_for
from napari_longiseg._qt.charts.look import Look
from napari_longiseg._qt.charts.marks import write_note
from napari_longiseg._qt.charts.texts import no_chart_text, note
from napari_longiseg._qt.texts import lesion_text, scan_text
from napari_longiseg.core.errors import InputError
from napari_longiseg.core.series import Size, Timeline, best_changes, timeline
from napari_longiseg.io.arriving import arriving
from napari_longiseg.session import Session

LEAST, HEIGHT = 170, 420
"""Pixels of the chart with what stands above and below it; it fills the room that it is given."""
SAVED_IN = (6.4, 4.8)
"""Width and height of a chart in a file, in inches."""
QUIET_MS = 150
"""Findings that come within this time are drawn together."""
PNG_DPI = 200
FORMATS = (".png", ".svg")
OVER_TIME, SUM, BEST_CHANGE = "Over time", "Sum", "Best change"


class _Content(QWidget):
    """Knows how high it is to be: the fold asks for this, not for the fixed height."""

    def sizeHint(self) -> QSize:
        """As high as it is shown."""
        return QSize(super().sizeHint().width(), self.minimumHeight())


class ChartBox(QCollapsible):
    """Folded at first, and drawn only while it is seen.

    Parameters
    ----------
    session : Session
        What is drawn.
    colour : callable
        Colour of a lesion id, as ``#rrggbb``.

    Signals
    -------
    saved(str), failed(str)
        One sentence about what was written, or could not be.
    """

    saved = Signal(str)
    failed = Signal(str)

    def __init__(self, session: Session, colour: Callable[[int], str], parent: QWidget | None = None) -> None:
        super().__init__("Charts", parent)
        self._session = session
        self._colour = colour
        self._canvas: Any = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self.kind, self.size_shown = QComboBox(), QComboBox()
        self.log = QCheckBox("Log scale")
        self.save_button = QPushButton("Save…")
        self.empty, self.note = QLabel(), QElidingLabel()
        self._lay_out()
        self._connect()

    def close_session(self) -> None:
        """Stop watching the session."""
        self._timer.stop()
        for signal in self._watched:
            signal.disconnect(self.schedule)

    def schedule(self, *_: object) -> None:
        """Draw anew soon, if it is seen."""
        if self.isVisible() and self.isExpanded():
            self._timer.start()

    def draw(self) -> None:
        """Draw now."""
        line = self._line()
        why = no_chart_text(self._session.study, line, self._is_best_change)
        self.empty.setText(why)
        self.empty.setVisible(bool(why))
        self.note.setText("" if line is None or why else note(line, self._is_best_change))
        self.note.setToolTip(self.note.text())
        self.save_button.setEnabled(not why)
        self.log.setEnabled(not self._is_best_change)
        canvas = self._drawn_on()
        canvas.setVisible(not why)
        if line is not None and not why:
            self._draw(canvas.figure, line, self._look())
            canvas.draw_idle()

    def fit(self, room: int) -> None:
        """Fill a height in pixels, with all that belongs to the fold, as far as a chart can be read."""
        column = self.layout()
        above = self.toggleButton().sizeHint().height() + (column.count() - 1) * column.spacing()
        height = min(max(room - above, LEAST), HEIGHT)
        if height != self._content.minimumHeight():
            self._content.setFixedHeight(height)

    def save(self, path: Path) -> None:
        """Write what is chosen as a chart of its own: on white, for a document, with its note below.

        Raises
        ------
        InputError
            When the name ends in neither ``.png`` nor ``.svg``, there is no chart, or it cannot be written.
        """
        if path.suffix.lower() not in FORMATS:
            msg = f"Charts are saved as .png or .svg: give {path.name} one of these endings."
            raise InputError(msg)
        line = self._line()
        if why := no_chart_text(self._session.study, line, self._is_best_change):
            raise InputError(why)
        from matplotlib.figure import Figure

        on_white = replace(self._look(), text="#202020", background="#ffffff", selected=None)
        figure = Figure(SAVED_IN)
        if line is not None:
            self._draw(figure, line, on_white)
            write_note(figure, note(line, self._is_best_change), on_white)
        with arriving(path) as part:
            figure.savefig(part, format=path.suffix[1:].lower(), dpi=PNG_DPI)

    # ---- Qt

    def expand(self, animate: bool = True) -> None:
        """Show the chart."""
        self._content.show()
        super().expand(animate)
        self.draw()

    def collapse(self, animate: bool = True) -> None:
        """Hide the chart; a fixed height would keep its place otherwise."""
        super().collapse(animate)
        self._content.hide()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what has come meanwhile."""
        super().showEvent(event)
        self.schedule()

    def changeEvent(self, event: QEvent) -> None:
        """Follow napari's theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_timer"):
            self.schedule()

    # ---- build

    def _lay_out(self) -> None:
        self.kind.addItems([OVER_TIME, SUM, BEST_CHANGE])
        for size in Size:
            self.size_shown.addItem(size.capitalize(), size)
        self.kind.setToolTip("Over time: each lesion, and their sum above where there is room for both")
        self.log.setToolTip("Equal changes in per cent are equally high")
        self.save_button.setToolTip("Save the chart as PNG or SVG")
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout()
        row.addWidget(self.kind)
        row.addWidget(self.size_shown)
        row.addWidget(self.log)
        row.addStretch(1)
        row.addWidget(self.save_button)
        self._content = _Content()
        self._content.setFixedHeight(HEIGHT)
        self.layout().setContentsMargins(0, 0, 0, 0)
        self._column = QVBoxLayout(self._content)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addLayout(row)
        self._column.addWidget(self.empty, 1)
        self._column.addWidget(self.note)
        self.setContent(self._content)
        self.setDuration(0)
        self.setExpandedIcon("▾")
        self.setCollapsedIcon("▸")
        self.collapse(animate=False)

    def _connect(self) -> None:
        session = self._session
        self._watched = (
            session.study_changed,
            session.lesions_changed,
            session.findings_changed,
            session.selection_changed,
        )
        for signal in self._watched:
            signal.connect(self.schedule)
        self._timer.timeout.connect(self.draw)
        self.kind.currentIndexChanged.connect(self.draw)
        self.size_shown.currentIndexChanged.connect(self.draw)
        self.log.toggled.connect(self.draw)
        self.save_button.clicked.connect(self._on_save)

    # ---- helpers

    @property
    def _is_best_change(self) -> bool:
        return bool(self.kind.currentText() == BEST_CHANGE)

    def _line(self) -> Timeline | None:
        session = self._session
        if session.study is None:
            return None
        size = Size(self.size_shown.currentData())
        return timeline(session.study, session.lesions, session.finding, size)

    def _drawn_on(self) -> Any:  # noqa: ANN401 - matplotlib's canvas, which is a widget
        """The canvas; made, and matplotlib loaded, when the first chart is drawn."""
        if self._canvas is None:
            from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg  # of the binding that is loaded
            from matplotlib.figure import Figure

            canvas: Any = FigureCanvasQTAgg
            self._canvas = canvas(Figure())
            self._canvas.mpl_connect("resize_event", self.schedule)  # its margins are in inches
            self._column.insertWidget(1, self._canvas, 1)
        return self._canvas

    def _draw(self, figure: Any, line: Timeline, look: Look) -> None:  # noqa: ANN401 - matplotlib
        if self._is_best_change:
            draw_best_change(figure, line, best_changes(line), look)
        else:
            parts = parts_for(figure.get_size_inches()[1])
            alone = self.kind.currentText() == SUM
            draw_over_time(figure, line, look, self.log.isChecked(), (Part.SUM,) if alone else parts)

    def _look(self) -> Look:
        session, palette = self._session, self.palette()
        return Look(
            palette.windowText().color().name(),
            palette.window().color().name(),
            self._colour,
            {lesion.id: lesion_text(lesion) for lesion in session.lesions},
            {scan.id: scan_text(scan) for scan in session.study.scans} if session.study else {},
            session.selected,
        )

    def _on_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save the chart", "lesions.png", "Pictures (*.png *.svg)")
        if not name:
            return
        try:
            self.save(Path(name))
        except InputError as error:
            self.failed.emit(str(error))
        else:
            self.saved.emit(f"The chart is saved as {Path(name).name}.")
