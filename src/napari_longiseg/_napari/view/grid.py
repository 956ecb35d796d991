"""Scans side by side in napari's grid mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import napari.viewer

from napari_longiseg._napari.view.cell import Cell

FAITHFUL_3D = ("away", "down", "right")
"""Camera orientation that does not mirror LPS arrays (z, y, x) left to right, as napari's default does."""

IN_TWO_ROWS = 4
"""From this number of scans on, one row would make them narrow."""


def put_in_grid(viewer: napari.viewer.Viewer, cells: Sequence[Cell]) -> None:
    """Give every scan one cell of the grid, from left to right, and from four scans on in two rows.

    Layers that the viewer lacks are added; those of other plugins come after ours.
    """
    with viewer.layers.batched_update():  # the grid is laid out once, which takes long
        order_layers(viewer, cells)
        set_stride(viewer, cells)
        set_grid(viewer, len(cells))
    viewer.layers.selection.active = cells[0].image


def set_grid(viewer: napari.viewer.Viewer, scans: int) -> None:
    """Show a grid for so many scans, in 2-D."""
    grid = viewer.canvas.grid
    grid.shape = grid_shape(scans)
    grid.spacing = 4
    grid.enabled = True
    viewer.dims.ndisplay = 2
    viewer.scene.camera.orientation = FAITHFUL_3D


def grid_shape(scans: int) -> tuple[int, int]:
    """Rows and columns for so many scans."""
    rows = 1 if scans < IN_TWO_ROWS else 2
    return rows, max(-(-scans // rows), 1)


def order_layers(viewer: napari.viewer.Viewer, cells: Sequence[Cell]) -> None:
    """Bring the layers of all cells, an equal number each, to the front in the order of the cells."""
    for _ in ordering(viewer, cells):
        pass


def ordering(viewer: napari.viewer.Viewer, cells: Sequence[Cell]) -> Iterator[None]:
    """Do what :func:`order_layers` does; each layer that is added or moved is one step."""
    for position, wanted in enumerate(layer for cell in cells for layer in cell.layers):
        ids = [layer.unique_id for layer in viewer.layers]
        if wanted.unique_id not in ids:
            viewer.layers.insert(position, wanted)
        elif ids[position] != wanted.unique_id:
            viewer.layers.move(ids.index(wanted.unique_id), position)
        else:
            continue
        yield


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
    for layer in _present(viewer, layers):
        viewer.layers.remove(layer)


def removing(viewer: napari.viewer.Viewer, layers: Iterable[Any]) -> Iterator[None]:
    """Do what :func:`remove_layers` does, one layer at each step; the grid is laid out at the end."""
    present = _present(viewer, layers)
    if present:
        with viewer.layers.batched_update():
            for layer in present:
                viewer.layers.remove(layer)
                yield


def _present(viewer: napari.viewer.Viewer, layers: Iterable[Any]) -> list[Any]:
    wanted = {layer.unique_id for layer in layers}
    return [layer for layer in viewer.layers if layer.unique_id in wanted]
