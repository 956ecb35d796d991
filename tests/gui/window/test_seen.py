"""What a reader sees and does: real mouse events, rendered pixels."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_longiseg._napari.layers.colours import lesion_rgba

NEAR = (0.0, 0.0, 0.0)
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def coloured(pictures):
    """Number of pixels in a lesion's colour, in the cell of each scan."""

    def coloured(lesion: int) -> list[int]:
        colour = 255 * np.array(lesion_rgba(lesion)[:3])
        return [int((np.abs(cell - colour).max(axis=-1) < 13).sum()) for cell in pictures()[:3]]

    return coloured


def test_drags_pan_and_clicks_go_to_the_scan_of_their_cell(opened, viewer, hands, gate, idle):
    before = viewer.scene.camera.center
    hands.drag("T1", NEAR, (0.0, 0.0, 8.0))
    assert viewer.scene.camera.center[2] < before[2]
    opened.click_bar.place.setChecked(False)
    hands.click("T1", NEAR)
    assert opened.session.lesions == (), "a drag is no click, and switched off, clicks are napari's"
    opened.click_bar.place.setChecked(True)
    for scan, modifier in (("T0", NONE), ("T1", NONE), ("T2", SHIFT)):
        hands.click(scan, (0.0, 8.0, -5.0), modifier)
    clicks = opened.session.lesions[0].clicks
    assert [click.scan for click in clicks] == ["T0", "T1", "T2"]
    assert [click.positive for click in clicks] == [True, True, False]
    for click in clicks:
        np.testing.assert_allclose(click.point_mm, (0.0, 8.0, -5.0), atol=1.0)
    gate.open.set()
    idle(opened)


def test_clicks_beside_the_image_and_in_3d_say_so(opened, viewer, hands, qtbot):
    canvas = hands.canvas
    beside = hands.spot("T1", NEAR)
    beside.setX(4)
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=beside)
    qtbot.waitUntil(lambda: "outside scan T1" in opened.progress.line.text())
    viewer.dims.ndisplay = 3
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(canvas.width() // 2, canvas.height() // 2))
    qtbot.waitUntil(lambda: "need the 2-D view" in opened.progress.line.text())
    assert opened.session.lesions == ()


def test_a_click_is_drawn_in_its_cell_when_all_of_the_scan_is_in_view(with_lesions, hands, coloured):
    hands.scroll("T0", NEAR)
    seen = coloured(1)
    assert seen[0] > 5, "pixels in its very colour; the edges are blended"
    assert seen[1:] == [0, 0]


def test_proposals_are_hollow_until_they_are_outlined(opened, viewer, hands, coloured, idle):
    hands.click("T1", NEAR)
    idle(opened)
    for cell in opened.desk.bridge.cells:
        cell.labels.opacity = 1.0
    rings = coloured(1)
    middle = viewer.screenshot(canvas_only=True, flash=False)
    at = hands.spot("T0", NEAR)
    assert min(rings) > 5
    assert np.ptp(middle[at.y(), at.x(), :3].astype(int)) < 20, "the scan shines through"
    opened.click_bar.straight.setChecked(True)
    opened.lesion_bar.track.click()
    idle(opened)
    outlines = coloured(1)
    assert outlines[0] > 3 * rings[0]
    assert outlines[2] > 3 * rings[2]


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
