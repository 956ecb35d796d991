from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_longiseg._napari.mouse.brush import BRUSH_MM, Brush
from napari_longiseg._napari.mouse.stroke import repainted
from napari_longiseg.core.geometry import Box
from napari_longiseg.core.labels import labels_within

NEAR = (0.0, 0.0, 0.0)
MIDDLE = (12, 30, 32)
"""The voxel of T0 at NEAR."""


@pytest.fixture
def heard() -> list[tuple]:
    """The strokes that the brush has told of."""
    return []


@pytest.fixture
def brush(shown, viewer, session, deferred, heard):
    """A brush over the phantom study, on the slice through NEAR."""
    brush = Brush(viewer, session, shown, deferred.append)
    brush.painted.connect(lambda *told: heard.append(told))
    viewer.dims.set_point(0, 0.0)
    yield brush
    brush.close()


@pytest.fixture
def settle(deferred):
    """Let happen what was put off until napari is done."""

    def settle() -> None:
        while deferred:
            deferred.pop(0)()

    return settle


@pytest.fixture
def stroke(shown, settle):
    """Drag the brush of the first scan over some voxels."""

    def stroke(*voxels, label=None) -> None:
        labels = shown.cells[0].labels
        with labels.block_history():
            for voxel in voxels:
                labels.paint(voxel, labels.selected_label if label is None else label)
        settle()

    return stroke


def test_a_stroke_is_told_once_with_the_whole_outline(
    brush, stroke, shown, session, study, make_finding, heard
):
    before = make_finding(study, 1, "T0", NEAR).mask
    session.set_known(make_finding(study, 1, "T0", NEAR))
    session.select(1)
    stroke((12, 30, 36), (12, 30, 40))
    [(scan, outlines)] = heard
    assert (scan, set(outlines)) == ("T0", {1})
    shape = study.scans[0].grid.shape
    after = outlines[1].on(shape)
    assert after[before.on(shape)].all()
    assert after[12, 30, 40]
    assert not (after & ~before.on(shape))[np.arange(shape[0]) != 12].any()


def test_a_stroke_that_nobody_takes_up_is_gone(brush, stroke, shown):
    stroke((12, 30, 36))
    assert not shown.cells[0].labels.data.any()


def test_the_eraser_takes_away(brush, stroke, session, study, make_finding, heard):
    session.set_known(make_finding(study, 1, "T0", NEAR, half=1))
    stroke(MIDDLE, label=0)
    [(_, outlines)] = heard
    assert not outlines[1].on(study.scans[0].grid.shape)[12].any()
    assert outlines[1].voxels.sum() == 18, "the slices beside are still there"


def test_painting_over_another_lesion_changes_both(brush, stroke, session, study, make_finding, heard):
    session.set_known(make_finding(study, 2, "T0", NEAR))
    session.select(1)
    stroke(MIDDLE)
    [(_, outlines)] = heard
    shape = study.scans[0].grid.shape
    assert set(outlines) == {1, 2}
    assert not (outlines[1].on(shape) & outlines[2].on(shape)).any()


def test_with_nothing_selected_the_brush_starts_a_lesion(brush, stroke, shown, session, heard):
    assert shown.cells[0].labels.selected_label == 3
    stroke(MIDDLE)
    assert set(heard[0][1]) == {3}


def test_a_label_of_no_lesion_is_the_selected_one(brush, stroke, session, viewer, heard):
    session.select(2)
    viewer.dims.set_point(0, 0.0)
    stroke(MIDDLE, label=77)
    assert set(heard[0][1]) == {2}


def test_the_brush_paints_the_selected_lesion(brush, shown, session, study):
    session.select(2)
    assert [cell.labels.selected_label for cell in shown.cells] == [2, 2, 2]
    session.remove_lesion(2)
    assert [cell.labels.selected_label for cell in shown.cells] == [2, 2, 2], "the next free one"
    for cell, scan in zip(shown.cells, study.scans, strict=True):
        assert cell.labels.brush_size * scan.grid.spacing_mm[2] == pytest.approx(BRUSH_MM, abs=1)
        assert not cell.labels.preserve_labels


def test_painting_by_a_script_is_a_stroke_too(brush, settle, shown, heard):
    """napari tells of it before it has painted."""
    shown.cells[0].labels.data_setitem((np.array([12]), np.array([30]), np.array([32])), 1)
    settle()
    assert heard[0][1][1].voxels.sum() == 1


def test_a_ball_is_painted_through_the_slices(brush, stroke, shown, heard):
    shown.cells[0].labels.n_edit_dimensions = 3
    stroke(MIDDLE)
    assert heard[0][1][3].box.shape[0] == 3


def test_other_views_are_painted_in(brush, stroke, shown, viewer, heard):
    viewer.dims.order = (2, 0, 1)
    viewer.dims.set_point(2, 0.0)
    stroke(MIDDLE)
    assert heard[0][1][3].box.start[2] == 32
    assert heard[0][1][3].box.shape[2] == 1


def test_what_the_session_draws_is_no_stroke(brush, settle, session, study, make_finding, heard):
    session.set_known(make_finding(study, 1, "T0", NEAR))
    session.select(1)
    settle()
    assert heard == []


def test_the_brush_goes_along_with_the_mouse(brush, shown, viewer):
    first, second, _ = (cell.labels for cell in shown.cells)
    viewer.layers.selection.active = first
    first.mode, first.brush_size = "paint", 14
    viewer.cursor.viewbox = (0, 1)
    for callback in viewer.mouse_move_callbacks:
        callback(viewer, SimpleNamespace(type="mouse_move"))
    assert viewer.layers.selection.active is second
    assert (first.mode, second.mode, second.brush_size) == ("pan_zoom", "paint", 10)
    assert not viewer.scene.camera.mouse_pan


def test_undo_on_a_label_layer_is_the_sessions(brush, shown):
    told = []
    brush.undo_requested.connect(lambda: told.append("undo"))
    brush.redo_requested.connect(lambda: told.append("redo"))
    for call in shown.cells[0].labels.keymap.values():
        call(shown.cells[0].labels)
    assert told == ["undo", "redo"]


def test_a_closed_brush_leaves_the_label_layers_to_napari(shown, viewer, session, deferred):
    brush = Brush(viewer, session, shown, deferred.append)
    brush.close()
    assert not shown.cells[0].labels.keymap
    shown.cells[0].labels.paint(MIDDLE, 1)
    assert deferred == []
    assert viewer.mouse_move_callbacks == []


def test_labels_that_were_removed_can_be_painted_again(brush, stroke, settle, shown, viewer, heard):
    viewer.layers.remove(shown.cells[0].labels)
    settle()
    stroke(MIDDLE)
    assert len(heard) == 1


def test_erasing_where_two_outlines_overlap_erases_both(study, make_finding):
    scan = study.scans[0]
    pair = [make_finding(study, 1, "T0", NEAR), make_finding(study, 2, "T0", (0.0, 2.0, 0.0))]
    box = Box((12, 31, 32), (13, 32, 33))
    assert labels_within(pair, scan.grid, box).all()
    outlines = repainted(np.zeros((1, 1, 1), np.uint16), box, scan, pair, [1, 2], 1)
    for finding in pair:
        assert finding.mask.voxels.sum() - outlines[finding.lesion].voxels.sum() == 1


def test_a_lesion_may_be_erased_wholly(study, make_finding):
    scan = study.scans[0]
    finding = make_finding(study, 1, "T0", NEAR, half=1)
    box = finding.mask.box.grown(1)
    outlines = repainted(np.zeros(box.shape, np.uint16), box, scan, [finding], [1], None)
    assert outlines[1].is_empty


def test_no_change_is_no_stroke(study, make_finding):
    scan, finding = study.scans[0], make_finding(study, 1, "T0", NEAR)
    box = finding.mask.box.grown(2)
    same = labels_within([finding], scan.grid, box)
    assert repainted(same, box, scan, [finding], [1], 1) == {}
