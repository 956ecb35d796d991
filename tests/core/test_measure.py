import numpy as np
import pytest

from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.measure import change_pct, measure


def plane(rows: list[str], grid: Grid) -> np.ndarray:
    mask = np.zeros(grid.shape, bool)
    mask[1, : len(rows), : len(rows[0])] = [[c == "#" for c in row] for row in rows]
    return mask


class TestMeasure:
    def test_volume_and_density(self, grid):
        mask = np.zeros(grid.shape, bool)
        mask[3:7, 5:9, 5:15] = True
        image = np.where(mask, 70, -500).astype(np.int16)
        found = measure(mask, grid, image)
        assert found.volume_ml == pytest.approx(4 * 4 * 10 * 2.5 * 1.25 / 1000)
        assert found.mean_hu == 70

    @pytest.mark.parametrize("diameter", [6.0, 10.0, 20.0, 40.0])
    def test_a_disc_has_its_diameter(self, diameter, make_ball):
        grid = Grid((1, 100, 100), (5.0, 0.5, 0.5))
        found = measure(make_ball(grid, (0, 24.75, 24.75), diameter / 2), grid, np.zeros(grid.shape))
        assert found.long_axis_mm == pytest.approx(diameter, abs=0.7)
        assert found.short_axis_mm == pytest.approx(diameter, abs=0.9)
        assert found.short_axis_mm <= found.long_axis_mm + 1e-9

    def test_a_square_is_no_bounding_box_of_a_disc(self, make_ball):
        grid = Grid((1, 60, 60), (5.0, 1.0, 1.0))
        disc = measure(make_ball(grid, (0, 30, 30), 20), grid, np.zeros(grid.shape))
        assert disc.long_axis_mm < 41  # the bounding box's diagonal is 56 mm

    def test_oblique_ellipse(self):
        grid = Grid((1, 120, 120), (3.0, 0.5, 0.5))
        _, y, x = np.meshgrid(
            *(np.arange(n) * s for n, s in zip(grid.shape, grid.spacing_mm, strict=True)), indexing="ij"
        )
        u, v = (x - 30 + y - 30) / np.sqrt(2), (y - x) / np.sqrt(2)
        found = measure((u / 20) ** 2 + (v / 8) ** 2 <= 1, grid, np.zeros(grid.shape))
        assert found.long_axis_mm == pytest.approx(40, abs=0.7)
        assert found.short_axis_mm == pytest.approx(16, abs=0.7)
        along = np.subtract(*found.long_axis_ends_mm)
        across = np.subtract(*found.short_axis_ends_mm)
        assert abs(along @ across) < 1e-6

    def test_the_axes_lie_in_one_slice(self):
        # tall and thin: the long axis is in-plane, never along z
        grid = Grid((20, 20, 20), (5.0, 1.0, 1.0))
        mask = np.zeros(grid.shape, bool)
        mask[2:18, 9:12, 9:12] = True
        found = measure(mask, grid, np.zeros(grid.shape))
        assert found.long_axis_mm == pytest.approx(2 * np.sqrt(2))
        assert found.long_axis_ends_mm[0][0] == found.long_axis_ends_mm[1][0]

    def test_anisotropic_pixels(self):
        grid = Grid((3, 10, 10), (1.0, 2.0, 1.0))
        found = measure(plane(["#", "#", "#", "#"], grid), grid, np.zeros(grid.shape))
        assert found.long_axis_mm == pytest.approx(6.0)
        assert found.short_axis_mm == 0

    def test_triangle_short_axis_is_cut_between_corners(self):
        grid = Grid((3, 12, 12), (1.0, 1.0, 1.0))
        found = measure(
            plane(["#########", "  #      ", "  #      ", "  #      "], grid), grid, np.zeros(grid.shape)
        )
        assert found.long_axis_mm == pytest.approx(8)
        assert found.short_axis_mm == pytest.approx(3)

    def test_one_voxel(self):
        grid = Grid((3, 3, 3), (1, 1, 1))
        found = measure(plane(["#"], grid), grid, np.zeros(grid.shape))
        assert (found.long_axis_mm, found.short_axis_mm) == (0, 0)
        assert found.volume_ml == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("value", "reference", "expected"),
    [(2.0, 1.0, 100.0), (0.0, 2.0, -100.0), (1.0, 0.0, None), (None, 1.0, None)],
)
def test_change_pct(value, reference, expected):
    assert change_pct(value, reference) == expected


def test_the_long_axis_is_the_longest_distance_within_any_slice():
    rng = np.random.default_rng(1)
    for _ in range(30):
        mask = rng.random(rng.integers(1, 8, 3)) < rng.uniform(0.1, 0.9)
        grid = Grid(mask.shape, tuple(rng.uniform(0.5, 3.0, 3)))
        slices = [
            grid.to_mm(np.argwhere(mask & (np.arange(len(mask)) == z)[:, None, None]))
            for z in range(len(mask))
        ]
        distances = [np.linalg.norm(s[:, None] - s, axis=-1).max() for s in slices if len(s)]
        if distances:
            assert measure(mask, grid, np.zeros(mask.shape)).long_axis_mm == pytest.approx(max(distances))
