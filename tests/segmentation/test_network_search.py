"""The looks of a network at a lesion, with a network that sees perfectly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from napari_longiseg.core.geometry import Grid, Point
from napari_longiseg.core.lesion import Click
from napari_longiseg.core.metrics import dice
from napari_longiseg.core.scan import ScanStatistics
from napari_longiseg.models.inputs import Inputs, Window
from napari_longiseg.segmentation._network.scene import scene
from napari_longiseg.segmentation._network.search import MOST_LOOKS, Search, searches
from napari_longiseg.segmentation.base import Prior, VoiRequest, VoiResult

INPUTS = Inputs(
    size=(40, 40, 40),
    spacings_mm=(0.8, 1.5, 2.8),
    windows=(Window(low_hu=-1000, high_hu=400),),
    click_sigma=2.0,
)
OWN_VOXELS = Inputs(size=(16, 32, 32), windows=(Window(low_hu=-1000, high_hu=400),))
GRID = Grid((90, 160, 160), (1.5, 0.9, 0.9), (-67.0, -72.0, -72.0))
Ball = Callable[[Grid, Point, float], np.ndarray]
See = Callable[[Grid], np.ndarray]


def request(
    *points: Point, prior: Prior | None = None, tolerance_mm: float = 0.0, grid: Grid = GRID
) -> VoiRequest:
    clicks = tuple(Click("T0", point) for point in points)
    image = np.zeros(grid.shape, dtype=np.float32)
    return VoiRequest(1, image, grid, clicks, ScanStatistics(0, 1, -1, 1), prior, tolerance_mm)


def looked(search: Search, see: See) -> list[Grid]:
    """Let the search look until it has seen enough; the grids that it looked at."""
    grids = []
    while search.next is not None:
        shown = scene(search.request, search.next, search.inputs, search.prior)
        search.take(see(shown.grid).astype(np.float32), shown.grid)
        grids.append(shown.grid)
    return grids


def from_farther_away(*points: Point, tolerance_mm: float = 0.0) -> Search:
    """The search that begins in the middle voxels."""
    return searches(request(*points, tolerance_mm=tolerance_mm), INPUTS, None)[1]


def overlap(result: VoiResult, truth: np.ndarray) -> float:
    value = dice(result.probability >= 0.5, truth)
    assert value is not None
    return value


@pytest.mark.parametrize("radius", [4.0, 8.0, 15.0, 30.0])
def test_the_outline_is_that_of_the_lesion_whatever_its_size(make_ball: Ball, radius: float) -> None:
    centre = (3.0, -2.0, 1.0)
    for search in searches(request((3.0, -2.0 + 0.6 * radius, 1.0)), INPUTS, None):
        looked(search, lambda grid: make_ball(grid, centre, radius))
        assert overlap(search.result(""), make_ball(GRID, centre, radius)) > (0.88 if radius < 5 else 0.95)


def test_a_lesion_of_unknown_size_is_looked_for_closely_and_from_farther_away() -> None:
    begun = searches(request((0.0, 0.0, 0.0)), INPUTS, None)
    assert [search.next.spacing_mm for search in begun if search.next] == [0.8, 1.5]


def test_the_last_look_is_from_the_middle_and_as_close_as_the_size_asks_for(make_ball: Ball) -> None:
    search = from_farther_away((0.0, 7.0, 0.0))
    first, last = looked(search, lambda grid: make_ball(grid, (0, 0, 0), 9.0))
    assert first.spacing_mm == (1.5, 1.5, 1.5)
    np.testing.assert_allclose(last.to_mm(np.array([19.5, 19.5, 19.5])), 0, atol=0.8)
    assert last.spacing_mm[0] == pytest.approx(18 / (0.45 * 40), rel=0.1)


def test_one_look_is_enough_for_a_lesion_in_the_middle_of_the_right_size(make_ball: Ball) -> None:
    search = from_farther_away((0.0, 0.0, 0.0))
    assert len(looked(search, lambda grid: make_ball(grid, (0, 0, 0), 13.5))) == 1


def test_an_outline_that_reaches_the_edge_is_looked_at_from_farther_away(make_ball: Ball) -> None:
    search = from_farther_away((0.0, 20.0, 0.0))
    grids = looked(search, lambda grid: make_ball(grid, (0, 0, 0), 32.0))
    assert grids[1].spacing_mm[0] > grids[0].spacing_mm[0]
    result = search.result("")
    assert result.reason == ""
    assert overlap(result, make_ball(GRID, (0, 0, 0), 32.0)) > 0.97


def test_what_is_too_large_for_the_coarsest_look_is_said_to_be_cut() -> None:
    search = from_farther_away((0.0, 0.0, 0.0))
    assert len(looked(search, lambda grid: np.ones(grid.shape))) <= MOST_LOOKS
    assert "may be cut" in search.result("").reason


def test_where_nothing_is_seen_one_look_is_enough() -> None:
    for search in searches(request((0.0, 0.0, 0.0)), INPUTS, None):
        assert len(looked(search, lambda grid: np.zeros(grid.shape))) == 1


def test_nothing_seen_is_not_found_for_the_reason_given() -> None:
    search = from_farther_away((0.0, 0.0, 0.0))
    looked(search, lambda grid: np.zeros(grid.shape))
    result = search.result("Nothing there.")
    assert result.reason == "Nothing there."
    assert result.probability.shape == GRID.shape
    assert not result.probability.any()


def test_only_the_component_at_the_click_is_kept(make_ball: Ball) -> None:
    search = from_farther_away((0.0, 0.0, 0.0))
    looked(search, lambda grid: make_ball(grid, (0, 0, 0), 6.0) | make_ball(grid, (0, 18, 0), 6.0))
    assert overlap(search.result(""), make_ball(GRID, (0, 0, 0), 6.0)) > 0.92


def test_a_second_click_adds_the_component_there(make_ball: Ball) -> None:
    search = from_farther_away((0.0, 0.0, 0.0), (0.0, 18.0, 0.0))
    looked(search, lambda grid: make_ball(grid, (0, 0, 0), 6.0) | make_ball(grid, (0, 18, 0), 6.0))
    both = make_ball(GRID, (0, 0, 0), 6.0) | make_ball(GRID, (0, 18, 0), 6.0)
    assert overlap(search.result(""), both) > 0.9


@pytest.mark.parametrize(("tolerance_mm", "is_found"), [(0.0, False), (9.0, True)])
def test_a_carried_point_may_lie_beside_the_lesion(
    make_ball: Ball, tolerance_mm: float, is_found: bool
) -> None:
    search = from_farther_away((0.0, 14.0, 0.0), tolerance_mm=tolerance_mm)
    looked(search, lambda grid: make_ball(grid, (0, 0, 0), 7.0))
    assert (search.result("").probability >= 0.5).any() == is_found


def test_the_lesion_on_the_other_scan_says_how_close_to_look(make_ball: Ball) -> None:
    for radius, spacing in ((5.0, 0.8), (12.0, 1.5), (27.0, 2.8)):
        prior = Prior(np.zeros(GRID.shape, dtype=np.float32), make_ball(GRID, (0, 0, 0), radius), GRID)
        (search,) = searches(request((0.0, 0.0, 0.0)), INPUTS, prior)
        assert search.next is not None
        assert search.next.spacing_mm == spacing


def test_where_the_lesion_of_the_other_scan_is_gone_one_look_is_enough(make_ball: Ball) -> None:
    prior = Prior(np.zeros(GRID.shape, dtype=np.float32), make_ball(GRID, (0, 0, 0), 8.0), GRID)
    (search,) = searches(request((0.0, 0.0, 0.0), tolerance_mm=4.0), INPUTS, prior)
    assert len(looked(search, lambda grid: np.zeros(grid.shape))) == 1


def test_both_scans_are_shown_from_the_middle_of_the_lesion_in_the_same_voxels(make_ball: Ball) -> None:
    there = make_ball(GRID, (6, -8, 4), 8.0)
    prior = Prior(there.astype(np.float32) * 100, there, GRID)
    (search,) = searches(request((0.0, 0.0, 0.0)), INPUTS, prior)
    assert search.next is not None
    shown = scene(search.request, search.next, INPUTS, prior)
    assert shown.baseline is not None
    assert shown.baseline_mask is not None
    middle = np.argwhere(shown.baseline_mask).mean(axis=0)
    np.testing.assert_allclose(middle, 19.5, atol=0.6)
    assert shown.baseline[shown.baseline_mask].mean() > 85
    assert shown.positive[0] == pytest.approx([19.5] * 3)


def test_a_network_for_the_scans_own_voxels_looks_once_at_them(make_ball: Ball) -> None:
    grid = Grid((16, 32, 32), (3.0, 0.8, 0.8), (-24.0, -12.8, -12.8))
    (search,) = searches(request((0.0, 0.0, 0.0), grid=grid), OWN_VOXELS, None)
    (seen,) = looked(search, lambda grid: make_ball(grid, (0, 0, 0), 7.0))
    assert seen.shape == (16, 32, 32)
    assert seen.spacing_mm == grid.spacing_mm
    assert overlap(search.result(""), make_ball(grid, (0, 0, 0), 7.0)) == 1.0
