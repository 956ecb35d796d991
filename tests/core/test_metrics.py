import numpy as np
import pytest

from napari_longiseg.core.metrics import centre_distance_mm, dice


def test_dice():
    a, b = np.zeros((3, 3, 3), bool), np.zeros((3, 3, 3), bool)
    assert dice(a, b) is None
    a[0] = True
    assert dice(a, b) == 0
    b[0, :2] = True
    assert dice(a, b) == pytest.approx(2 * 6 / 15)


def test_centre_distance(grid, make_ball):
    a, b = make_ball(grid, (-10, 30, 20), 6), make_ball(grid, (-10, 30, 26), 6)
    assert centre_distance_mm(a, b, grid) == pytest.approx(6, abs=0.05)
    assert centre_distance_mm(a, np.zeros_like(a), grid) is None
