from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import ndimage

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid, Point
from napari_longiseg.core.lesion import Click
from napari_longiseg.core.methods import SEGMENTERS, create
from napari_longiseg.core.metrics import dice
from napari_longiseg.core.scan import ScanStatistics
from napari_longiseg.segmentation.base import Prior, VoiRequest
from napari_longiseg.segmentation.region import RegionSegmenter

LUNG, LIVER, FAT, MUSCLE = -850.0, 70.0, -100.0, 50.0
CENTRE: Point = (0.0, 0.0, 0.0)
STATISTICS = ScanStatistics(0.0, 1.0, -1000.0, 1000.0)
Ball = Callable[[Grid, Point, float], np.ndarray]


def cube(spacing_mm: Point = (1.5, 1.2, 1.2), size_mm: float = 60.0) -> Grid:
    """A grid around the origin."""
    shape = tuple(int(size_mm / s) for s in spacing_mm)
    origin = tuple(-(n // 2) * s for n, s in zip(shape, spacing_mm, strict=True))
    return Grid(shape, spacing_mm, origin)


def scanned(image: np.ndarray, grid: Grid, noise_hu: float, seed: int = 0) -> np.ndarray:
    """Blur of 0.8 mm and noise."""
    blurred = ndimage.gaussian_filter(image, 0.8 / np.asarray(grid.spacing_mm))
    return (blurred + np.random.default_rng(seed).normal(0, noise_hu, image.shape)).astype(np.float32)


def ask(
    image: np.ndarray,
    grid: Grid,
    points: Sequence[Point] = (CENTRE,),
    negative: Sequence[Point] = (),
    prior: Prior | None = None,
    tolerance_mm: float = 0.0,
) -> VoiRequest:
    clicks = tuple(Click("T0", p) for p in points) + tuple(Click("T0", p, positive=False) for p in negative)
    return VoiRequest(1, image, grid, clicks, STATISTICS, prior, tolerance_mm)


def outline(request: VoiRequest) -> np.ndarray:
    (result,) = RegionSegmenter().segment([request])
    return result.probability >= 0.5


def test_it_is_found_by_its_name() -> None:
    segmenter = create(SEGMENTERS, "region", voi_mm=80)
    assert segmenter.info.name == "region"
    assert segmenter.info.voi_mm == (80, 80, 80)
    assert "prior" in segmenter.info.prompts


def test_the_voi_needs_a_size() -> None:
    with pytest.raises(InputError, match="must be positive"):
        RegionSegmenter(voi_mm=0)


@pytest.mark.parametrize("spacing", [(1.5, 1.2, 1.2), (5.0, 0.9, 0.9), (0.8, 0.7, 0.7)])
@pytest.mark.parametrize("radius", [4.0, 11.0])
def test_a_bright_ball_in_lung(make_ball: Ball, spacing: Point, radius: float) -> None:
    grid = cube(spacing)
    truth = make_ball(grid, CENTRE, radius)
    image = scanned(np.where(truth, 30.0, LUNG), grid, 25)
    assert dice(outline(ask(image, grid, [(1.0, 1.0, -1.0)])), truth) > (0.8 if radius < 5 else 0.9)


@pytest.mark.parametrize("noise", [10, 20])
def test_a_faint_dark_ball_in_liver(make_ball: Ball, noise: float) -> None:
    grid = cube()
    truth = make_ball(grid, CENTRE, 8)
    image = scanned(np.where(truth, LIVER - 45, LIVER), grid, noise)
    assert dice(outline(ask(image, grid, [(0.0, 2.0, 2.0)])), truth) > 0.85


def test_a_node_in_fat_with_slices_of_5_mm(make_ball: Ball) -> None:
    grid = cube((5.0, 0.9, 0.9))
    truth = make_ball(grid, CENTRE, 9)
    image = scanned(np.where(truth, 40.0, FAT), grid, 15)
    assert dice(outline(ask(image, grid)), truth) > 0.85


def test_a_vessel_is_left_out(make_ball: Ball) -> None:
    grid = cube()
    truth = make_ball(grid, CENTRE, 7)
    z, y, _ = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij", sparse=True)
    middle = grid.to_index(CENTRE)
    vessel = ((z - middle[0]) * 1.5) ** 2 + ((y - middle[1]) * 1.2) ** 2 + np.zeros(grid.shape) < 2.0**2
    image = scanned(np.where(truth | vessel, 30.0, LUNG), grid, 20)
    assert dice(outline(ask(image, grid)), truth) > 0.88


def test_the_chest_wall_is_left_out(make_ball: Ball) -> None:
    grid = cube()
    truth = make_ball(grid, CENTRE, 7)
    wall = np.zeros(grid.shape, dtype=bool)
    wall[:, :, int(grid.to_index((0, 0, 7.5))[2]) :] = True
    image = scanned(np.where(truth | wall, MUSCLE, LUNG), grid, 15)
    mask = outline(ask(image, grid))
    assert dice(mask, truth & ~wall) > 0.8


def test_a_negative_click_takes_away(make_ball: Ball) -> None:
    grid = cube()
    other: Point = (0.0, 0.0, 13.0)
    lesion, neighbour = make_ball(grid, CENTRE, 8), make_ball(grid, other, 8)
    image = scanned(np.where(lesion | neighbour, 40.0, FAT), grid, 10)
    mask = outline(ask(image, grid, negative=[other]))
    assert not mask[grid.nearest_voxel(other)]
    assert mask[neighbour & ~lesion].mean() < 0.4
    assert dice(mask, lesion) > 0.75


def test_all_positive_clicks_are_in(make_ball: Ball) -> None:
    grid = cube()
    centres: list[Point] = [(0.0, 0.0, -9.0), (0.0, 0.0, 9.0)]
    truth = make_ball(grid, centres[0], 6) | make_ball(grid, centres[1], 6)
    image = scanned(np.where(truth, 40.0, LUNG), grid, 10)
    assert dice(outline(ask(image, grid, centres)), truth) > 0.85


def prior_with(make_ball: Ball, host: float, lesion: float, radius: float) -> Prior:
    grid = cube()
    mask = make_ball(grid, CENTRE, radius)
    return Prior(scanned(np.where(mask, lesion, host), grid, 10, seed=1), mask, grid)


@pytest.mark.parametrize(("host", "lesion"), [(LUNG, 20.0), (LIVER, 20.0)])
def test_a_lesion_that_is_gone(make_ball: Ball, host: float, lesion: float) -> None:
    grid = cube()
    image = scanned(np.full(grid.shape, host), grid, 15)
    request = ask(image, grid, prior=prior_with(make_ball, host, lesion, 7), tolerance_mm=2.0)
    (result,) = RegionSegmenter().segment([request])
    assert (result.probability < 0.5).all()
    assert result.reason.endswith(".")


@pytest.mark.parametrize("radius", [5.0, 9.0])
def test_the_prior_finds_a_changed_lesion_beside_the_point(make_ball: Ball, radius: float) -> None:
    grid = cube()
    truth = make_ball(grid, (1.0, 1.0, 1.0), radius)
    image = scanned(np.where(truth, LIVER - 40, LIVER), grid, 12)
    request = ask(image, grid, prior=prior_with(make_ball, LIVER, LIVER - 45, 7), tolerance_mm=2.0)
    assert dice(outline(request), truth) > 0.8


@pytest.mark.parametrize(
    ("image", "point", "reason"),
    [
        (np.full((40, 50, 50), 40.0), CENTRE, "constant"),
        (np.where(np.arange(50) < 25, -1024.0, 40.0) + np.zeros((40, 50, 50)), (0.0, 0.0, -20.0), "air"),
        (np.zeros((40, 50, 50)), (500.0, 0.0, 0.0), "outside"),
    ],
)
def test_nothing_to_see(image: np.ndarray, point: Point, reason: str) -> None:
    (result,) = RegionSegmenter().segment([ask(image.astype(np.float32), cube(), [point])])
    assert not (result.probability >= 0.5).any()
    assert reason in result.reason


def test_a_lesion_larger_than_the_voi_does_not_fail(make_ball: Ball) -> None:
    grid = cube()
    image = scanned(np.where(make_ball(grid, CENTRE, 34), 40.0, LUNG), grid, 10)
    (result,) = RegionSegmenter().segment([ask(image, grid)])
    assert result.reason
    assert result.probability.shape == grid.shape


def test_a_voi_that_sticks_out_of_the_scan(make_ball: Ball) -> None:
    grid = cube()
    truth = make_ball(grid, CENTRE, 7)
    image = scanned(np.where(truth, 20.0, LIVER), grid, 8)
    image[:, :, : grid.shape[2] // 2 - 8] = -1024
    assert dice(outline(ask(image, grid)), truth) > 0.8


def test_results_are_the_same_each_time_and_in_order(make_ball: Ball) -> None:
    grid = cube()
    requests = []
    for radius in (5.0, 10.0):
        image = scanned(np.where(make_ball(grid, CENTRE, radius), 30.0, LUNG), grid, 10)
        requests.append(ask(image, grid))
    first, second = ([r.probability for r in RegionSegmenter().segment(requests)] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first[0].sum() < first[1].sum()
    for probability in first:
        assert probability.dtype == np.float32
        assert probability.min() >= 0
        assert 0.8 < probability.max() <= 1
        assert ((probability > 0.1) & (probability < 0.9)).any()


def test_confidence_grows_with_contrast(make_ball: Ball) -> None:
    grid = cube()
    truth = make_ball(grid, CENTRE, 8)
    images = [scanned(np.where(truth, LIVER - c, LIVER), grid, 15) for c in (15, 40, 150)]
    sure = [result.confidence for result in RegionSegmenter().segment([ask(i, grid) for i in images])]
    assert sure == sorted(sure)
    assert all(0 <= value <= 1 for value in sure)
