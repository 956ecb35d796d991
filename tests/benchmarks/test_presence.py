"""The fit of the rule for what is gone."""

import numpy as np
import pytest

import inserted
from inserted import Background, cases
from napari_longiseg.core.geometry import Grid
from napari_longiseg.segmentation._network.presence import Signs
from presence import Seen, decided, fitted

GRID = Grid((50, 60, 60), (2.5, 2.5, 2.5), (-60.0, -75.0, -75.0))


@pytest.fixture
def pairs(monkeypatch):
    """By their growths, of equal seeds, in soft tissue."""
    monkeypatch.setattr(inserted, "KINDS", {"soft": ((0, 100), (60, 90), True)})
    image = 40 + np.random.default_rng(0).normal(0, 8, GRID.shape)
    usable = np.zeros(GRID.shape, dtype=bool)
    usable[20:30, 25:35, 25:35] = True
    back = Background("block", image.astype(np.float32), GRID, usable)
    return lambda *growths, count=3: list(cases([back], count, 5, growths))


def test_equal_seeds_give_equal_sources_whatever_becomes_of_them(pairs):
    for (source, later), (same, gone) in zip(pairs(1.0), pairs(0.0), strict=True):
        np.testing.assert_array_equal(source.scan.image, same.scan.image)
        assert source.click == same.click
        assert later.scan.grid == gone.scan.grid
        assert later.truth.any()
        assert not gone.truth.any()


def test_more_cases_begin_with_the_same_ones(pairs):
    (first, _), *_ = pairs(1.0)
    ((alone, _),) = pairs(1.0, count=1)
    np.testing.assert_array_equal(first.scan.image, alone.scan.image)


def test_the_fit_finds_the_rule_that_made_the_cases():
    rng = np.random.default_rng(3)
    sure, change = rng.uniform(0.5, 1, 4000), rng.uniform(0, 1.2, 4000)
    odds = 40 * (0.7 + 0.2 * change - sure)
    is_gone = rng.random(4000) < 1 / (1 + np.exp(-odds))
    constant, of_change, of_sure = fitted(sure, change, is_gone.astype(float))
    assert constant / -of_sure == pytest.approx(0.7, abs=0.02)
    assert of_change / -of_sure == pytest.approx(0.2, abs=0.02)


def test_what_is_not_outlined_is_gone_too():
    there, left = Signs(0.95, 5.0, 50.0, 1.0, 1.0), Signs(0.75, 50.0, 50.0, 1.0, 1.0)
    rows = [Seen(True, None), Seen(True, left), Seen(True, there), Seen(False, there), Seen(False, None)]
    line = decided("now", rows, 0.7, 0.2)
    assert "gone 2/3" in line
    assert "falsely gone 1/2" in line
