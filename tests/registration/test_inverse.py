from __future__ import annotations

import numpy as np
import pytest

from napari_longiseg.core.errors import RegistrationError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.registration.identity import IdentityMap
from napari_longiseg.registration.inverse import inverted
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.transforms import Affine

GRID = Grid((40, 60, 60), (5.0, 4.0, 4.0), (-100.0, -120.0, -120.0))
POINTS = np.random.default_rng(0).uniform(-90.0, 90.0, (200, 3))


def breathed(points_mm):
    """A smooth movement of up to 20 mm on a table that stands half a metre away, turned a little."""
    points = np.asarray(points_mm, dtype=float)
    bend = np.stack(
        [20 * np.sin(points[:, 1] / 60), 8 * np.cos(points[:, 2] / 50), 6 * np.sin(points[:, 0] / 70)]
    )
    turn = np.array([[0.98, 0.1, 0.0], [-0.1, 1.01, 0.05], [0.0, -0.05, 0.99]])
    return (points + bend.T) @ turn.T + np.array([500.0, -30.0, 12.0])


def flat(points_mm):
    return np.asarray(points_mm) * (0.0, 1.0, 1.0)


def nowhere(points_mm):
    return np.full(np.shape(points_mm), np.nan)


def test_a_smooth_map_goes_there_and_back():
    back = inverted(breathed, GRID)
    away = np.linalg.norm(back(breathed(POINTS)) - POINTS, axis=1)
    assert away.max() < 0.1
    assert np.median(away) < 0.002


def test_back_and_there_meet_on_the_other_scan_too():
    back = inverted(breathed, GRID)
    there = breathed(POINTS)
    assert np.abs(breathed(back(there)) - there).max() < 0.1


def test_a_map_that_knows_its_way_back_is_taken_at_its_word():
    step = Affine.shift((3.0, -200.0, 5.0))
    assert np.allclose(inverted(TransformMap(step, None), GRID)(step(POINTS)), POINTS)
    assert np.allclose(inverted(IdentityMap(), GRID)(POINTS), POINTS)


@pytest.mark.parametrize("bad", [flat, nowhere])
def test_a_map_without_a_way_back_is_refused(bad):
    with pytest.raises(RegistrationError, match="choose another one"):
        inverted(bad, GRID)
