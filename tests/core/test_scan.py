import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Box, Grid
from napari_longiseg.core.scan import AIR_HU, Scan, Study


def test_key_depends_on_content_not_on_the_name(grid):
    image = np.zeros(grid.shape, np.int16)
    assert Scan("a", image, grid).key == Scan("b", image.copy(), grid).key
    assert Scan("a", image + 1, grid).key != Scan("a", image, grid).key
    moved = Grid(grid.shape, grid.spacing_mm, (0, 0, 0))
    assert Scan("a", image, moved).key != Scan("a", image, grid).key


def test_crop_pads_with_air(grid):
    scan = Scan("a", np.zeros(grid.shape, np.int16), grid)
    voi = scan.crop(Box((-1, 0, 0), (2, 2, 2)))
    assert voi.dtype == np.float32
    assert (voi[0] == AIR_HU).all()
    assert (voi[1:] == 0).all()


def test_statistics(grid):
    image = np.random.default_rng(0).normal(50, 20, grid.shape).astype(np.float32)
    statistics = Scan("a", image, grid).statistics
    assert statistics.mean == pytest.approx(50, abs=4)
    assert statistics.std == pytest.approx(20, abs=3)
    assert statistics.low < 20 < 80 < statistics.high


def test_refusals(grid):
    image = np.zeros(grid.shape, np.int16)
    with pytest.raises(InputError, match="has shape"):
        Scan("a", image[1:], grid)
    flipped = Grid(grid.shape, grid.spacing_mm, grid.origin_mm, ((-1, 0, 0), (0, 1, 0), (0, 0, 1)))
    with pytest.raises(InputError, match="not on an LPS grid"):
        Scan("a", image, flipped)
    with pytest.raises(InputError, match="no scan"):
        Study("P", ())
    with pytest.raises(InputError, match="more than one scan called a"):
        Study("P", (Scan("a", image, grid), Scan("a", image, grid)))
    with pytest.raises(InputError, match="it has a"):
        Study("P", (Scan("a", image, grid),)).scan("b")
