import numpy as np
import pytest

from napari_longiseg.core.geometry import Box, Grid
from napari_longiseg.core.resample import axis_order, crop, resample, resample_labels, resample_smoothly


def ramp(grid: Grid) -> np.ndarray:
    """An image that is linear in patient space, so that linear interpolation is exact."""
    indices = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    return (grid.to_mm(indices) @ np.array([3.0, -2.0, 1.0])).astype(np.float32)


def test_crop_beyond_the_border(grid):
    image = ramp(grid)
    box = Box((-2, 35, 0), (3, 45, 4))
    voi = crop(image, box, fill=-7)
    assert voi.shape == box.shape
    assert (voi[:2] == -7).all()
    np.testing.assert_array_equal(voi[2:, :5], image[:3, 35:, :4])


def test_resample_is_exact_on_a_ramp(grid):
    target = Grid((8, 9, 10), (1.7, 1.1, 1.3), (-20.0, 20.0, 15.0))
    np.testing.assert_allclose(resample(ramp(grid), grid, target, 0.0), ramp(target), atol=1e-3)


def test_resample_of_a_crop_copies(grid):
    box = Box((3, 4, 5), (9, 9, 9))
    np.testing.assert_array_equal(resample(ramp(grid), grid, grid.crop(box), 0.0), ramp(grid)[box.slices])


class TestSmoothly:
    def test_finer_voxels_are_interpolated_alone(self, grid):
        fine = Grid((6, 12, 14), (1.1, 0.9, 0.8), (-21.0, 20.0, 15.0))
        image = ramp(grid)
        np.testing.assert_allclose(
            resample_smoothly(image, grid, fine, 0.0), resample(image, grid, fine, 0.0), atol=1e-4
        )

    def test_noise_falls_where_voxels_get_larger(self, grid):
        noise = np.random.default_rng(0).normal(size=grid.shape)
        coarse = Grid((6, 8, 8), (4.0, 4.0, 4.0), (-15.0, 20.0, 15.0))
        smooth, plain = (how(noise, grid, coarse, 0.0) for how in (resample_smoothly, resample))
        assert smooth.std() < 0.5 * plain.std()

    def test_only_what_is_near_counts(self, grid):
        image = ramp(grid)
        target = Grid((4, 4, 4), (3.0, 3.0, 3.0), (-29.0, 14.0, 8.0))
        changed = image.copy()
        changed[:, 25:] = 1e6
        np.testing.assert_array_equal(
            resample_smoothly(image, grid, target, 0.0), resample_smoothly(changed, grid, target, 0.0)
        )

    def test_whole_numbers_are_not_rounded_on_the_way(self, grid):
        image = np.random.default_rng(0).integers(-5, 5, grid.shape).astype(np.int16)
        coarse = Grid((4, 4, 4), (4.0, 4.0, 4.0), (-15.0, 20.0, 15.0))
        np.testing.assert_array_equal(
            resample_smoothly(image, grid, coarse, 0.0),
            resample_smoothly(image.astype(np.float32), grid, coarse, 0.0),
        )

    def test_beyond_the_image_all_is_filled(self, grid):
        far = Grid((4, 4, 4), (1.0, 1.0, 1.0), (500.0, 0.0, 0.0))
        assert (resample_smoothly(ramp(grid), grid, far, -1024.0) == -1024.0).all()


class TestLabels:
    def test_flip_and_transpose_are_exact(self, grid):
        labels = np.arange(np.prod(grid.shape)).reshape(grid.shape).astype(np.int32)
        # native: axes (x, y, z), y reversed
        last_y = grid.to_mm((0, grid.shape[1] - 1, 0))
        native = Grid(
            grid.shape[::-1], grid.spacing_mm[::-1], tuple(last_y), ((0, 0, 1), (0, -1, 0), (1, 0, 0))
        )
        assert axis_order(grid, native) == ((2, 1, 0), (1,))
        there = resample_labels(labels, grid, native)
        np.testing.assert_array_equal(there, labels.transpose(2, 1, 0)[:, ::-1])
        np.testing.assert_array_equal(resample_labels(there, native, grid), labels)

    def test_nearest_elsewhere(self, grid, make_ball):
        fine = Grid((40, 60, 60), (1.25, 0.8, 0.8), grid.origin_mm)
        mask = make_ball(grid, (-10, 30, 25), 7)
        on_fine = resample_labels(mask, grid, fine)
        assert axis_order(grid, fine) is None
        assert on_fine.dtype == bool
        volume = on_fine.sum() * np.prod(fine.spacing_mm)
        assert volume == pytest.approx(mask.sum() * np.prod(grid.spacing_mm), rel=0.05)

    def test_a_shifted_grid_is_not_the_same(self, grid):
        shifted = Grid(grid.shape, grid.spacing_mm, (-30.0, 12.0, 6.0))
        assert axis_order(grid, shifted) is None

    def test_the_border_is_kept_where_grids_nearly_agree(self, grid):
        """Scans snapped to the patient axes differ from their file by a hair."""
        labels = np.ones(grid.shape, dtype=np.uint8)
        turned = Grid(
            grid.shape, grid.spacing_mm, (-30.01, 11.99, 5.49), ((1, 0, 0), (0, 1, 1e-3), (0, -1e-3, 1))
        )
        assert axis_order(grid, turned) is None
        assert resample_labels(labels, grid, turned).all()


def test_the_first_slice_is_not_lost_to_rounding(grid):
    target = Grid((20, 30, 30), grid.spacing_mm, (-30.0 - 1e-12, 20.3, 10.1))
    np.testing.assert_allclose(resample(ramp(grid), grid, target, -1024.0), ramp(target), atol=1e-3)
