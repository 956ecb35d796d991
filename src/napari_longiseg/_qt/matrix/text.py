"""The matrix as text for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import Qt

from napari_longiseg._qt.matrix.model import LesionModel

FIGURES = ("state", "volume (ml)", "long axis (mm)", "volume change (%)")


def matrix_text(model: LesionModel, rows: Iterable[int]) -> str:
    """Some rows of a model, tab separated, with a header, and a column per figure to reckon with.

    Parameters
    ----------
    model : LesionModel
        What is shown.
    rows : iterable of int
        Of the model, in the order in which they are wanted.
    """
    header = ["id", "lesion"]
    for scan in model.scans:
        date = f" {scan.date.isoformat()}" if scan.date else ""
        header += [f"{scan.id}{date} {figure}" for figure in FIGURES]
    lines = [header]
    for row in rows:
        name = model.data(model.index(row, 0), Qt.ItemDataRole.DisplayRole)
        line = [str(model.lesion_at(row)), str(name)]
        for column in range(1, 1 + len(model.scans)):
            shown = model.cell_at(row, column)
            figures = (shown.volume_ml, 3), (shown.long_axis_mm, 1), (shown.change_pct, 1)
            line += [shown.state, *("" if value is None else f"{value:.{d}f}" for value, d in figures)]
        lines.append(line)
    return "".join("\t".join(" ".join(part.split()) for part in line) + "\n" for line in lines)
