from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_longiseg.core.distance import depth_inside, distance_outside

SPACING = (3.0, 0.8, 1.1)


@pytest.fixture(params=["amid", "at the edge", "in two pieces", "almost all"])
def mask(request):
    mask = np.zeros((14, 20, 22), bool)
    if request.param == "almost all":
        mask[:] = True
        mask[3, 4, 5] = False
    else:
        mask[5:9, 8:13, 7:15] = True
        mask[6, 10, 9] = False
    if request.param == "at the edge":
        mask[:, :7, 18:] = True
    if request.param == "in two pieces":
        mask[12, 17:19, 3] = True
    return mask


def test_the_depth_is_that_of_the_whole_array(mask):
    padded = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=SPACING)[1:-1, 1:-1, 1:-1]
    np.testing.assert_array_equal(depth_inside(mask, SPACING), padded)
    whole = ndimage.distance_transform_edt(mask, sampling=SPACING)
    np.testing.assert_array_equal(depth_inside(mask, SPACING, edged=False), whole)


@pytest.mark.parametrize("reach", [1.0, 4.4])
def test_the_distance_is_that_of_the_whole_array_as_far_as_it_reaches(mask, reach):
    whole = ndimage.distance_transform_edt(~mask, sampling=SPACING)
    expected = np.where(whole <= reach, whole, np.inf)
    np.testing.assert_array_equal(distance_outside(mask, reach, SPACING), expected)


def test_nothing_is_near_an_empty_mask():
    empty = np.zeros((3, 4, 5), bool)
    assert not depth_inside(empty).any()
    assert np.isinf(distance_outside(empty, 2.0)).all()
