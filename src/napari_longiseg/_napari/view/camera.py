"""Where the camera looks, so that a lesion is well seen in all cells."""

from __future__ import annotations

import napari.viewer
import numpy as np

from napari_longiseg._napari.view.overview import Overview
from napari_longiseg.core.geometry import Array, Point

FIELD_MM = 160.0
"""How much is seen around a lesion that the reader goes to from the view of the whole scans."""
LESIONS_ACROSS = 4.0
"""Around a large lesion so much is seen that this many would stand side by side."""
IN_SIGHT = 0.8
"""What lies farther from the middle than this share of the way to the edge is not well seen."""


class Camera:
    """Moves napari's camera, and leaves the reader's zoom as it is wherever that will do.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Also a ``ViewerModel``.
    overview : Overview
        Knows whether the whole scans are in view.
    """

    def __init__(self, viewer: napari.viewer.Viewer, overview: Overview) -> None:
        self._viewer = viewer
        self._overview = overview

    def look_at(self, world: Point) -> None:
        """Bring a displayed place (mm) to the middle of the cells."""
        self._viewer.scene.camera.center = tuple(np.asarray(world)[list(self._viewer.dims.displayed)])

    def sees(self, world: Point) -> bool:
        """Whether a displayed place (mm) is well inside the cells, or the whole scans are in view."""
        shown = list(self._viewer.dims.displayed)
        if len(shown) == 3 or self._overview.shown:
            return True
        away = np.abs(np.asarray(world)[shown] - np.asarray(self._viewer.scene.camera.center)[-2:])
        return bool((away <= IN_SIGHT * self._field_mm() / 2).all())

    def zoom_to(self, longest_mm: float) -> None:
        """See a lesion well: zoom in from the view of the whole scans, or out where it has no room.

        Parameters
        ----------
        longest_mm : float
            The lesion's longest axis; 0 where it is not known.
        """
        if self._viewer.dims.ndisplay == 3:
            return
        wanted = max(FIELD_MM, LESIONS_ACROSS * longest_mm)
        field = self._field_mm().min()
        if (self._overview.shown and wanted < field) or longest_mm > IN_SIGHT * field:
            self._viewer.scene.camera.zoom *= field / wanted

    def _field_mm(self) -> Array:
        """Height and width of what a cell shows."""
        size = self._viewer.canvas.viewbox_size(self._viewer.layers)
        return np.asarray(size, dtype=np.float64) / float(self._viewer.scene.camera.zoom)
