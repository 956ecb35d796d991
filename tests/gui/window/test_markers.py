"""Markers and the brush in a real window, under a real mouse."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_longiseg._qt.panel import TrackingPanel
from napari_longiseg.core.proposal import Proposal

POINT = (0.0, 4.0, 5.0)


@pytest.fixture
def expected(with_lesions) -> TrackingPanel:
    """Lesion 2 is expected on T1."""
    with_lesions.session.set_known(Proposal(2, "T1", POINT, "T0", uncertainty_mm=3.0))
    return with_lesions


def test_a_dragged_marker_moves_and_the_view_stays(expected, viewer, hands):
    moved = []
    router = expected.desk.router
    router.moved.disconnect()
    router.moved.connect(lambda *told: moved.append(told))
    before = viewer.scene.camera.center
    hands.drag("T1", POINT, (0.0, 10.0, 9.0), key=Qt.Key.Key_Escape)
    assert moved == []
    hands.drag("T1", POINT, (0.0, 10.0, 9.0))
    [(scan, lesion, point)] = moved
    assert (scan, lesion) == ("T1", 2)
    np.testing.assert_allclose(point[1:], (10.0, 9.0), atol=1.0)
    assert viewer.scene.camera.center == before


def test_a_drawn_box_is_told(with_lesions, hands):
    drawn = []
    router = with_lesions.desk.router
    router.box_drawn.disconnect()
    router.box_drawn.connect(lambda *told: drawn.append(told))
    with_lesions.click_bar.box.setChecked(True)
    hands.drag("T0", (0.0, -8.0, -10.0), (0.0, 8.0, 10.0))
    [(scan, low, high)] = drawn
    assert scan == "T0"
    np.testing.assert_allclose(low, (-10.0, -8.0, -10.0), atol=1.5)
    np.testing.assert_allclose(high, (10.0, 8.0, 10.0), atol=1.5)
    assert not with_lesions.click_bar.box.isChecked(), "one box, and the tool is put away"


def test_a_stroke_on_another_scan_than_the_active_one_is_a_finding_there(with_lesions, viewer, hands):
    session = with_lesions.session
    session.select(1)
    first = with_lesions.desk.bridge.cells[0].labels
    viewer.layers.selection.active = first
    first.mode = "paint"
    hands.drag("T2", (0.0, 0.0, 0.0), (0.0, 0.0, 12.0))
    finding = session.finding(1, "T2")
    assert finding is not None
    assert finding.measurements.volume_ml > 0
    assert session.finding(1, "T0") is None
    assert [len(lesion.clicks) for lesion in session.lesions] == [1, 1], "the brush places no clicks"
    painted = with_lesions.desk.bridge.cells[2].labels.data == 1
    np.testing.assert_array_equal(painted, finding.mask.on(painted.shape))
    session.undo()
    assert not with_lesions.desk.bridge.cells[2].labels.data.any()
