"""Scans side by side in napari's grid mode."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import napari.viewer

from napari_longiseg._napari.cell import Cell

FAITHFUL_3D = ("away", "down", "right")
"""Camera orientation that does not mirror LPS arrays (z, y, x) left to right, as napari's default does."""

IN_TWO_ROWS = 4
"""From this number of scans on, one row would make them narrow."""


def put_in_grid(viewer: napari.viewer.Viewer, cells: Sequence[Cell]) -> None:
    """Give every scan one cell of the grid, from left to right, and from four scans on in two rows.

    Layers that the viewer lacks are added; those of other plugins come after ours.
    """
    grid = viewer.canvas.grid
    with viewer.layers.batched_update():  # the grid is laid out once, which takes long
        order_layers(viewer, cells)
        set_stride(viewer, cells)
        grid.shape = grid_shape(len(cells))
        grid.spacing = 4
        grid.enabled = True
    viewer.dims.ndisplay = 2
    viewer.scene.camera.orientation = FAITHFUL_3D
    if cells:
        viewer.layers.selection.active = cells[0].image


def grid_shape(scans: int) -> tuple[int, int]:
    """Rows and columns for so many scans."""
    rows = 1 if scans < IN_TWO_ROWS else 2
    return rows, max(-(-scans // rows), 1)


def order_layers(viewer: napari.viewer.Viewer, cells: Sequence[Cell]) -> None:
    """Bring the layers of all cells, an equal number each, to the front in the order of the cells."""
    for position, wanted in enumerate(layer for cell in cells for layer in cell.layers):
        ids = [layer.unique_id for layer in viewer.layers]
        if wanted.unique_id not in ids:
            viewer.layers.insert(position, wanted)
        elif ids[position] != wanted.unique_id:
            viewer.layers.move(ids.index(wanted.unique_id), position)


def in_order(viewer: napari.viewer.Viewer, cells: Sequence[Cell]) -> bool:
    """Whether the layers of all cells that are in the viewer stand in their order, before all others."""
    ids = [layer.unique_id for layer in viewer.layers]
    wanted = [layer.unique_id for cell in cells for layer in cell.layers if layer.unique_id in ids]
    return ids[: len(wanted)] == wanted


def set_stride(viewer: napari.viewer.Viewer, cells: Sequence[Cell]) -> None:
    """Tell the grid how many layers each cell has."""
    if cells:
        viewer.canvas.grid.stride = len(cells[0].layers)


def remove_layers(viewer: napari.viewer.Viewer, layers: Iterable[Any]) -> None:
    """Remove those of the layers that are still there."""
    gone = {layer.unique_id for layer in layers}
    for layer in [layer for layer in viewer.layers if layer.unique_id in gone]:
        viewer.layers.remove(layer)
