"""What all scans look like in 3-D: lesions as solid surfaces in a faint CT, seen from the front."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import napari.viewer

from napari_longiseg._napari.layers.windows import IN_3D, Window
from napari_longiseg._napari.view.cell import Cell
from napari_longiseg._napari.view.grid import set_orientation
from napari_longiseg._napari.view.outlines import Outlines, draw, drawn
from napari_longiseg._napari.view.window_link import WindowLink
from napari_longiseg.core.geometry import Point, as_point

FROM_THE_FRONT, HEAD_UP = (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)
"""Directions (z, y, x) of LPS: y grows to the back, z to the head."""


class VolumeView:
    """Changes how scans are drawn while the viewer is in 3-D, and puts all back in 2-D.

    A maximum intensity projection shows the brightest voxel of each ray; in a window for slices that is
    white everywhere. Whoever makes it must keep it, and close it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Also a ``ViewerModel``.
    cells : callable
        The cells of the viewer, at any time.
    windows : WindowLink
        Sets the window of all scans.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, cells: Callable[[], Sequence[Cell]], windows: WindowLink
    ) -> None:
        self._viewer = viewer
        self._cells = cells
        self._windows = windows
        self._in_2d: Window | None = None
        self._shown = Outlines.FILLED  # in 2-D, where the reader has not hidden them
        viewer.dims.events.ndisplay.connect(self._on_ndisplay)

    def close(self) -> None:
        """Stop watching the viewer."""
        self._viewer.dims.events.ndisplay.disconnect(self._on_ndisplay)

    def _on_ndisplay(self, _: object) -> None:
        cells, in_3d = self._cells(), self._viewer.dims.ndisplay == 3
        if not cells or in_3d == (self._in_2d is not None):
            return
        set_orientation(self._viewer)
        if in_3d:
            self._in_2d = self._windows.limits
            lines = drawn(cells) is Outlines.LINES
            self._shown = Outlines.LINES if lines else Outlines.FILLED
            self._windows.set_limits(IN_3D)
            ahead, up = (self._displayed(direction) for direction in (FROM_THE_FRONT, HEAD_UP))
            self._viewer.scene.camera.set_view_direction(ahead, up)
            self._viewer.fit_to_view()
        elif self._in_2d is not None:
            self._windows.set_limits(self._in_2d)
            self._in_2d = None
        if drawn(cells) is not Outlines.HIDDEN:
            draw(cells, Outlines.FILLED if in_3d else self._shown, in_3d)

    def _displayed(self, direction: Point) -> Point:
        """A direction in the order of the axes that the viewer displays."""
        return as_point([direction[axis] for axis in self._viewer.dims.displayed])
