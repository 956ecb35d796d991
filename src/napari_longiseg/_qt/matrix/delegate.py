"""How a cell of the matrix is drawn: its state at the left, its figures in lines beside."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QRect, QSize, Qt
from qtpy.QtGui import QFont, QFontMetrics, QPainter, QPen
from qtpy.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from napari_longiseg._qt.matrix.cells import Cell
from napari_longiseg._qt.matrix.model import CELL

FIGURES = 0.92
"""Size of the figures against napari's font: three dates stand beside each other in the dock."""
WIDEST, GLYPH = "24.2 mm +194 %", "◐"
MARGIN, GAP = 5, 4
FRAME = 2
"""Pixels of the frame around the cell under review."""


class CellDelegate(QStyledItemDelegate):
    """Draws what the model says of a lesion on a scan.

    Attributes
    ----------
    current : QModelIndex or QPersistentModelIndex
        The cell under review, which gets a frame.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.current: QModelIndex = QModelIndex()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Background and selection as Qt does, then the cell's own lines."""
        shown = index.data(CELL)
        if not isinstance(shown, Cell):
            super().paint(painter, option, index)
            return
        plain = QStyleOptionViewItem(option)
        self.initStyleOption(plain, index)
        plain.text = ""
        style = plain.widget.style() if plain.widget else QApplication.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, plain, painter, plain.widget)
        painter.save()
        painter.setPen(plain.palette.text().color())
        _draw(painter, plain.rect.adjusted(MARGIN, 0, -MARGIN, 0), shown, plain.font)
        if index == self.current:
            painter.setPen(QPen(option.palette.text().color(), FRAME))  # not the faint one of an empty cell
            painter.drawRect(plain.rect.adjusted(1, 1, -FRAME, -FRAME))
        painter.restore()


def room(font: QFont) -> QSize:
    """Width that a cell needs for its figures, and height for two lines of them."""
    figures = QFontMetrics(_smaller(font))
    glyph = QFontMetrics(font).horizontalAdvance(GLYPH)
    width = glyph + GAP + figures.horizontalAdvance(WIDEST) + 2 * MARGIN
    return QSize(width, 2 * figures.lineSpacing() + 2 * MARGIN)


def _smaller(font: QFont) -> QFont:
    smaller = QFont(font)
    if font.pointSizeF() > 0:
        smaller.setPointSizeF(font.pointSizeF() * FIGURES)
    else:
        smaller.setPixelSize(round(font.pixelSize() * FIGURES))
    return smaller


def _draw(painter: QPainter, room: QRect, shown: Cell, font: QFont) -> None:
    lines = [line for line in shown.lines if any(line)]
    middle = Qt.AlignmentFlag.AlignVCenter
    if not lines:
        painter.setFont(font)
        painter.drawText(room, middle | Qt.AlignmentFlag.AlignHCenter, shown.glyphs)
        return
    painter.setFont(font)
    painter.drawText(room, middle | Qt.AlignmentFlag.AlignLeft, shown.glyphs)
    room = room.adjusted(painter.fontMetrics().horizontalAdvance(shown.glyphs) + GAP, 0, 0, 0)
    painter.setFont(_smaller(font))
    metrics = painter.fontMetrics()
    top = room.center().y() - len(lines) * metrics.lineSpacing() // 2 + 1
    for number, (text, change) in enumerate(lines):
        line = QRect(room.left(), top + number * metrics.lineSpacing(), room.width(), metrics.lineSpacing())
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, change)
        line.setRight(line.right() - metrics.horizontalAdvance(change))
        elided = metrics.elidedText(text, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignLeft, elided)
