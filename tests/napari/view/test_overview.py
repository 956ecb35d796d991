"""The whole scans in view, in a window whose shape changes."""

from __future__ import annotations

import numpy as np
import pytest
from napari.utils.color import ColorValue

from napari_longiseg._napari.view.bridge import LayerBridge

TALL, WIDE = (1200, 400), (300, 1800)
"""Height and width in pixels."""


@pytest.fixture
def resize(viewer, shown, qtbot):
    def resize(size) -> None:
        viewer.canvas.size = size
        qtbot.wait(40)

    return resize


def test_rows_and_columns_follow_the_window(viewer, resize):
    resize(TALL)
    assert viewer.canvas.grid.shape == (3, 1)
    resize(WIDE)
    assert viewer.canvas.grid.shape == (1, 3)


def test_the_whole_scans_stay_in_view(viewer, shown, resize):
    assert shown._overview.shown
    before = viewer.scene.camera.zoom
    resize((WIDE[0] * 4, WIDE[1] * 4))
    assert shown._overview.shown
    assert viewer.scene.camera.zoom > 2 * before


def test_a_part_that_the_reader_has_zoomed_in_to_stays_as_large(viewer, shown, resize):
    viewer.scene.camera.zoom *= 3
    viewer.scene.camera.center = (4.0, 5.0)
    zoom = viewer.scene.camera.zoom
    assert not shown._overview.shown
    resize(TALL)
    assert viewer.canvas.grid.shape == (3, 1)
    assert viewer.scene.camera.zoom == zoom
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (4.0, 5.0))


def test_napari_s_home_button_is_the_whole_again(viewer, shown):
    viewer.scene.camera.zoom *= 3
    viewer.reset_view()
    assert shown._overview.shown


def test_a_scan_less_lays_the_grid_out_anew(viewer, shown, deferred, resize):
    resize(WIDE)
    viewer.layers.remove(shown.cells[0].image)
    for call in deferred:
        call()
    assert viewer.canvas.grid.shape == (1, 2)


def test_ct_stands_on_black_until_it_is_gone(viewer, shown, session):
    np.testing.assert_array_equal(viewer.canvas.background_color, ColorValue("black"))
    session.open(None)
    assert viewer.canvas.background_color_override is None
    assert not viewer.canvas.grid.enabled


def test_a_closed_one_leaves_the_grid_alone(viewer, shown, resize):
    shown.close()
    before = viewer.canvas.grid.shape
    resize(TALL)
    resize(WIDE)
    assert viewer.canvas.grid.shape == before


def test_the_grid_is_laid_out_once_for_all_scans_that_come_up(viewer, session, study, qtbot):
    viewer.canvas.size = WIDE
    turns, shapes = [], []
    bridge = LayerBridge(viewer, session, turns.append, turns.append)
    session.open(study)
    while turns:
        turns.pop(0)()
        qtbot.wait(30)  # the window is laid out meanwhile
        viewer.canvas.size = (WIDE[0] + len(viewer.layers), WIDE[1])
        shapes.append(tuple(viewer.canvas.grid.shape))
    bridge.close()
    assert set(shapes[3:]) == {(1, 3)}
    assert len(viewer.layers) == 12


@pytest.mark.parametrize(
    ("order", "vertical"), [((0, 1, 2), "down"), ((1, 0, 2), "up"), ((2, 0, 1), "up"), ((0, 2, 1), "down")]
)
def test_the_head_is_above_in_coronal_and_sagittal_slices(viewer, shown, order, vertical):
    viewer.dims.order = order
    assert [str(axis) for axis in viewer.scene.camera.orientation][1:] == [vertical, "right"]
    viewer.dims.ndisplay = 3
    assert str(viewer.scene.camera.orientation[1]) == "down"
    viewer.dims.ndisplay = 2
    assert str(viewer.scene.camera.orientation[1]) == vertical
