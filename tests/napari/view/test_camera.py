"""Where the camera looks when the reader goes to a lesion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_longiseg._napari.view.camera import FIELD_MM, LESIONS_ACROSS

FAR = (2.0, 20.0, -20.0)
"""A place of the phantom near its edge."""


@pytest.fixture
def far(shown, session, study, make_finding):
    """Lesion 1 lies near the edge of T0."""
    session.set_known(make_finding(study, 1, "T0", FAR, half=2))
    return session.point_on(1, "T0")


@pytest.fixture
def field_mm(viewer):
    def field_mm() -> float:
        return float(min(viewer.canvas.viewbox_size(viewer.layers))) / viewer.scene.camera.zoom

    return field_mm


@pytest.fixture
def centre(viewer):
    def centre() -> np.ndarray:
        return np.asarray(viewer.scene.camera.center)[-2:]

    return centre


@pytest.fixture
def small_field(monkeypatch):
    """The phantom is smaller than what is seen around a lesion of a patient."""
    monkeypatch.setattr("napari_longiseg._napari.view.camera.FIELD_MM", 30.0)
    return 30.0


def test_from_the_whole_scans_the_view_is_zoomed_in_to_the_lesion(shown, far, small_field, field_mm, centre):
    longest = 5.0
    assert field_mm() > small_field
    shown.placing.go_to(1, "T0")
    assert small_field <= field_mm() < 1.5 * max(small_field, LESIONS_ACROSS * longest)
    np.testing.assert_allclose(centre(), shown.cells[0].to_world(far)[1:])


def test_scans_smaller_than_that_are_not_drawn_smaller(shown, far, field_mm, centre):
    before = field_mm()
    assert before < FIELD_MM
    shown.placing.go_to(1, "T0")
    assert field_mm() == pytest.approx(before)
    np.testing.assert_allclose(centre(), shown.cells[0].to_world(far)[1:])


@pytest.mark.parametrize("factor", [0.8, 3.0])
def test_the_reader_s_zoom_is_kept(shown, far, viewer, small_field, centre, factor):
    viewer.scene.camera.zoom *= factor
    before = viewer.scene.camera.zoom
    shown.placing.go_to(1, "T0")
    assert viewer.scene.camera.zoom == before
    np.testing.assert_allclose(centre(), shown.cells[0].to_world(far)[1:])


def test_a_lesion_that_has_no_room_is_seen_whole(shown, far, session, viewer, field_mm, small_field):
    known = session.finding(1, "T0")
    session.set_known(replace(known, measurements=replace(known.measurements, long_axis_mm=20.0)))
    viewer.scene.camera.zoom *= 10
    assert field_mm() < 20
    shown.placing.go_to(1, "T0")
    assert field_mm() == pytest.approx(LESIONS_ACROSS * 20)


def test_selecting_moves_nothing_while_the_lesion_is_well_seen(shown, far, session, viewer, centre):
    session.select(None)
    viewer.scene.camera.zoom *= 1.01
    before = centre()
    session.select(1)
    np.testing.assert_array_equal(centre(), before)


def test_selecting_brings_a_lesion_near_the_edge_to_the_middle(shown, far, session, viewer, centre):
    session.select(None)
    viewer.scene.camera.zoom *= 8
    session.select(1)
    np.testing.assert_allclose(centre(), shown.cells[0].to_world(far)[1:])


def test_in_3d_the_zoom_is_the_reader_s(shown, far, viewer, small_field):
    viewer.dims.ndisplay = 3
    before = viewer.scene.camera.zoom
    shown.placing.go_to(1, "T0")
    assert viewer.scene.camera.zoom == before
    np.testing.assert_allclose(viewer.scene.camera.center, shown.cells[0].to_world(far))
