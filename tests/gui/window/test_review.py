"""What is proposed and outlined, corrected by a real mouse."""

from __future__ import annotations

import numpy as np
import pytest
from napari.qt.threading import create_worker  # noqa: F401 - imported before the clock runs
from qtpy.QtCore import Qt

from napari_longiseg.core.lesion import Review

NEAR = (0.0, 0.0, 0.0)


@pytest.fixture
def proposed(opened, hands, idle):
    """A lesion clicked on T0: outlined there, proposed on T1 and T2."""
    hands.click("T0", NEAR)
    idle(opened)
    return opened


def test_a_dragged_proposal_has_its_scan_outlined_alone(proposed, hands, idle, asked):
    session = proposed.session
    before = session.finding(1, "T0"), session.proposal(1, "T2")
    hands.drag("T1", NEAR, (0.0, 4.0, 3.0))
    idle(proposed)
    assert len(asked) == 2
    moved = session.lesion(1).point_on("T1")
    np.testing.assert_allclose(moved, (0.0, 4.0, 3.0), atol=1.5)
    assert session.finding(1, "T1").mask is not None
    assert (session.finding(1, "T0"), session.proposal(1, "T2")) == before
    assert session.selected == 1
    assert proposed.desk.reviewing.current == (1, "T1")


def test_the_brush_measures_anew_and_undo_brings_back(proposed, viewer, hands, qtbot):
    session = proposed.session
    before = session.finding(1, "T0")
    labels = proposed.desk.bridge.cells[0].labels
    drawn = labels.data.copy()
    viewer.layers.selection.active = labels
    labels.mode = "paint"
    hands.drag("T0", (0.0, 0.0, 0.0), (0.0, 0.0, 14.0))
    after = session.finding(1, "T0")
    assert after.review is Review.EDITED
    assert after.measurements.volume_ml > before.measurements.volume_ml
    assert after.measurements.long_axis_mm > before.measurements.long_axis_mm + 3
    assert f"{after.measurements.volume_ml:.2f} ml" in proposed.review_bar.state.text()
    assert len(session.lesion(1).clicks) == 1, "the brush places no clicks"
    labels.mode = "pan_zoom"
    hands.press(Qt.Key.Key_U)
    assert session.finding(1, "T0") is before
    np.testing.assert_array_equal(labels.data, drawn)
