"""Which scan lies under the mouse, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import napari.viewer
import numpy as np

from napari_longiseg._napari.view.bridge import LayerBridge
from napari_longiseg._napari.view.cell import Cell
from napari_longiseg.core.geometry import Point


def cell_at(
    viewer: napari.viewer.Viewer, bridge: LayerBridge, viewbox: tuple[int, int] | None
) -> Cell | None:
    """The scan in a cell of the grid; without the grid, the scan of the active layer."""
    if not viewer.canvas.grid.enabled or viewbox is None:
        active = viewer.layers.selection.active
        return None if active is None else bridge.cell_of(active)
    for index in viewer.canvas.grid.contents_at(viewbox, viewer.layers):
        if cell := bridge.cell_of(viewer.layers[index]):
            return cell
    return None


def in_view(viewer: napari.viewer.Viewer, world: Sequence[float]) -> bool:
    """Whether a displayed position (mm) lies inside the cell that a drag has begun in.

    napari maps the mouse by that cell until the button is released, wherever it is.
    """
    shown = list(viewer.dims.displayed)
    camera = viewer.scene.camera
    half = np.asarray(viewer.canvas.viewbox_size(viewer.layers)) / camera.zoom / 2
    centre = np.asarray(camera.center)[-len(shown) :]
    return bool((np.abs(np.asarray(world)[shown] - centre) <= half).all())


@dataclass(frozen=True, slots=True)
class Press:
    """Where the left button was pressed, in the 2-D view.

    Attributes
    ----------
    cell : Cell
        The scan there.
    point_mm : Point
        The patient's point there, LPS mm, order (z, y, x).
    """

    cell: Cell
    point_mm: Point

    def to(self, viewer: napari.viewer.Viewer, world: Sequence[float]) -> Point | None:
        """The patient's point at another place in the same cell; None beside the cell or the scan."""
        point = self.cell.to_patient(world, viewer.dims.not_displayed)
        return point if in_view(viewer, world) and self.cell.scan.grid.contains(point) else None


def tool_in_hand(viewer: napari.viewer.Viewer) -> bool:
    """Whether the mouse does what a tool of the active layer does: a brush, an eraser, a shape."""
    active: Any = viewer.layers.selection.active
    return active is not None and str(active.mode) != "pan_zoom"
