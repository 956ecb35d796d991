"""Outlines filled, as lines, and hidden."""

from __future__ import annotations

import pytest

from napari_longiseg._napari.layers.scans import LABEL_OPACITY
from napari_longiseg._napari.view.outlines import LINES_OPACITY, SOLID, Outlines, after, drawn


@pytest.fixture
def looks(shown):
    return lambda: {(cell.labels.contour, cell.labels.opacity) for cell in shown.cells}


def test_one_key_goes_through_all_on_every_scan(shown, looks):
    assert looks() == {(0, LABEL_OPACITY)}
    shown.next_outlines()
    assert looks() == {(1, LINES_OPACITY)}
    shown.next_outlines()
    assert {opacity for _, opacity in looks()} == {0.0}
    shown.next_outlines()
    assert looks() == {(0, LABEL_OPACITY)}


def test_a_layer_changed_by_hand_does_not_part_the_scans(shown, looks):
    shown.cells[0].labels.opacity = 0.0
    shown.next_outlines()
    assert looks() == {(1, LINES_OPACITY)}


@pytest.mark.filterwarnings("ignore:Contours are not displayed during 3D")  # napari says so once
def test_lines_are_filled_in_3d_and_come_back(shown, viewer, looks):
    shown.next_outlines()
    viewer.dims.ndisplay = 3
    assert looks() == {(0, SOLID)}
    viewer.dims.ndisplay = 2
    assert looks() == {(1, LINES_OPACITY)}


def test_there_are_no_lines_in_3d():
    assert after(Outlines.FILLED, in_3d=True) is Outlines.HIDDEN
    assert after(Outlines.LINES, in_3d=True) is Outlines.HIDDEN
    assert after(Outlines.HIDDEN, in_3d=True) is Outlines.FILLED


def test_without_scans_nothing_is_drawn():
    assert drawn(()) is Outlines.HIDDEN
