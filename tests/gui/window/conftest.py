"""The panel docked in a napari window, and what a reader has: a mouse, a keyboard and eyes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QWidget

from napari_longiseg._qt.panel import TrackingPanel
from napari_longiseg.core.geometry import Point

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
GAP = 4
"""Pixels between the cells of napari's grid."""


@dataclass
class Hands:
    """A mouse over the scans, and a keyboard.

    Attributes
    ----------
    panel : TrackingPanel
        In a window that is shown.
    qtbot
        Sends the events.
    """

    panel: TrackingPanel
    qtbot: Any

    @property
    def canvas(self) -> QWidget:
        """The widget that napari draws on."""
        widgets = self.panel.window().findChildren(QWidget)
        (canvas,) = (widget for widget in widgets if type(widget).__name__.startswith("CanvasBackend"))
        return canvas

    def scroll(self, scan_id: str, point_mm: Point) -> None:
        """Show the slice through a point of a scan."""
        self.panel.viewer.dims.set_point(0, self._world(scan_id, point_mm)[0])
        self.qtbot.wait(60)  # the other scans follow

    def spot(self, scan_id: str, point_mm: Point) -> QPoint:
        """Pixel of the canvas where a point of a scan is drawn in its cell of the grid."""
        scans = [cell.scan.id for cell in self.panel.desk.bridge.cells]
        viewer, world = self.panel.viewer, self._world(scan_id, point_mm)
        shape, camera = viewer.canvas.grid.actual_shape(viewer.layers), viewer.scene.camera
        cell = divmod(scans.index(scan_id), shape[1])
        size = viewer.canvas.viewbox_size(viewer.layers)
        y, x = (
            place * (size[i] + GAP) + size[i] / 2 + (world[i + 1] - camera.center[i + 1]) * camera.zoom
            for i, place in enumerate(cell)
        )
        return QPoint(round(x), round(y))

    def click(self, scan_id: str, point_mm: Point, modifier: Qt.KeyboardModifier = NONE) -> None:
        """Scroll to a point of a scan, and click it."""
        self.scroll(scan_id, point_mm)
        self.qtbot.mouseClick(self.canvas, LEFT, modifier, self.spot(scan_id, point_mm))
        self.qtbot.wait(20)

    def drag(self, scan_id: str, start_mm: Point, end_mm: Point, key: Qt.Key | None = None) -> None:
        """Scroll to a point of a scan, and drag from there to another one of the same slice.

        A *key* is pressed before the button is let go.
        """
        self.scroll(scan_id, start_mm)
        start, end = self.spot(scan_id, start_mm), self.spot(scan_id, end_mm)
        self.qtbot.mouseMove(self.canvas, start)
        self.qtbot.wait(30)
        self.qtbot.mousePress(self.canvas, LEFT, pos=start)
        for part in (0.3, 0.7, 1.0):
            self.qtbot.mouseMove(self.canvas, start + (end - start) * part)
            self.qtbot.wait(30)
        if key is not None:
            self.press(key)
        self.qtbot.mouseRelease(self.canvas, LEFT, pos=end)
        self.qtbot.wait(50)

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
        """Press a key over the scans."""
        self.qtbot.keyClick(self.canvas, key, modifier)

    def _world(self, scan_id: str, point_mm: Point) -> Point:
        cell = next(cell for cell in self.panel.desk.bridge.cells if cell.scan.id == scan_id)
        return cell.to_world(point_mm)


@pytest.fixture
def viewer(make_napari_viewer_proxy, request):
    """A napari window, shown where a test has hands or eyes (``pictures``)."""
    viewer = make_napari_viewer_proxy(show=not {"hands", "pictures"}.isdisjoint(request.fixturenames))
    viewer.window.resize(1300, 800)
    return viewer


@pytest.fixture
def panel(viewer, fake_methods) -> Iterator[TrackingPanel]:
    """The panel as napari docks it, before any study."""
    _, panel = viewer.window.add_plugin_dock_widget("napari-longiseg", "Lesion tracking")
    yield panel
    with suppress(RuntimeError):  # the test has closed the window with all that is in it
        panel.close_desk()


@pytest.fixture
def hands(panel, qtbot) -> Hands:
    """The reader's, over a window that is shown."""
    return Hands(panel, qtbot)


@pytest.fixture
def pictures(viewer, qtbot) -> Callable[[], list[np.ndarray]]:
    """What is drawn in each cell of the grid, (rows, columns, 3) from 0 to 255, once it is drawn."""

    def pictures() -> list[np.ndarray]:
        qtbot.wait(100)
        shown = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
        rows, columns = viewer.canvas.grid.actual_shape(viewer.layers)
        return [cell for row in np.array_split(shown, rows) for cell in np.array_split(row, columns, axis=1)]

    return pictures
