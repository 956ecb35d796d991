"""The view of all scans as a whole: as large as the window lets them be, whatever its shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import napari.viewer
import numpy as np

from napari_longiseg._napari.view.cell import Cell
from napari_longiseg._napari.view.grid import set_shape
from napari_longiseg._napari.view.steps import FrameTimer

VIEW_MARGIN = 0.06
"""Room around the scans, as a share of the cell: aligning on a lesion moves them."""


class Overview:
    """Lays the grid out anew as the window or the displayed axes change.

    As long as the whole scans are in view, they stay so; a part that the reader has zoomed in to stays as
    large as it is.

    Whoever makes it must keep it, and close it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Also a ``ViewerModel``.
    cells : callable
        The cells of the viewer, at any time.
    """

    def __init__(self, viewer: napari.viewer.Viewer, cells: Callable[[], Sequence[Cell]]) -> None:
        self._viewer = viewer
        self._cells = cells
        self._camera: tuple[float, ...] = ()
        self._timer = FrameTimer(self.arrange)
        viewer.canvas.events.size.connect(self._on_layout)
        viewer.dims.events.order.connect(self._on_layout)
        viewer.events.reset_view.connect(self._on_reset_view)

    def close(self) -> None:
        """Stop watching the window."""
        self._timer.stop()
        self._viewer.canvas.events.size.disconnect(self._on_layout)
        self._viewer.dims.events.order.disconnect(self._on_layout)
        self._viewer.events.reset_view.disconnect(self._on_reset_view)

    @property
    def shown(self) -> bool:
        """Whether the camera is where the view was last fitted to the scans."""
        return self._viewer.dims.ndisplay == 2 and self._where() == self._camera

    def show(self) -> None:
        """Show the whole scans, as large as the window lets them be."""
        set_shape(self._viewer, [cell.scan for cell in self._cells()])
        self._viewer.fit_to_view(margin=VIEW_MARGIN)

    def arrange(self) -> None:
        """Choose rows and columns for the window as it is."""
        if not self._cells() or not self._viewer.canvas.grid.enabled:
            return
        if self.shown:
            self.show()
        else:
            set_shape(self._viewer, [cell.scan for cell in self._cells()])

    def _where(self) -> tuple[float, ...]:
        camera = self._viewer.scene.camera
        return tuple(np.round((camera.zoom, *camera.center), 6))

    # ---- what napari says

    def _on_layout(self, _: object) -> None:
        self._timer.soon()

    def _on_reset_view(self, _: object) -> None:
        if self._viewer.dims.ndisplay == 2:
            self._camera = self._where()
