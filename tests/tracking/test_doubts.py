"""Outlines that should be looked at twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_longiseg.core.geometry import Box, Grid
from napari_longiseg.core.lesion import Finding, LesionMask, Origin, Presence
from napari_longiseg.core.scan import Scan
from napari_longiseg.tracking.doubts import border_share, doubt_of, jump_of, sphericity
from napari_longiseg.tracking.findings import with_mask

GRID = Grid((40, 40, 40), (1.5, 1.0, 1.0), (0.0, 0.0, 0.0))
MIDDLE = (30.0, 20.0, 20.0)


@pytest.fixture
def scan(make_scan) -> Scan:
    """Soft tissue with one bright ball."""
    return make_scan("T0", GRID, [(MIDDLE, 8)])


@pytest.fixture
def ball(make_ball) -> LesionMask:
    return LesionMask.of(make_ball(GRID, MIDDLE, 8))


def test_a_ball_that_stands_out_is_beyond_doubt(scan, ball):
    assert doubt_of(ball, scan) == ""
    assert sphericity(ball.voxels, ball.grid(GRID)) == pytest.approx(1.0, abs=0.06)
    assert border_share(ball, scan) == 1.0


def test_a_ball_that_lies_beside_the_bright_one_does_not_stand_out(scan, make_ball):
    tissue = LesionMask.of(make_ball(GRID, (12.0, 10.0, 10.0), 5))
    assert border_share(tissue, scan) < 0.1
    assert doubt_of(tissue, scan) == "What lies around the outline looks much like what is inside: check it."


def test_an_outline_that_has_leaked_is_ragged(scan, ball):
    leak = np.zeros(GRID.shape, dtype=bool)
    leak[10:30, 18:22, 2:38] = True
    leak[18:22, 2:38, 18:22] = True
    leaked = ball.union(LesionMask.of(leak))
    assert sphericity(leaked.voxels, leaked.grid(GRID)) < 0.7
    assert doubt_of(leaked, scan) == "The outline is ragged and may run into its surroundings: check it."


def test_small_ones_in_thick_slices_are_not_ragged(make_ball):
    grid = Grid((10, 40, 40), (5.0, 0.7, 0.7), (0.0, 0.0, 0.0))
    assert sphericity(make_ball(grid, (25.0, 14.0, 14.0), 4), grid) > 0.9


def test_what_fills_the_scan_has_nothing_around_it(scan):
    whole = Box((0, 0, 0), GRID.shape)
    assert border_share(LesionMask(whole, np.ones(GRID.shape, dtype=bool)), scan) == 1.0


def test_a_jump_in_size(scan, make_ball):
    draft = Finding(1, "T0", Presence.PRESENT, Origin.PROPAGATED, "T0")
    small, same, large = (
        with_mask(draft, LesionMask.of(make_ball(GRID, MIDDLE, r)), scan) for r in (3, 6, 12.5)
    )
    assert jump_of(same, same) == ""
    assert jump_of(large, same) == "Its volume is 9.4 times that on T0: check it."
    assert jump_of(small, same) == "Its volume is 0.12 times that on T0: check it."
    assert jump_of(replace(same, measurements=None), same) == ""


def test_only_what_nobody_has_reviewed_is_doubtful(scan, ball):
    draft = Finding(1, "T0", Presence.PRESENT, Origin.PROPAGATED, "T0", confidence=0.9)
    sure = with_mask(draft, ball, scan)
    assert not sure.is_doubtful
    assert replace(sure, confidence=0.4).is_doubtful
    doubted = replace(sure, reason="Look twice.")
    assert doubted.is_doubtful
    assert not replace(doubted, review="accepted").is_doubtful
    assert not replace(doubted, mask=None).is_doubtful
