"""Which place of the patient the mouse points at, in 2-D and in 3-D."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import napari.viewer
import numpy as np
import numpy.typing as npt

from napari_longiseg._napari.view.bridge import LayerBridge
from napari_longiseg._napari.view.cell import Cell
from napari_longiseg._napari.view.under_mouse import cell_at
from napari_longiseg.core.geometry import Point, as_point

STEP = 0.5
"""Of a ray, in voxels."""


@dataclass(frozen=True, slots=True)
class Pointed:
    """A place of a scan: LPS mm, order (z, y, x)."""

    cell: Cell
    point_mm: Point


def pointed(viewer: napari.viewer.Viewer, bridge: LayerBridge) -> Pointed | None:
    """What lies under the mouse; None beside all scans."""
    cell = cell_at(viewer, bridge, viewer.cursor.viewbox)
    dims, world = viewer.dims, np.array(viewer.cursor.position, dtype=np.float64)
    if cell is None or dims.ndim != 3 or len(world) != 3:
        return None
    if dims.ndisplay == 3:
        ahead = np.asarray(viewer.scene.camera.calculate_nd_view_direction(3, dims.displayed))
        point = along_ray(cell, world, ahead, dims.displayed)
    else:
        # The slice may have moved since the mouse did.
        world[list(dims.not_displayed)] = np.asarray(dims.point)[list(dims.not_displayed)]
        point = as_point(np.subtract(world, cell.shift_mm))
    inside = point is not None and bool(cell.scan.grid.contains(point))
    return Pointed(cell, point) if point is not None and inside else None


def along_ray(
    cell: Cell, world: npt.ArrayLike, ahead: npt.ArrayLike, displayed: Sequence[int]
) -> Point | None:
    """What a reader sees of a scan along a ray in 3-D: the first voxel of a lesion, else the brightest.

    The volume is drawn as a maximum intensity projection with the lesions on top.

    Parameters
    ----------
    cell : Cell
        The scan.
    world : (3,) float
        A displayed position on the ray.
    ahead : (3,) float
        Where the ray goes, away from the reader.
    displayed : sequence of int
        Axes that the viewer displays.
    """
    start, stop = cell.image.get_ray_intersections(world, ahead, list(displayed), world=True)
    if start is None or stop is None:
        return None
    count = int(np.ceil(np.linalg.norm(np.subtract(stop, start)) / STEP)) + 2
    last = np.asarray(cell.scan.grid.shape) - 1
    voxels = np.clip(np.rint(np.linspace(start, stop, count)).astype(int), 0, last)
    z, y, x = voxels.T
    lesions = np.flatnonzero(cell.labels.data[z, y, x])
    seen = lesions[0] if len(lesions) else int(cell.scan.image[z, y, x].argmax())
    return as_point(cell.scan.grid.to_mm(voxels[seen]))
