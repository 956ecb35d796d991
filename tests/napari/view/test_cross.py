"""The lines of a cross-hair."""

from __future__ import annotations

import numpy as np
import pytest

from napari_longiseg._napari.view.cross import (
    ARM_PIXELS,
    ARMS,
    COLOURS,
    GAP_MM,
    GAP_PIXELS,
    LINE_PIXELS,
    cross,
    line_width,
)

SPACING = (5.0, 0.8, 0.8)
INDEX = (7.0, 100.0, 90.0)


def light(lines):
    return lines[ARMS:]


@pytest.mark.parametrize(("displayed", "across"), [((1, 2), 0), ((0, 2), 1)])
@pytest.mark.parametrize("zoom", [0.5, 4.0])
def test_all_arms_leave_the_middle_open_and_lie_on_the_slice(displayed, across, zoom):
    lines = light(cross(INDEX, SPACING, displayed, zoom))
    away = np.linalg.norm((lines[:, 0] - INDEX) * SPACING, axis=1)
    np.testing.assert_allclose(away, max(GAP_PIXELS / zoom, GAP_MM))
    np.testing.assert_allclose(np.linalg.norm(lines[:, 1] * SPACING, axis=1), ARM_PIXELS / zoom)
    assert (lines[:, 0, across] == INDEX[across]).all()
    assert (lines[:, 1, across] == 0).all()
    directions = {tuple(np.sign(arm)) for arm in lines[:, 1]}
    assert len(directions) == 4


def test_arms_point_away_from_the_middle():
    lines = light(cross(INDEX, SPACING, (1, 2), 1.0))
    assert ((lines[:, 0] - INDEX) * lines[:, 1] >= 0).all()


def test_each_arm_has_a_dark_line_beside_it():
    lines = cross(INDEX, SPACING, (0, 1, 2), 2.0)
    beside = np.linalg.norm((lines[:ARMS, 0] - lines[ARMS:, 0]) * SPACING, axis=1)
    np.testing.assert_allclose(beside, LINE_PIXELS / 2.0)
    assert COLOURS[:ARMS, :3].max() == 0
    assert len(COLOURS) == len(lines)


def test_lines_keep_their_width_on_the_screen():
    assert line_width(SPACING, 2.0) * SPACING[2] * 2.0 == pytest.approx(LINE_PIXELS)
