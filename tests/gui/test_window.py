"""What a reader sees and does: real mouse events, rendered pixels."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QWidget

from napari_longiseg._napari.colours import lesion_rgba

NEAR = (0.0, 0.0, 0.0)


@pytest.fixture
def viewer(make_napari_viewer_proxy):
    """A visible window."""
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1300, 800)
    return viewer


@pytest.fixture
def canvas(opened, viewer, qtbot) -> QWidget:
    """The widget that napari draws on."""
    viewer.dims.set_point(0, 0.0)
    qtbot.wait(200)
    found = [w for w in opened.window().findChildren(QWidget) if type(w).__name__.startswith("CanvasBackend")]
    assert len(found) == 1
    return found[0]


def spot(viewer, canvas: QWidget, column: int, y: float, x: float) -> QPoint:
    """Pixel of the canvas where a world position is drawn in a cell of the 1 x 3 grid."""
    width, height = canvas.width(), canvas.height()
    cell = (width - 2 * 4) / 3
    zoom, centre = viewer.scene.camera.zoom, viewer.scene.camera.center
    return QPoint(
        round(column * (cell + 4) + cell / 2 + (x - centre[2]) * zoom),
        round(height / 2 + (y - centre[1]) * zoom),
    )


def colour_in_cells(viewer, lesion: int) -> list[int]:
    """Number of pixels in a lesion's colour, in each cell of the grid."""
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(float) / 255
    colour = np.abs(picture - lesion_rgba(lesion)[:3]).max(axis=-1) < 0.05
    return [int(column.sum()) for column in np.array_split(colour, 3, axis=1)]


def test_a_mouse_click_goes_to_the_scan_of_its_cell(opened, viewer, canvas, qtbot):
    opened.desk.track_on_click = False
    none, shift = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
    for column, modifier in ((0, none), (1, none), (2, shift)):
        place = spot(viewer, canvas, column, 8.0, -5.0)
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, modifier, place)
        qtbot.wait(20)
    clicks = opened.session.lesions[0].clicks
    assert [click.scan for click in clicks] == ["T0", "T1", "T2"]
    assert [click.positive for click in clicks] == [True, True, False]
    for click in clicks:
        np.testing.assert_allclose(click.point_mm, (0.0, 8.0, -5.0), atol=1.0)


def test_a_drag_pans_and_the_switch_gives_clicks_back_to_napari(opened, viewer, canvas, qtbot):
    before = viewer.scene.camera.center
    start = spot(viewer, canvas, 1, 0.0, 0.0)
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 5):
        qtbot.mouseMove(canvas, start + QPoint(10 * step, 0))
        qtbot.wait(20)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=start + QPoint(40, 0))
    qtbot.wait(50)
    assert opened.session.lesions == ()
    assert viewer.scene.camera.center[2] < before[2]
    opened.click_bar.place.setChecked(False)
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=spot(viewer, canvas, 1, 0.0, 0.0))
    qtbot.wait(50)
    assert opened.session.lesions == ()


def test_clicks_beside_the_image_and_in_3d_say_so(opened, viewer, canvas, qtbot):
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(canvas.width() // 2, 4))
    qtbot.waitUntil(lambda: "outside scan T1" in opened.progress.line.text())
    viewer.dims.ndisplay = 3
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(canvas.width() // 2, canvas.height() // 2))
    qtbot.waitUntil(lambda: "need the 2-D view" in opened.progress.line.text())
    assert opened.session.lesions == ()


def test_a_click_is_drawn_in_its_cell_when_all_of_the_scan_is_in_view(with_lesions, viewer, qtbot):
    viewer.dims.set_point(0, 0.0)
    qtbot.wait(200)
    seen = colour_in_cells(viewer, 1)
    assert seen[0] > 5, "pixels in its very colour; the edges are blended"
    assert seen[1:] == [0, 0]


def test_clicked_on_the_second_scan_the_lesion_is_drawn_in_every_cell(opened, viewer, canvas, qtbot, idle):
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=spot(viewer, canvas, 1, 0.0, 0.0))
    qtbot.waitUntil(lambda: opened.runner.busy)
    idle(opened)
    qtbot.wait(200)
    for cell in opened.desk.bridge.cells:
        cell.labels.opacity = 1.0
    assert min(colour_in_cells(viewer, 1)) > 100


def test_the_3d_view_is_not_mirrored(opened, viewer):
    """With x to the right, y up and z towards the viewer, (x, y, z) of LPS must be right-handed."""
    towards_axis = {"right": 1, "left": -1, "up": 1, "down": -1, "towards": 1, "away": -1}
    z, y, x = (towards_axis[str(axis)] for axis in viewer.scene.camera.orientation)
    assert np.linalg.det(np.diag([x, y, z])) == pytest.approx(1.0)


def test_opening_the_panel_imports_neither_torch_nor_simpleitk():
    code = """
import sys, warnings
warnings.simplefilter("ignore")
import napari_longiseg, napari
from napari_longiseg._qt.panel import TrackingPanel
viewer = napari.Viewer(show=False)
_, panel = viewer.window.add_plugin_dock_widget("napari-longiseg", "Lesion tracking")
heavy = {"torch", "SimpleITK", "itk", "monai", "pandas", "nnunetv2", "icon_registration"} & set(sys.modules)
panel.close_desk()
viewer.close()
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
