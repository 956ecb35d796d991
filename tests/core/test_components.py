import numpy as np
import pytest

from napari_longiseg.core.components import deepest_point, nearest_component
from napari_longiseg.core.geometry import Grid, distance_mm


class TestNearestComponent:
    def test_nearest_in_mm_not_in_voxels(self):
        # one voxel away through-plane is 5 mm, three voxels away in-plane only 3 mm
        grid = Grid((5, 9, 9), (5.0, 1.0, 1.0))
        mask = np.zeros(grid.shape, bool)
        mask[3, 4, 4] = mask[2, 4, 7] = True
        component, distance = nearest_component(mask, grid, (10.0, 4.0, 4.0))
        assert component[2, 4, 7]
        assert component.sum() == 1
        assert distance == pytest.approx(3.0)

    def test_point_inside(self, grid, make_ball):
        a, b = make_ball(grid, (-5, 30, 20), 6), make_ball(grid, (-5, 30, 45), 4)
        component, distance = nearest_component(a | b, grid, (-5, 30, 45))
        np.testing.assert_array_equal(component, b)
        assert distance == 0

    def test_diagonal_neighbours_are_one(self):
        grid = Grid((3, 3, 3), (1, 1, 1))
        mask = np.eye(3, dtype=bool)[:, :, None] & np.eye(3, dtype=bool)[:, None, :]
        assert nearest_component(mask, grid, (0, 0, 0))[0].sum() == mask.sum()

    def test_more_than_255_components(self):
        grid = Grid((3, 61, 61), (1, 1, 1))
        mask = np.zeros(grid.shape, bool)
        mask[1, ::2, ::2] = True
        component, _ = nearest_component(mask, grid, (1, 60, 60))
        np.testing.assert_array_equal(np.argwhere(component), [[1, 60, 60]])

    def test_empty(self, grid):
        component, distance = nearest_component(np.zeros(grid.shape, bool), grid, (0, 0, 0))
        assert not component.any()
        assert distance == np.inf


class TestDeepestPoint:
    def test_ball(self, grid, make_ball):
        centre = (-5.0, 30.0, 25.5)
        assert distance_mm(deepest_point(make_ball(grid, centre, 8), grid), centre) < 1.3

    def test_flat_block_gives_its_middle(self):
        grid = Grid((3, 9, 9), (1, 1, 1))
        mask = np.zeros(grid.shape, bool)
        mask[1, 2:7, 3:6] = True
        assert deepest_point(mask, grid) == (1, 4, 4)

    def test_depth_is_in_mm(self):
        # a slab that is 4 slices of 5 mm thick and 5 mm wide: the widest in-plane end wins over slices
        grid = Grid((6, 12, 12), (5.0, 1.0, 1.0))
        mask = np.zeros(grid.shape, bool)
        mask[1:5, 1:4, 1:4] = True
        mask[2, 4:11, 1:8] = True
        assert deepest_point(mask, grid)[1] > 4

    def test_always_inside(self):
        grid = Grid((1, 21, 21), (1, 1, 1))
        ring = np.zeros(grid.shape, bool)
        ring[0, 2:19, 2:19] = True
        ring[0, 6:15, 6:15] = False
        assert ring[grid.nearest_voxel(deepest_point(ring, grid))]
