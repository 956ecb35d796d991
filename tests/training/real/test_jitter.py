"""Clicks are off by what registrations are off by."""

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import LesionMask
from napari_longiseg.training.real.jitter import CONVENTIONAL, EMBEDDED, NONE, READER, Jitter

POINT = (-10.0, 30.0, 25.0)


def clicks(jitter, grid, mask=None, count=4000):
    rng = np.random.default_rng(0)
    return np.array([jitter.click(POINT, mask, grid, rng) for _ in range(count)])


def quantiles(jitter, grid, *percent):
    return np.percentile(np.linalg.norm(clicks(jitter, grid) - POINT, axis=1), percent)


def test_none_is_none(grid):
    np.testing.assert_array_equal(clicks(NONE, grid, count=3), [POINT] * 3)


def test_the_embedded_registration(grid):
    lengths = np.linalg.norm(clicks(EMBEDDED, grid) - POINT, axis=1)
    assert lengths.mean() == pytest.approx(0.74, abs=0.05)
    assert np.percentile(lengths, 95) == pytest.approx(1.9, abs=0.2)


def test_conventional_registration_has_a_heavy_tail(grid):
    np.testing.assert_allclose(quantiles(CONVENTIONAL, grid, 25, 50, 95), (1.5, 3.7, 36), rtol=0.15)


def test_all_directions_are_alike(grid):
    shifts = clicks(Jitter(core_mm=1.0, tail_share=0.0), grid) - POINT
    np.testing.assert_allclose(shifts.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(shifts.std(axis=0), 1 / np.sqrt(3), rtol=0.06)


class TestReader:
    def test_clicks_lie_all_over_the_lesion(self, grid, make_ball):
        ball = make_ball(grid, POINT, 6.0)
        found = clicks(READER, grid, LesionMask.of(ball), 1000)
        distance = np.linalg.norm(found - POINT, axis=1)
        assert 0.4 < (distance < 2).mean() < 0.65
        assert 0.25 < ((distance > 3) & (distance < 8)).mean() < 0.5
        assert distance.max() < 9

    def test_where_there_is_no_lesion_they_lie_at_its_place(self, grid):
        assert np.linalg.norm(clicks(READER, grid) - POINT, axis=1).max() < 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"core_mm": -1.0}, "must not be negative: -1.0 mm"),
        ({"tail_mm": -2.0}, "must not be negative: .*-2.0 mm"),
        ({"tail_share": 1.5}, "must be 0 to 1, not 1.5"),
        ({"anywhere": -0.1}, "must be 0 to 1, not .*-0.1"),
    ],
)
def test_what_cannot_be(wrong, message):
    with pytest.raises(InputError, match=message):
        Jitter(**wrong)
