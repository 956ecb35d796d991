"""Scans side by side in napari's grid mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import napari.viewer
import numpy as np

from napari_longiseg._napari.view.cell import Cell
from napari_longiseg.core.scan import Scan

FAITHFUL_3D = ("away", "down", "right")
"""Camera orientation that does not mirror LPS arrays (z, y, x) left to right, as napari's default does."""

SPACING = 4
"""Pixels between the cells."""
BACKGROUND = "black"
"""Around CT, whatever napari's theme: what is black on a scan would be a hole in a bright canvas."""
WORTHWHILE = 1.1
"""Scans that would be larger by less than this factor are worth neither an empty cell nor another layout."""

Extent = tuple[float, float]
"""Height and width."""


def put_in_grid(viewer: napari.viewer.Viewer, cells: Sequence[Cell]) -> None:
    """Give every scan one cell of the grid, from left to right and from top to bottom.

    Layers that the viewer lacks are added; those of other plugins come after ours.
    """
    with viewer.layers.batched_update():  # the grid is laid out once, which takes long
        order_layers(viewer, cells)
        set_stride(viewer, cells)
        set_grid(viewer, [cell.scan for cell in cells])
    viewer.layers.selection.active = cells[0].image


def set_grid(viewer: napari.viewer.Viewer, scans: Sequence[Scan]) -> None:
    """Show a grid for these scans, in 2-D, on black."""
    grid = viewer.canvas.grid
    viewer.dims.ndisplay = 2
    grid.spacing = SPACING
    set_shape(viewer, scans)
    grid.enabled = True
    viewer.canvas.background_color_override = BACKGROUND
    set_orientation(viewer)


def set_orientation(viewer: napari.viewer.Viewer) -> None:
    """Show the head above in coronal and sagittal slices, and nothing mirrored in 3-D."""
    depth, vertical, horizontal = FAITHFUL_3D
    dims = viewer.dims
    if dims.ndim == 3 and dims.ndisplay == 2 and dims.displayed[0] == 0:
        vertical = "up"  # z grows to the head
    if dims.ndim == 3 and np.linalg.det(np.eye(3)[list(dims.order)]) < 0:
        depth = "towards"  # axes in another order are mirrored, or not, as those in theirs are
    viewer.scene.camera.orientation = depth, vertical, horizontal


def leave_grid(viewer: napari.viewer.Viewer) -> None:
    """Show no grid any more, on the theme's background."""
    viewer.canvas.grid.enabled = False
    viewer.canvas.background_color_override = None


def set_shape(viewer: napari.viewer.Viewer, scans: Sequence[Scan]) -> None:
    """Choose the rows and columns with which the scans are drawn largest on the canvas as it is."""
    axes = list(viewer.dims.displayed[-2:] if viewer.dims.ndim == 3 else (1, 2))
    height, width = np.max([scan.grid.size_mm for scan in scans], axis=0)[axes]
    grid = viewer.canvas.grid
    rows, columns = (int(n) for n in grid.shape)
    shape = grid_shape(len(scans), viewer.canvas.size, (height, width), (rows, columns))
    if shape != (rows, columns):
        grid.shape = shape


def grid_shape(
    scans: int, canvas: Extent, extent: Extent, current: tuple[int, int] | None = None
) -> tuple[int, int]:
    """Rows and columns with which scans are drawn largest, or about so with fewer empty cells.

    Parameters
    ----------
    scans : int
        Their number.
    canvas : (2,) float
        Height and width of the canvas.
    extent : (2,) float
        Height and width of a scan; of the largest one where they differ.
    current : (2,) int, optional
        Rows and columns now, which are kept unless others are clearly better.
    """
    shapes = [(rows, -(-scans // rows)) for rows in range(1, scans + 1)]

    def scale(shape: tuple[int, int]) -> float:
        """Of the scans on the screen."""
        return min(
            (whole - SPACING * (count - 1)) / count / one
            for whole, count, one in zip(canvas, shape, extent, strict=True)
        )

    enough = max(map(scale, shapes)) / WORTHWHILE
    if current in shapes and scale(current) >= enough:
        return current
    good = [shape for shape in shapes if scale(shape) >= enough]
    return min(good, key=lambda shape: (shape[0] * shape[1], -scale(shape), shape[0]))


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
