"""A mouse over the canvas of a napari window with the panel."""

from __future__ import annotations

from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget

from napari_longiseg._napari.view.cell import Cell
from napari_longiseg._qt.demo import pause
from napari_longiseg._qt.panel import TrackingPanel
from napari_longiseg.core.geometry import Point

STEP_MS = 20


def stroke(panel: TrackingPanel, cell: Cell, start_mm: Point, end_mm: Point, steps: int = 8) -> None:
    """Paint from one point of a scan to another one of the same slice, with the brush."""
    go_to_slice(panel, cell, start_mm)
    layers = panel.viewer.layers
    layers.selection.active = cell.labels
    cell.labels.mode = "paint"
    canvas, button = _canvas(panel), Qt.MouseButton.LeftButton
    start, end = (_spot(panel, cell, point, canvas) for point in (start_mm, end_mm))
    QTest.mouseMove(canvas, start)
    pause(STEP_MS)
    QTest.mousePress(canvas, button, pos=start)
    for step in range(1, steps + 1):
        QTest.mouseMove(canvas, start + (end - start) * (step / steps))
        pause(STEP_MS)
    QTest.mouseRelease(canvas, button, pos=end)
    pause(STEP_MS)
    cell.labels.mode = "pan_zoom"


def go_to_slice(panel: TrackingPanel, cell: Cell, point_mm: Point) -> None:
    """Show the axial slice through a point of a scan, and the point in the middle of its cell."""
    world = cell.to_world(point_mm)
    panel.viewer.dims.set_point(0, world[0])
    panel.viewer.scene.camera.center = world[1:]
    pause(STEP_MS)


def _canvas(panel: TrackingPanel) -> QWidget:
    widgets = panel.window().findChildren(QWidget)
    (canvas,) = (widget for widget in widgets if type(widget).__name__.startswith("CanvasBackend"))
    return canvas


def _spot(panel: TrackingPanel, cell: Cell, point_mm: Point, canvas: QWidget) -> QPoint:
    """Pixel of the canvas where a point of a scan is drawn."""
    rows, columns = panel.viewer.canvas.grid.shape
    row, column = divmod(panel.desk.bridge.cells.index(cell), columns)
    gap, world, camera = panel.viewer.canvas.grid.spacing, cell.to_world(point_mm), panel.viewer.scene.camera
    width = (canvas.width() - (columns - 1) * gap) / columns
    height = (canvas.height() - (rows - 1) * gap) / rows
    return QPoint(
        round(column * (width + gap) + width / 2 + (world[2] - camera.center[2]) * camera.zoom),
        round(row * (height + gap) + height / 2 + (world[1] - camera.center[1]) * camera.zoom),
    )
