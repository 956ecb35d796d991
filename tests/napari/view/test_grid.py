"""Rows and columns of the grid: pure functions, and what a viewer makes of them."""

from __future__ import annotations

import pytest

from napari_longiseg._napari.view.grid import grid_shape

AXIAL = (240.0, 320.0)
"""Height and width of a slice in mm."""
TALL, WIDE, SQUARE = (730.0, 475.0), (900.0, 1700.0), (1000.0, 1000.0)
"""Height and width of a canvas in pixels."""


@pytest.mark.parametrize(
    ("scans", "canvas", "shape"),
    [
        (1, TALL, (1, 1)),
        (2, TALL, (2, 1)),
        (3, TALL, (3, 1)),
        (4, TALL, (4, 1)),
        (6, TALL, (3, 2)),
        (2, WIDE, (1, 2)),
        (3, WIDE, (1, 3)),
        (4, WIDE, (2, 2)),
        (6, WIDE, (2, 3)),
        (4, SQUARE, (2, 2)),
    ],
)
def test_scans_are_drawn_as_large_as_can_be(scans, canvas, shape):
    assert grid_shape(scans, canvas, AXIAL) == shape


def test_a_little_more_is_not_worth_an_empty_cell():
    assert grid_shape(3, WIDE, AXIAL) == (1, 3)  # 1.77 pixels per mm; 1.87 in two rows
    assert grid_shape(3, SQUARE, AXIAL) == (2, 2)  # 1.56; 1.04 one beside the other, or one below


def test_what_is_only_a_little_worse_is_kept():
    for now in ((1, 2), (2, 1)):
        assert grid_shape(2, SQUARE, (100.0, 105.0), now) == now
    assert grid_shape(2, TALL, AXIAL, (1, 2)) == (2, 1)


def test_a_shape_that_does_not_hold_the_scans_is_not_kept():
    assert grid_shape(3, WIDE, AXIAL, (1, 2)) == (1, 3)
    assert grid_shape(3, WIDE, AXIAL, (-1, -1)) == (1, 3)
