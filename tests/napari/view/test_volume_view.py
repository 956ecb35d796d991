"""All scans in 3-D, and back."""

from __future__ import annotations

import numpy as np
import pytest

from napari_longiseg._napari.layers.scans import LABEL_OPACITY
from napari_longiseg._napari.layers.windows import IN_3D, WINDOWS
from napari_longiseg._napari.view.volume_view import SOLID


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


def test_the_patient_is_seen_from_the_front_with_the_head_up(shown, viewer):
    viewer.dims.ndisplay = 3
    np.testing.assert_allclose(viewer.scene.camera.view_direction, (0, 1, 0), atol=1e-6)
    np.testing.assert_allclose(viewer.scene.camera.up_direction, (1, 0, 0), atol=1e-6)


def test_hidden_outlines_stay_hidden(shown, viewer):
    shown.toggle_masks()
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
