import numpy as np
import pytest

from napari_longiseg.core.errors import GeometryError
from napari_longiseg.core.geometry import Box, Grid


class TestGrid:
    def test_index_and_mm_are_inverse(self, grid):
        points = np.random.default_rng(0).uniform(-50, 50, (20, 3))
        np.testing.assert_allclose(grid.to_mm(grid.to_index(points)), points, atol=1e-9)

    def test_origin_is_the_centre_of_the_first_voxel(self, grid):
        np.testing.assert_allclose(grid.to_mm((0, 0, 0)), grid.origin_mm)
        np.testing.assert_allclose(grid.to_mm((1, 0, 0))[0] - grid.origin_mm[0], 2.5)

    def test_direction_columns_are_array_axes(self):
        # array axis 0 runs to the left (x), axis 2 down to the feet (-z)
        swapped = Grid((4, 5, 6), (1, 2, 3), (0, 0, 0), ((0, 0, -1), (0, 1, 0), (1, 0, 0)))
        np.testing.assert_allclose(swapped.to_mm((1, 0, 0)), (0, 0, 1))
        np.testing.assert_allclose(swapped.to_mm((0, 0, 1)), (-3, 0, 0))
        assert not swapped.is_lps

    def test_equal_grids_look_the_same(self):
        whole = Grid((2, 3, 4), (1, 2, 3), (-1, 0, 5))
        arrays = Grid(np.array([2, 3, 4]), np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.0, 5.0]))
        assert whole == arrays
        assert repr(whole) == repr(arrays)

    def test_contains_takes_voxels_as_boxes(self, grid):
        corner = np.asarray(grid.origin_mm) - np.asarray(grid.spacing_mm) * 0.49
        assert grid.contains(corner)
        assert not grid.contains(corner - 0.1 * np.asarray(grid.spacing_mm))
        np.testing.assert_array_equal(grid.contains([grid.origin_mm, (999, 0, 0)]), [True, False])

    def test_crop_keeps_positions(self, grid):
        box = Box((2, 3, 4), (8, 9, 10))
        np.testing.assert_allclose(grid.crop(box).to_mm((1, 1, 1)), grid.to_mm((3, 4, 5)))

    def test_a_box_between_corners_holds_the_centres_between_them(self, grid):
        low, high = grid.to_mm((2, 3, 4)), grid.to_mm((5, 6, 7))
        assert grid.box_between(tuple(low), tuple(high)) == Box((2, 3, 4), (6, 7, 8))
        assert grid.box_between(tuple(low + 0.1), tuple(high - 0.1)) == Box((3, 4, 5), (5, 6, 7))

    def test_overlap(self, grid):
        assert grid.overlap_mm(grid) == pytest.approx(grid.size_mm)
        far = Grid(grid.shape, grid.spacing_mm, (1000.0, 12.0, 5.5))
        assert far.overlap_mm(grid)[0] == 0

    def test_the_middle_is_halfway_between_the_edges(self, grid):
        np.testing.assert_allclose(grid.middle_mm, np.mean(grid.bounds_mm(), axis=0))

    def test_nearest_voxel_is_clipped(self, grid):
        assert grid.nearest_voxel((-999, 12.0, 5.5)) == (0, 0, 0)

    @pytest.mark.parametrize("spacing", [(0, 1, 1), (1, -1, 1), (1, 1, np.nan)])
    def test_bad_spacing(self, spacing):
        with pytest.raises(GeometryError, match="spacing must be positive"):
            Grid((2, 2, 2), spacing)

    def test_bad_shape(self):
        with pytest.raises(GeometryError, match="three axes"):
            Grid((2, 0, 2), (1, 1, 1))


class TestBox:
    def test_of_mask_is_tight(self):
        mask = np.zeros((5, 6, 7), bool)
        mask[1, 2, 3] = mask[3, 2, 5] = True
        assert Box.of_mask(mask) == Box((1, 2, 3), (4, 3, 6))
        assert Box.of_mask(np.zeros((2, 2, 2), bool)).is_empty

    def test_around_has_the_shape_and_the_centre(self):
        box = Box.around((10.4, 5, 5), (5, 4, 3))
        assert box.shape == (5, 4, 3)
        assert box.start == (8, 3, 4)

    def test_intersection_of_strangers_is_empty(self):
        assert Box((0, 0, 0), (2, 2, 2)).intersection(Box((5, 5, 5), (6, 6, 6))).is_empty

    def test_union_and_relative(self):
        a, b = Box((1, 1, 1), (2, 2, 2)), Box((4, 0, 1), (5, 3, 2))
        assert a.union(b) == Box((1, 0, 1), (5, 3, 2))
        assert b.relative_to(a.union(b)).start == (3, 0, 0)
