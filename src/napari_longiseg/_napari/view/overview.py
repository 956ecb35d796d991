"""The view of all scans as a whole: as large as the window lets them be, whatever its shape."""

from __future__ import annotations

from collections.abc import Sequence

import napari.viewer
import numpy as np

from napari_longiseg._napari.view.grid import leave_grid, set_grid, set_orientation, set_shape
from napari_longiseg._napari.view.steps import FrameTimer
from napari_longiseg.core.scan import Scan

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

    Attributes
    ----------
    scans : sequence of Scan
        Those that have a cell of the grid, or are about to get one.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self.scans: Sequence[Scan] = ()
        self._camera: tuple[float, ...] = ()
        self._timer = FrameTimer(self.arrange)
        viewer.canvas.events.size.connect(self._on_layout)
        viewer.dims.events.order.connect(self._on_order)
        viewer.events.reset_view.connect(self._on_reset_view)

    def close(self) -> None:
        """Stop watching the window."""
        self._timer.stop()
        self._viewer.canvas.events.size.disconnect(self._on_layout)
        self._viewer.dims.events.order.disconnect(self._on_order)
        self._viewer.events.reset_view.disconnect(self._on_reset_view)

    def begin(self, scans: Sequence[Scan]) -> None:
        """Lay the grid out for these scans; another layout afterwards would have napari draw all anew."""
        self.scans = scans
        set_grid(self._viewer, scans)

    def end(self) -> None:
        """Leave the grid."""
        self.scans = ()
        leave_grid(self._viewer)

    @property
    def shown(self) -> bool:
        """Whether the camera is where the view was last fitted to the scans."""
        return self._viewer.dims.ndisplay == 2 and self._where() == self._camera

    def show(self) -> None:
        """Show the whole scans, as large as the window lets them be."""
        set_shape(self._viewer, self.scans)
        self._viewer.fit_to_view(margin=VIEW_MARGIN)

    def arrange(self) -> None:
        """Choose rows and columns for the window as it is."""
        if not self.scans or not self._viewer.canvas.grid.enabled:
            return
        if self.shown:
            self.show()
        else:
            set_shape(self._viewer, self.scans)

    def _where(self) -> tuple[float, ...]:
        camera = self._viewer.scene.camera
        return tuple(np.round((camera.zoom, *camera.center), 6))

    # ---- what napari says

    def _on_layout(self, _: object) -> None:
        self._timer.soon()

    def _on_order(self, _: object) -> None:
        if self.scans:
            set_orientation(self._viewer)
            self._timer.soon()

    def _on_reset_view(self, _: object) -> None:
        if self._viewer.dims.ndisplay == 2:
            self._camera = self._where()
