"""One CT window for all scans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_longiseg._napari.layers.windows import WINDOWS, Window
from napari_longiseg._napari.view.cell import Cell


class WindowLink:
    """Keeps the windows of all cells equal, whichever of them the reader changes."""

    def __init__(self) -> None:
        self._images: tuple[Any, ...] = ()

    @property
    def limits(self) -> Window | None:
        """Lowest and highest HU shown, where there are cells; the reader may have chosen others than we."""
        return next((tuple(image.contrast_limits) for image in self._images), None)

    def join(self, cells: Sequence[Cell]) -> None:
        """Keep these cells equal from now on, and no others."""
        for image in self._images:
            image.events.contrast_limits.disconnect(self._on_window)
        self._images = tuple(cell.image for cell in cells)
        for image in self._images:
            image.events.contrast_limits.connect(self._on_window)

    def set(self, name: str) -> None:
        """Show all in a CT window of :data:`WINDOWS`."""
        self.set_limits(WINDOWS[name])

    def set_limits(self, limits: Window) -> None:
        """Show all from the lowest to the highest of these HU."""
        for image in self._images[:1]:  # the others follow
            image.contrast_limits = limits

    def _on_window(self, event: Any) -> None:  # noqa: ANN401 - napari's event
        limits = list(event.source.contrast_limits)
        for image in self._images:
            if list(image.contrast_limits) != limits:
                image.contrast_limits = limits
