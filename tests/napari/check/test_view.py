"""A checked registration in a viewer model: where its layers lie, and that they leave no trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from napari_longiseg._napari.check.layers import TARGET_COLOUR, View, check_looks
from napari_longiseg._napari.check.view import CheckView
from napari_longiseg._napari.work.summary import doubts_of
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.lesion import Click, Lesion
from napari_longiseg.core.scan import Study
from napari_longiseg.registration.check import RegistrationCheck, check_registration
from napari_longiseg.tracking.record import PairRecord

MOVED = np.array([6.0, -5.0, 4.0])
AT_T0 = (0.0, 4.0, 2.0)
AT_T1 = tuple(AT_T0 + MOVED)
SHOWN = [View.OVERLAY, View.CHECKERBOARD, View.GRID, View.UNCERTAINTY]


@dataclass(frozen=True)
class Shift:
    """The patient has moved; the error grows towards the head."""

    def __call__(self, points_mm):
        return np.asarray(points_mm) + MOVED

    def uncertainty_mm(self, points_mm):
        return 4.0 + np.asarray(points_mm)[:, 0] / 20.0


@pytest.fixture
def study(make_scan) -> Study:
    """A bright lesion that lies elsewhere on the second scan, on another grid."""
    lesion = Lesion(1, "moved", (Click("T0", AT_T0), Click("T1", AT_T1)))
    scans = (
        make_scan("T0", Grid((24, 60, 60), (2.0, 1.0, 1.0), (-24, -30, -30)), [(AT_T0, 6)]),
        make_scan("T1", Grid((30, 50, 50), (1.5, 1.4, 1.4), (-22, -34, -34)), [(AT_T1, 6)]),
        make_scan("T2", Grid((24, 60, 60), (2.0, 1.1, 1.0), (-24, -32, -30)), []),
    )
    return Study("P01", scans, (lesion,))


@pytest.fixture
def check(study) -> RegistrationCheck:
    return check_registration(Shift(), study.scans[0], study.scans[1])


@pytest.fixture
def look(viewer, session, shown) -> Iterator[CheckView]:
    view = CheckView(viewer, session, shown)
    yield view
    view.close()


def state(viewer) -> tuple:
    """All that a check may change of a viewer's layers."""
    layers = [(layer.unique_id, layer.name, layer.visible) for layer in viewer.layers]
    images = [layer.colormap.name for layer in viewer.layers if type(layer).__name__ == "Image"]
    return layers, images, viewer.canvas.grid.stride, viewer.canvas.grid.shape


def world_of(layer, voxels: np.ndarray) -> np.ndarray:
    """Where the middle of some voxels is displayed."""
    return np.asarray(layer.data_to_world(np.argwhere(voxels).mean(axis=0)))


@pytest.mark.parametrize("view", SHOWN)
def test_the_layer_lies_in_its_target_s_cell_between_scan_and_outlines(look, shown, viewer, check, view):
    look.open(check)
    look.show(view)
    for column, cell in enumerate(shown.cells):
        inside = [i for i in range(len(viewer.layers)) if shown.cell_of(viewer.layers[i]) is cell]
        assert inside == [5 * column + i for i in range(5)]
    middle = [viewer.layers[i] for i in viewer.canvas.grid.contents_at((0, 1), viewer.layers)]
    assert [type(layer).__name__ for layer in middle] == ["Image", "Image", "Labels", "Points", "Vectors"]
    scan, layer = middle[:2]
    np.testing.assert_allclose(layer.scale, scan.scale)
    np.testing.assert_allclose(layer.translate, scan.translate)
    assert layer.units == scan.units
    assert viewer.layers.selection.active is layer


@pytest.mark.parametrize("aligned", [False, True])
def test_the_source_s_lesion_is_seen_on_the_target_s(look, shown, session, check, aligned):
    shown.placing.aligned = aligned
    session.select(1)
    look.open(check)
    cell = shown.cells[1]
    assert bool(np.any(cell.shift_mm)) is aligned
    bright = [world_of(layer, layer.data > 90) for layer in (cell.image, cell.extra)]
    np.testing.assert_allclose(bright[1], bright[0], atol=0.3)
    np.testing.assert_allclose(bright[1], cell.to_world(AT_T1), atol=0.7)


def test_it_moves_with_its_cell(look, shown, session, check):
    look.open(check)
    session.select(1)
    cell = shown.cells[1]
    np.testing.assert_allclose(cell.extra.translate, cell.image.translate)
    np.testing.assert_allclose(cell.to_world(AT_T1), shown.cells[0].to_world(AT_T0))
    shown.placing.aligned = False
    np.testing.assert_allclose(cell.extra.translate, cell.scan.grid.origin_mm)


def test_the_overlay_has_a_colour_for_each_scan_and_the_ct_window(look, shown, check):
    look.open(check)
    cell = shown.cells[1]
    assert (cell.image.colormap.name, cell.extra.colormap.name) == ("green", "magenta")
    assert str(cell.extra.blending) == "additive"
    assert cell.extra.name == "T0 (magenta) on T1 (green)"
    beside = shown.cells[0].extra
    assert (beside.name, beside.visible) == ("Lattice of T0", False)
    shown.set_window("Bone")
    assert list(cell.extra.contrast_limits) == list(cell.image.contrast_limits)
    cell.extra.contrast_limits = (0, 50)
    assert [list(c.image.contrast_limits) for c in shown.cells] == [[0, 50]] * 3


def test_the_checkerboard_lets_the_target_through(look, shown, check):
    look.open(check)
    look.show(View.CHECKERBOARD)
    layer = shown.cells[1].extra
    np.testing.assert_array_equal(layer.data, check.checkerboard(30.0))
    look.set_square(12.0)
    np.testing.assert_array_equal(layer.data, check.checkerboard(12.0))
    look.show(View.GRID)
    look.set_square(20.0)
    look.show(View.CHECKERBOARD)
    np.testing.assert_array_equal(shown.cells[1].extra.data, check.checkerboard(20.0))


def test_the_lattice_is_straight_on_the_source_and_follows_the_view(look, shown, viewer, check):
    look.open(check)
    look.show(View.GRID)
    source, target, other = (cell.extra for cell in shown.cells)
    assert source.visible
    assert (source.name, target.name) == ("Lattice of T0", "Lattice of T0 on T1")
    assert not other.visible
    np.testing.assert_array_equal(target.data, check.lines((1, 2)))
    assert (np.ptp(source.data, axis=0) == 0).all(), "lines across y and x, the same on all slices"
    viewer.dims.order = (1, 0, 2)
    np.testing.assert_array_equal(target.data, check.lines((0, 2)))
    assert (np.ptp(source.data, axis=1) == 0).all()
    viewer.dims.ndisplay = 3
    np.testing.assert_array_equal(target.data, check.lines((0, 1, 2)))


def test_uncertainty_is_in_mm_and_clear_where_it_is_not_known(look, shown, viewer, check):
    look.open(check)
    look.show(View.UNCERTAINTY)
    cell = shown.cells[1]
    assert tuple(cell.extra.contrast_limits) == (0.0, 10.0)
    at = tuple(np.rint(cell.extra.world_to_data(cell.to_world(AT_T1))).astype(int))
    assert cell.extra.data[at] == pytest.approx(4.0 + AT_T0[0] / 20.0, abs=0.1)
    assert cell.extra.colormap.map(np.array([np.nan]))[0, 3] == 0
    assert cell.extra.colorbar.visible
    assert cell.image.colormap.name == "gray"


def test_views_follow_each_other_without_new_layers(look, shown, viewer, check):
    look.open(check)
    layers = list(viewer.layers)
    for view in [*SHOWN, *reversed(SHOWN)]:
        look.show(view)
        assert list(viewer.layers) == layers
        fresh = check_looks(check, view, (1, 2), 30.0, tuple(shown.cells[1].image.contrast_limits))
        for cell in shown.cells[:2]:
            wanted = fresh[cell.scan.id].layer()
            assert cell.extra.visible is wanted.visible
            for name in ("name", "opacity", "blending", "interpolation2d", "contrast_limits", "colormap"):
                same = getattr(cell.extra, name) == getattr(wanted, name)
                assert same or not wanted.visible, f"{name} in {view}"
        assert cell.image.colormap.name == ("green" if view is View.OVERLAY else "gray")


def test_another_check_takes_the_place_of_the_first(look, shown, viewer, study):
    look.open(check_registration(Shift(), study.scans[0], study.scans[1]))
    look.show(View.GRID)
    look.open(check_registration(Shift(), study.scans[2], study.scans[0]))
    assert look.view is View.GRID
    assert [cell.extra.name for cell in shown.cells] == ["Lattice of T2 on T0", "T1 spacer", "Lattice of T2"]
    assert len(viewer.layers) == 15


def test_off_leaves_no_trace_whatever_was_looked_at(look, viewer, check):
    before = state(viewer)
    look.open(check)
    for view in [*SHOWN, View.OVERLAY, View.OFF]:
        look.show(view)
    assert state(viewer) == before
    assert look.check is check, "it can be looked at again"
    look.show(View.OVERLAY)
    assert look.view is View.OVERLAY


def test_closing_leaves_no_trace_and_hears_nothing_more(look, viewer, session, check):
    before = state(viewer)
    look.open(check)
    look.close()
    assert state(viewer) == before
    viewer.dims.ndisplay = 3
    session.open(None)


def test_closing_after_napari_has_cleared_its_layers_brings_none_back(look, viewer, check):
    look.open(check)
    viewer.layers.clear()  # as a window does that is closed
    look.close()
    assert list(viewer.layers) == []


def test_the_scan_keeps_colours_that_the_reader_has_chosen(look, shown, check):
    image = shown.cells[1].image
    image.colormap = "bone"
    look.open(check)
    look.show(View.GRID)
    assert image.colormap.name == "bone"
    look.show(View.OVERLAY)
    assert image.colormap.name == TARGET_COLOUR
    image.colormap = "viridis"
    look.show(View.OFF)
    assert image.colormap.name == "viridis"


@pytest.mark.parametrize("column", [1, 2], ids=["the check", "a spacer"])
def test_a_layer_removed_by_hand_takes_the_rest_along(look, shown, viewer, deferred, check, column):
    before = state(viewer)
    heard = []
    look.changed.connect(lambda: heard.append(look.view))
    look.open(check)
    viewer.layers.remove(shown.cells[column].extra)
    deferred.pop()()
    assert state(viewer) == before
    assert heard == [View.OVERLAY, View.OFF]


def test_outlines_removed_by_hand_come_back_into_a_cell_with_a_check(look, shown, viewer, deferred, check):
    look.open(check)
    viewer.layers.remove(shown.cells[1].labels)
    deferred.pop()()
    assert look.view is View.OVERLAY
    middle = [viewer.layers[i] for i in viewer.canvas.grid.contents_at((0, 1), viewer.layers)]
    assert [type(layer).__name__ for layer in middle] == ["Image", "Image", "Labels", "Points", "Vectors"]


def test_without_its_target_it_cannot_be_looked_at(look, shown, viewer, deferred, check):
    look.open(check)
    viewer.layers.remove(shown.cells[1].image)
    deferred.pop()()
    assert len(viewer.layers) == 8
    assert viewer.canvas.grid.stride == 4
    look.show(View.GRID)
    assert look.view is View.OFF
    assert len(viewer.layers) == 8


def test_without_another_scan_it_can_be_looked_at_again(look, shown, viewer, deferred, check):
    look.open(check)
    viewer.layers.remove(shown.cells[2].image)
    deferred.pop()()
    assert look.view is View.OFF
    look.show(View.GRID)
    assert len(viewer.layers) == 10


def test_a_hidden_layer_stays_in_its_cell(look, shown, viewer, check):
    look.open(check)
    shown.cells[1].extra.visible = False
    assert viewer.canvas.grid.actual_shape(viewer.layers) == (1, 3)
    look.show(View.OFF)
    assert len(viewer.layers) == 12


def test_another_study_ends_it_and_shared_scans_get_their_colours_back(look, viewer, session, study, check):
    look.open(check)
    session.open(Study("P02", study.scans[:2]))
    assert look.check is None
    assert look.view is View.OFF
    assert len(viewer.layers) == 8
    assert viewer.canvas.grid.stride == 4
    assert viewer.layers[4].colormap.name == "gray"


def test_layers_of_others_stay_last(look, viewer, check):
    viewer.add_points(np.zeros((1, 3)), name="somebody else's")
    look.open(check)
    assert viewer.layers[-1].name == "somebody else's"
    look.show(View.OFF)
    assert viewer.layers[-1].name == "somebody else's"


def test_doubts_are_told_of_the_pairs_that_lesions_were_carried_over(session, study):
    session.open(study)
    pairs = [
        PairRecord("T0", "T1", "any", "", "The scans hardly fit."),
        PairRecord("T0", "T2", "any", "", ""),
        PairRecord("T1", "T2", "any", "", "Not of this lesion."),
    ]
    keys = [(1, "T1"), (1, "T2")]
    assert doubts_of(session, keys, pairs[1:]) == ""
    assert doubts_of(session, [], pairs) == ""
    assert doubts_of(session, [(1, "T2")], pairs) == ""
    assert doubts_of(session, keys, pairs) == "The alignment of T0 to T1 is doubtful: The scans hardly fit."
