"""Where the VOIs of networks lie."""

import numpy as np
import pytest

from napari_longiseg.models.inputs import PUBLISHED, Inputs, Window
from napari_longiseg.models.voi import voi_grid

WINDOWS = (Window(low_hu=-1000, high_hu=400),)
POINT = (-10.3, 30.2, 25.1)


@pytest.mark.parametrize("size", [(8, 10, 12), (9, 11, 13)])
def test_isotropic_voxels_have_the_point_in_the_middle(grid, size):
    voi = voi_grid(grid, POINT, Inputs(size=size, windows=WINDOWS), 1.5)
    assert voi.shape == size
    assert voi.spacing_mm == (1.5, 1.5, 1.5)
    np.testing.assert_allclose(np.mean(voi.bounds_mm(), axis=0), POINT)


@pytest.mark.parametrize(("size", "middle"), [((9, 11, 13), (4, 5, 6)), ((8, 10, 12), (4, 5, 6))])
def test_the_scan_s_own_voxels_are_kept(grid, size, middle):
    voi = voi_grid(grid, POINT, Inputs(size=size, windows=WINDOWS), None)
    assert voi.spacing_mm == grid.spacing_mm
    assert voi.nearest_voxel(POINT) == middle
    index = grid.to_index(voi.origin_mm)
    np.testing.assert_allclose(index, np.rint(index), atol=1e-9)


def test_the_published_vois_are_boxes_of_voxels(grid):
    assert voi_grid(grid, POINT, PUBLISHED, None).shape == (64, 128, 128)
