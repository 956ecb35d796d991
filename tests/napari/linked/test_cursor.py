from __future__ import annotations

import time

import numpy as np
import pytest

from napari_longiseg._napari.linked.cursor import CLEAR, FAINT, HIDDEN, RegisteredCursor
from napari_longiseg._napari.linked.linked import LinkedScans
from napari_longiseg._napari.linked.pointing import along_ray
from napari_longiseg._napari.view.cross import ARMS, GAP_MM, GAP_PIXELS
from napari_longiseg.registration.links import Link
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.transforms import Affine

SHIFT = TransformMap(Affine.shift((0.0, 3.0, -2.0)), None)


@pytest.fixture
def linked(qapp, viewer, session, shown, study):
    linked = LinkedScans(viewer, session, shown)
    linked.add(Link.of(*study.scans[:2], SHIFT))
    yield linked
    linked.close()


@pytest.fixture
def cursor(linked, viewer, session, shown):
    cursor = RegisteredCursor(viewer, session, shown)
    cursor.enabled = True
    yield cursor
    cursor.close()


@pytest.fixture
def point_at(viewer, cursor):
    def point_at(world) -> None:
        viewer.cursor.viewbox = (0, 0)
        viewer.cursor.position = world
        viewer.dims.set_point(0, world[0])
        cursor.update()

    return point_at


def place(cell) -> np.ndarray:
    return cell.cursor.data_to_world(cell.cursor.data[ARMS:, 0].mean(axis=0)) - np.asarray(cell.shift_mm)


def test_the_place_under_the_mouse_is_shown_on_all_scans_with_a_map(cursor, point_at, shown):
    heard = []
    cursor.moved.connect(lambda *a: heard.append(a))
    point_at((2.0, 4.0, 5.0))
    other = shown.cells[1]
    assert heard[0][0] == "T0"
    np.testing.assert_allclose(heard[0][1][1:], (4.0, 5.0))
    np.testing.assert_allclose(cursor.places["T1"][1:], (7.0, 3.0))
    np.testing.assert_allclose(place(other)[1:], (7.0, 3.0))
    assert [cell.cursor.opacity for cell in shown.cells] == [FAINT, CLEAR, HIDDEN]
    assert "T2" not in cursor.places


def test_a_place_on_another_slice_is_faint(cursor, point_at, shown):
    shown.placing.shift({"T1": (10.0, 0.0, 0.0)})
    point_at((0.0, 4.0, 5.0))
    assert shown.cells[1].cursor.opacity == FAINT


def test_it_vanishes_beside_the_scans_and_when_switched_off(cursor, point_at, shown):
    left = []
    cursor.left.connect(lambda: left.append(True))
    point_at((0.0, 4.0, 5.0))
    point_at((0.0, 4000.0, 5.0))
    assert left == [True]
    assert not cursor.places
    assert {cell.cursor.opacity for cell in shown.cells} == {HIDDEN}
    point_at((0.0, 4.0, 5.0))
    cursor.enabled = False
    assert {cell.cursor.opacity for cell in shown.cells} == {HIDDEN}


def test_all_moves_of_a_frame_are_answered_once(cursor, viewer, qtbot):
    viewer.cursor.viewbox, viewer.cursor.position = (0, 0), (0.0, 4.0, 5.0)
    heard = []
    cursor.moved.connect(lambda *a: heard.append(a))
    for call in list(viewer.mouse_move_callbacks) * 5:
        call(viewer, None)
    qtbot.waitUntil(lambda: bool(heard))
    qtbot.wait(40)
    assert len(heard) == 1


def test_it_is_no_click_and_no_step_of_undo(cursor, point_at, shown, session):
    before, heard = session.state, []
    session.history_changed.connect(lambda: heard.append(True))
    point_at((0.0, 4.0, 5.0))
    assert session.state is before
    assert not heard
    assert all(not cell.cursor.editable for cell in shown.cells)


def test_a_small_lesion_lies_open_in_it_at_any_zoom(cursor, point_at, shown, viewer, qtbot):
    point_at((2.0, 4.0, 5.0))
    cell = shown.cells[1]

    def gap_mm() -> float:
        starts = cell.cursor.data[ARMS:, 0] * cell.scan.grid.spacing_mm
        return float(np.linalg.norm(starts - starts.mean(axis=0), axis=1).min())

    viewer.scene.camera.zoom = 20.0
    qtbot.waitUntil(lambda: gap_mm() == pytest.approx(GAP_MM, rel=0.05))
    viewer.scene.camera.zoom = 0.5
    qtbot.waitUntil(lambda: gap_mm() == pytest.approx(GAP_PIXELS / 0.5, rel=0.05))


def test_in_3d_it_has_arms_along_all_axes(cursor, shown, viewer):
    viewer.dims.ndisplay = 3
    cell = shown.cells[0]
    middle = np.array(cell.scan.grid.shape) / 2
    cell.point_at(middle, viewer.dims.displayed, 1.0, CLEAR)
    lengths = np.abs(cell.cursor.data[:, 1]).sum(axis=0)
    assert (lengths > 0).all()
    np.testing.assert_allclose(cell.cursor.data[ARMS:, 0].mean(axis=0), middle)


def test_an_update_takes_a_few_milliseconds(cursor, point_at):
    point_at((0.0, 4.0, 5.0))
    start = time.perf_counter()
    for _ in range(10):
        cursor.update()
    assert (time.perf_counter() - start) / 10 < 0.1  # 4 ms on an idle core


class TestRay:
    """What a reader sees in 3-D."""

    AHEAD = np.array([0.0, 1.0, 0.0])

    def test_the_brightest_where_there_is_no_lesion(self, shown, viewer):
        viewer.dims.ndisplay = 3
        cell = shown.cells[0]
        voxel = np.array([10, 20, 20])
        image = cell.scan.image
        bright = int(image[voxel[0], :, voxel[2]].argmax())
        world = cell.image.data_to_world(voxel)
        seen = cell.scan.grid.to_index(along_ray(cell, world, self.AHEAD, (0, 1, 2)))
        np.testing.assert_allclose(seen, (voxel[0], bright, voxel[2]), atol=1e-6)

    def test_the_first_voxel_of_a_lesion(self, shown, viewer):
        viewer.dims.ndisplay = 3
        cell = shown.cells[0]
        cell.labels.data[10, 12:15, 20] = 1
        world = cell.image.data_to_world((10, 20, 20))
        seen = cell.scan.grid.to_index(along_ray(cell, world, self.AHEAD, (0, 1, 2)))
        np.testing.assert_allclose(seen, (10, 12, 20), atol=1e-6)
        back = cell.scan.grid.to_index(along_ray(cell, world, -self.AHEAD, (0, 1, 2)))
        np.testing.assert_allclose(back, (10, 14, 20), atol=1e-6)

    def test_beside_the_scan(self, shown, viewer):
        viewer.dims.ndisplay = 3
        assert along_ray(shown.cells[0], (9999.0, 0.0, 9999.0), self.AHEAD, (0, 1, 2)) is None
