"""Scans that scroll together, through a known map: T1 lies 6 mm higher than T0 and is stretched."""

from __future__ import annotations

import numpy as np
import pytest

from napari_longiseg._napari.linked.linked import LinkedScans
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Study
from napari_longiseg.registration.links import Link, StudyLinks
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.transforms import Affine

CENTRE = (0.0, 0.0, 0.0)
STRETCH = TransformMap(Affine(np.diag([1.5, 1.0, 1.0]), np.array([6.0, 3.0, -2.0])), None)


@pytest.fixture
def linked(qapp, viewer, session, shown, study):
    linked = LinkedScans(viewer, session, shown)
    session.select(None)
    links = StudyLinks()
    links.add(Link.of(*study.scans[:2], STRETCH))
    linked.links = links
    yield linked
    linked.close()


def scrolled(linked, viewer, z_mm: float) -> None:
    viewer.dims.set_point(0, z_mm)
    linked.follow()


def slice_off_mm(shown, viewer) -> float:
    """How far T1's slice is from where the middle of T0's view lies on it."""
    first, second = shown.cells[:2]
    world = viewer.dims.point[0]
    wanted = 1.5 * (world - first.shift_mm[0]) + 6.0
    return abs(world - second.shift_mm[0] - wanted)


class TestScrolling:
    def test_anatomy_stays_aligned_through_all_slices(self, linked, shown, viewer, study):
        half = study.scans[1].grid.spacing_mm[0] / 2
        for z_mm in (-12.0, -4.0, 0.0, 4.0, 10.0):
            scrolled(linked, viewer, z_mm)
            assert slice_off_mm(shown, viewer) <= half

    def test_nothing_moves_sideways_nor_the_scan_being_read(self, linked, shown, viewer):
        before = [cell.shift_mm for cell in shown.cells]
        scrolled(linked, viewer, 12.0)
        after = [cell.shift_mm for cell in shown.cells]
        assert after[0] == before[0]
        assert after[1][0] != before[1][0]
        assert after[1][1:] == before[1][1:]
        assert after[2] == before[2]  # no map leads there

    def test_a_scan_is_cut_anew_only_when_it_is_off_by_half_a_slice(self, linked, shown, viewer):
        scrolled(linked, viewer, 10.0)
        moved = []
        shown.cells[1].image.events.translate.connect(moved.append)
        scrolled(linked, viewer, 10.1)
        assert not moved

    def test_the_world_slice_is_the_reader_s(self, linked, viewer):
        for z_mm in (-12.0, 8.0):
            scrolled(linked, viewer, z_mm)
            assert viewer.dims.point[0] == pytest.approx(z_mm)

    def test_many_steps_are_answered_once(self, linked, viewer, qtbot):
        for z_mm in (1.0, 2.0, 3.0):
            viewer.dims.set_point(0, z_mm)
        assert linked._timer.isActive()
        qtbot.waitUntil(lambda: not linked._timer.isActive())

    def test_off(self, linked, shown, viewer, study):
        scrolled(linked, viewer, 12.0)
        linked.enabled = False
        scrolled(linked, viewer, -8.0)
        for cell, scan in zip(shown.cells, study.scans, strict=True):
            np.testing.assert_allclose(cell.image.translate, scan.grid.origin_mm)

    def test_another_study_has_other_links(self, linked, session, study):
        session.open(Study("P02", study.scans[:2]))
        assert linked.links.empty

    def test_a_closed_one_is_deaf(self, qapp, shown, viewer, session):
        linked = LinkedScans(viewer, session, shown)
        linked.close()
        viewer.dims.set_point(0, 5.0)
        assert not linked._timer.isActive()


class TestCentring:
    def worlds(self, shown, points) -> np.ndarray:
        return np.array(
            [cell.to_world(points[cell.scan.id]) for cell in shown.cells if cell.scan.id in points]
        )

    def test_a_lesion_that_is_known_on_one_scan_only(self, linked, shown, viewer, session, study):
        source = session.lesion(1).source_scan
        assert source == "T0"
        assert linked.centre_on_lesion(1)
        point = session.point_on(1, "T0")
        points = {"T0": point, "T1": tuple(STRETCH([point])[0])}
        worlds = self.worlds(shown, points)
        np.testing.assert_allclose(worlds[0], worlds[1])
        assert viewer.dims.point[0] == pytest.approx(worlds[0][0], abs=1.5)
        np.testing.assert_allclose(np.asarray(viewer.scene.camera.center)[-2:], worlds[0][1:])

    def test_where_a_lesion_is_expected_comes_before_the_map(self, linked, shown, session):
        session.set_known(Proposal(1, "T1", (1.0, 2.0, 3.0), "T0"))
        linked.centre_on_lesion(1)
        worlds = self.worlds(shown, {"T0": session.point_on(1, "T0"), "T1": (1.0, 2.0, 3.0)})
        np.testing.assert_allclose(worlds[0], worlds[1])

    def test_scrolling_after_it_does_not_jump(self, linked, shown, session, viewer):
        session.set_known(Proposal(1, "T1", (1.0, 2.0, 3.0), "T0"))
        session.select(1)
        linked.centre_on_lesion(1)
        before = shown.cells[1].shift_mm
        assert not linked._timer.isActive()
        linked.follow()
        assert shown.cells[1].shift_mm == before

    def test_a_lesion_without_a_place(self, linked, session):
        assert not linked.centre_on_lesion(session.add_lesion().id)

    def test_what_is_under_the_mouse(self, linked, shown, viewer):
        viewer.cursor.viewbox = (0, 0)
        viewer.cursor.position = (0.0, 4.0, 5.0)
        z_mm = viewer.dims.point[0]
        assert linked.centre_on_cursor()
        point = (z_mm, 4.0, 5.0)
        worlds = self.worlds(shown, {"T0": point, "T1": tuple(STRETCH([point])[0])})
        np.testing.assert_allclose(worlds[0], worlds[1])

    def test_beside_all_scans(self, linked, shown, viewer):
        viewer.cursor.viewbox = (0, 0)
        viewer.cursor.position = (0.0, 4000.0, 5.0)
        assert not linked.centre_on_cursor()
