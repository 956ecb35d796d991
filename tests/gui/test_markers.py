"""Markers and the brush in a real window, under a real mouse."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QWidget

from napari_longiseg.core.proposal import Proposal

LEFT = Qt.MouseButton.LeftButton
POINT = (0.0, 4.0, 5.0)


@pytest.fixture
def viewer(make_napari_viewer_proxy):
    """A visible window."""
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1300, 800)
    return viewer


@pytest.fixture
def canvas(with_lesions, viewer, qtbot) -> QWidget:
    """The widget that napari draws on; lesion 2 is expected on T1."""
    with_lesions.session.set_known(Proposal(2, "T1", POINT, "T0", uncertainty_mm=3.0))
    viewer.dims.set_point(0, 0.0)
    qtbot.wait(200)
    window = with_lesions.window()
    return next(w for w in window.findChildren(QWidget) if type(w).__name__.startswith("CanvasBackend"))


@pytest.fixture
def drag(viewer, canvas, qtbot):
    """Drag with the left button between two displayed places (y, x in mm) of a column of the grid."""

    def spot(column: int, y: float, x: float) -> QPoint:
        width = (canvas.width() - 2 * 4) / 3
        zoom, centre = viewer.scene.camera.zoom, viewer.scene.camera.center
        across = column * (width + 4) + width / 2 + (x - centre[2]) * zoom
        return QPoint(round(across), round(canvas.height() / 2 + (y - centre[1]) * zoom))

    def drag(column: int, start: tuple[float, float], end: tuple[float, float], key=None) -> None:
        a, b = spot(column, *start), spot(column, *end)
        qtbot.mouseMove(canvas, a)
        qtbot.wait(30)
        qtbot.mousePress(canvas, LEFT, pos=a)
        for step in (0.3, 0.7, 1.0):
            qtbot.mouseMove(canvas, a + (b - a) * step)
            qtbot.wait(30)
        if key is not None:
            qtbot.keyClick(canvas, key)
        qtbot.mouseRelease(canvas, LEFT, pos=b)
        qtbot.wait(50)

    return drag


def test_a_dragged_marker_moves_and_the_view_stays(with_lesions, viewer, drag):
    moved = []
    router = with_lesions.desk.router
    router.moved.disconnect()
    router.moved.connect(lambda *told: moved.append(told))
    before = viewer.scene.camera.center
    drag(1, POINT[1:], (10.0, 9.0), key=Qt.Key.Key_Escape)
    assert moved == []
    drag(1, POINT[1:], (10.0, 9.0))
    [(scan, lesion, point)] = moved
    assert (scan, lesion) == ("T1", 2)
    np.testing.assert_allclose(point[1:], (10.0, 9.0), atol=1.0)
    assert viewer.scene.camera.center == before


def test_a_drawn_box_is_told(with_lesions, drag):
    drawn = []
    router = with_lesions.desk.router
    router.box_drawn.disconnect()
    router.box_drawn.connect(lambda *told: drawn.append(told))
    with_lesions.click_bar.box.setChecked(True)
    drag(0, (-8.0, -10.0), (8.0, 10.0))
    [(scan, low, high)] = drawn
    assert scan == "T0"
    np.testing.assert_allclose(low, (-10.0, -8.0, -10.0), atol=1.5)
    np.testing.assert_allclose(high, (10.0, 8.0, 10.0), atol=1.5)


def test_a_stroke_on_another_scan_than_the_active_one_is_a_finding_there(with_lesions, viewer, drag):
    session = with_lesions.session
    session.select(1)
    viewer.dims.set_point(0, 0.0)
    first = with_lesions.desk.bridge.cells[0].labels
    viewer.layers.selection.active = first
    first.mode = "paint"
    drag(2, (0.0, 0.0), (0.0, 12.0))
    finding = session.finding(1, "T2")
    assert finding is not None
    assert finding.measurements.volume_ml > 0
    assert session.finding(1, "T0") is None
    assert [len(lesion.clicks) for lesion in session.lesions] == [1, 1], "the brush places no clicks"
    painted = with_lesions.desk.bridge.cells[2].labels.data == 1
    np.testing.assert_array_equal(painted, finding.mask.on(painted.shape))
    session.undo()
    assert not with_lesions.desk.bridge.cells[2].labels.data.any()
