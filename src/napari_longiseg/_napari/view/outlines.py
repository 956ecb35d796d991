"""How outlines are drawn: filled, as lines that leave the lesion to be seen, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from napari_longiseg._napari.layers.scans import LABEL_OPACITY
from napari_longiseg._napari.view.cell import Cell

LINES_OPACITY, SOLID = 1.0, 0.95
LINE_VOXELS = 1


class Outlines(Enum):
    """How all outlines are drawn."""

    FILLED = auto()
    LINES = auto()
    HIDDEN = auto()


def drawn(cells: Sequence[Cell]) -> Outlines:
    """How they are drawn now; one scan with outlines is enough, for a reader may change a layer by hand."""
    labels = next((cell.labels for cell in cells if cell.labels.opacity > 0), None)
    if labels is None:
        return Outlines.HIDDEN
    return Outlines.LINES if labels.contour else Outlines.FILLED


def after(now: Outlines, in_3d: bool) -> Outlines:
    """What comes next: filled, lines, hidden, in turn; in 3-D, where lines are solid, filled and hidden."""
    if now is Outlines.HIDDEN:
        return Outlines.FILLED
    return Outlines.LINES if now is Outlines.FILLED and not in_3d else Outlines.HIDDEN


def draw(cells: Sequence[Cell], wanted: Outlines, in_3d: bool) -> None:
    """Draw all outlines so. A layer that is not visible at all would make napari lay the grid out anew."""
    lines = wanted is Outlines.LINES
    opacity = SOLID if in_3d else LINES_OPACITY if lines else LABEL_OPACITY
    for cell in cells:
        cell.labels.contour = LINE_VOXELS if lines else 0
        cell.labels.opacity = 0.0 if wanted is Outlines.HIDDEN else opacity
