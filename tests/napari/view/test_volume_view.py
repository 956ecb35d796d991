"""All scans in 3-D, and back."""

from __future__ import annotations

import numpy as np
import pytest

from napari_longiseg._napari.layers.scans import LABEL_OPACITY
from napari_longiseg._napari.layers.windows import IN_3D, WINDOWS
from napari_longiseg._napari.view.outlines import SOLID


@pytest.fixture
def limits(shown):
    return lambda: [tuple(cell.image.contrast_limits) for cell in shown.cells]


def test_ct_is_faint_and_lesions_are_solid_in_3d_only(shown, viewer, limits):
    shown.set_window("Lung")
    viewer.dims.ndisplay = 3
    assert limits() == [IN_3D] * 3
    assert {cell.labels.opacity for cell in shown.cells} == {SOLID}
    shown.set_window("Bone")
    viewer.dims.ndisplay = 2
    assert limits() == [WINDOWS["Lung"]] * 3
    assert {cell.labels.opacity for cell in shown.cells} == {LABEL_OPACITY}


def test_lesions_are_drawn_over_the_body_around_them(shown):
    assert {str(cell.labels.blending) for cell in shown.cells} == {"translucent_no_depth"}


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (2, 1, 0)])
def test_the_patient_is_seen_from_the_front_with_the_head_up_and_not_mirrored(shown, viewer, order):
    viewer.dims.order = order
    viewer.dims.ndisplay = 3
    camera, axes = viewer.scene.camera, list(viewer.dims.displayed)
    np.testing.assert_allclose(camera.view_direction, np.array([0, 1, 0])[axes], atol=1e-6)
    np.testing.assert_allclose(camera.up_direction, np.array([1, 0, 0])[axes], atol=1e-6)
    # How far right, up and towards the reader each displayed axis points, by its orientation.
    signs = {"away": -1, "towards": 1, "down": -1, "up": 1, "left": -1, "right": 1}
    depth, vertical, horizontal = (signs[str(axis)] for axis in camera.orientation)
    handed = np.linalg.det(np.eye(3)[axes]) * depth * vertical * horizontal
    assert handed == pytest.approx(1), "as right-handed as LPS is"


def test_hidden_outlines_stay_hidden(shown, viewer):
    shown.next_outlines()
    shown.next_outlines()
    viewer.dims.ndisplay = 3
    viewer.dims.ndisplay = 2
    assert {cell.labels.opacity for cell in shown.cells} == {0.0}


def test_another_study_begins_in_2d_in_its_own_window(shown, viewer, session, study, limits):
    before = limits()
    viewer.dims.ndisplay = 3
    session.open(study.with_lesions(()))
    assert viewer.dims.ndisplay == 2
    assert limits() == before


def test_a_closed_one_leaves_the_scans_alone(shown, viewer, limits):
    shown.close()
    before = limits()
    viewer.dims.ndisplay = 3
    assert limits() == before
