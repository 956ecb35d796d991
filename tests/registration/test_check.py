"""Maps whose effect is known: third-party ones, inverted from their points alone, and ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from napari_longiseg.core.errors import Cancelled, RegistrationError
from napari_longiseg.core.geometry import Array, Grid
from napari_longiseg.core.scan import AIR_HU, Scan
from napari_longiseg.registration.base import MapReport
from napari_longiseg.registration.check import (
    LINES_MM,
    MOST_VOXELS,
    check_registration,
    straight_lines,
    working_grid,
)
from napari_longiseg.registration.identity import IdentityMap
from napari_longiseg.registration.transforms import Affine

GRID = Grid((30, 52, 48), (2.5, 1.5, 1.6), (-36.0, -39.0, -38.4))
TABLE = np.array([900.0, 40.0, -7.0])
TURN = np.array([[0.98, 0.05, 0.0], [-0.05, 1.03, 0.1], [0.02, -0.1, 0.97]])


@dataclass(frozen=True)
class Map:
    """A map of somebody else's: two functions of points."""

    goes: Callable[[Array], Array]
    error: Callable[[Array], Array] = lambda points: np.full(len(points), 2.0)

    def __call__(self, points_mm) -> Array:
        return self.goes(np.asarray(points_mm, dtype=np.float64))

    def uncertainty_mm(self, points_mm) -> Array:
        return self.error(np.asarray(points_mm, dtype=np.float64))


def hu(points_mm: Array) -> Array:
    """A ramp, which linear interpolation keeps as it is."""
    return 300.0 + points_mm @ [3.0, -2.0, 4.0]


def scan(name: str, grid: Grid = GRID) -> Scan:
    points = grid.to_mm(np.stack(np.indices(grid.shape), axis=-1))
    return Scan(name, np.rint(hu(points)).astype(np.int16), grid)


def points_of(grid: Grid) -> Array:
    return grid.to_mm(np.stack(np.indices(grid.shape), axis=-1).reshape(-1, 3))


def bend(points: Array) -> Array:
    """Up and down by 6 mm along y; its inverse is the same with the other sign."""
    return 6.0 * np.sin(points[:, [1]] / 25.0) * [1.0, 0.0, 0.0]


def inside(points: Array, margin_mm: float) -> Array:
    """Points of the source scan, less a margin."""
    low, high = GRID.bounds_mm()
    return ((points > low + margin_mm) & (points < high - margin_mm)).all(axis=1)


KNOWN = {
    "a table counted otherwise": (lambda p: p + TABLE, lambda q: q - TABLE),
    "turned and stretched": (lambda p: p @ TURN.T, lambda q: q @ np.linalg.inv(TURN).T),
    "upside down": (lambda p: p * [-1.0, 1.0, -1.0], lambda q: q * [-1.0, 1.0, -1.0]),
    "bent": (lambda p: p + bend(p), lambda q: q - bend(q)),
    "bent and turned": (
        lambda p: (p + bend(p)) @ TURN.T,
        lambda q: (lambda r: r - bend(r))(q @ np.linalg.inv(TURN).T),
    ),
}


def test_under_the_identity_the_warped_scan_is_the_scan():
    source, target = scan("T0"), scan("T1")
    check = check_registration(IdentityMap(), source, target)
    assert check.grid == target.grid
    np.testing.assert_array_equal(check.warped, source.image)
    assert np.isnan(check.uncertainty_mm).all()
    assert check.report == MapReport(
        "This registration does not say how well the scans fit. "
        "Tissue keeps at least 1.00 of its volume everywhere."
    )


@pytest.mark.parametrize("name", KNOWN)
def test_the_source_is_seen_where_the_map_puts_it(name):
    forth, back = KNOWN[name]
    middle = forth(np.zeros((1, 3)))[0]
    grid = Grid((25, 40, 44), (2.0, 1.2, 1.3), tuple(middle - [24.0, 24.0, 28.0]))
    check = check_registration(Map(forth), scan("T0"), scan("T1", grid))
    places = back(points_of(grid))
    sure = inside(places, 1.0)
    assert sure.mean() > 0.5
    np.testing.assert_allclose(check.warped.ravel()[sure], hu(places[sure]), atol=1.5)
    assert check.report.doubt == ""


def test_the_lines_are_where_the_map_puts_the_lattice():
    forth, _ = KNOWN["bent and turned"]
    check = check_registration(Map(forth), scan("T0"), scan("T1"))
    middle = np.mean(GRID.bounds_mm(), axis=0)
    for axis in range(3):
        line = middle + 5.0
        line[axis] = middle[axis] + LINES_MM
        on = GRID.nearest_voxel(forth(line[None])[0])
        line[axis] += LINES_MM / 2
        off = GRID.nearest_voxel(forth(line[None])[0])
        assert check.nearness[(axis, *on)] > 100
        assert check.nearness[(axis, *off)] == 0


def test_lines_depend_on_the_view():
    check = check_registration(IdentityMap(), scan("T0"), scan("T1"))
    z, y, x = check.nearness
    np.testing.assert_array_equal(check.lines((1, 2)), np.maximum(y, x))
    np.testing.assert_array_equal(check.lines((2, 0)), np.maximum(z, x))
    np.testing.assert_array_equal(check.lines((0, 1, 2)), np.sort(check.nearness, axis=0)[1])


@pytest.mark.parametrize("displayed", [(1, 2), (0, 2), (0, 1, 2)])
def test_carried_over_by_the_identity_the_lattice_is_the_source_s_own(displayed):
    grid, lines = straight_lines(scan("T0"), displayed)
    check = check_registration(IdentityMap(), scan("T0"), scan("T1"))
    assert grid == check.grid
    np.testing.assert_allclose(lines, check.lines(displayed), atol=1)


def test_uncertainty_is_that_of_the_source_point():
    shift = np.array([10.0, -6.0, 3.0])
    check = check_registration(
        Map(lambda p: p + shift, lambda p: 3.0 + p[:, 0] / 20.0), scan("T0"), scan("T1")
    )
    places = points_of(GRID) - shift
    sure = inside(places, 0.0)
    np.testing.assert_allclose(check.uncertainty_mm.ravel()[sure], 3.0 + places[sure, 0] / 20.0, atol=1e-4)
    assert np.isnan(check.uncertainty_mm.ravel()[~sure]).all()


def test_unknown_uncertainty_stays_unknown_and_spreads_nowhere():
    check = check_registration(
        Map(lambda p: p, lambda p: np.where(p[:, 2] > 0.0, 4.0, np.nan)), scan("T0"), scan("T1")
    )
    x = points_of(GRID)[:, 2].reshape(GRID.shape)
    assert np.isnan(check.uncertainty_mm[x < -6.0]).all()
    np.testing.assert_allclose(check.uncertainty_mm[x > 6.0], 4.0)


def test_where_the_source_does_not_reach_there_is_air_without_lines():
    check = check_registration(Map(lambda p: p + np.array([0.0, 40.0, 0.0])), scan("T0"), scan("T1"))
    beyond = (points_of(GRID)[:, 1] < 0.0).reshape(GRID.shape)
    assert (check.warped[beyond] == AIR_HU).all()
    assert not check.nearness[:, beyond].any()
    assert (check.warped[~beyond] > AIR_HU).mean() > 0.9


def test_a_checkerboard_has_the_source_in_every_other_cube():
    check = check_registration(IdentityMap(), scan("T0"), scan("T1"))
    board = check.checkerboard(20.0)
    middle = np.mean(GRID.bounds_mm(), axis=0)
    for step in ([5, 5, 5], [-5, -5, 5], [25, 25, 5], [25, -5, 5]):
        at = GRID.nearest_voxel(middle + step)
        assert board[at] == check.warped[at], step
        for axis in range(3):
            over = np.array(step)
            over[axis] += 20 if step[axis] < 0 else -20
            assert np.isnan(board[GRID.nearest_voxel(middle + over)]), over
    assert 0.4 < np.isnan(board).mean() < 0.6


def test_a_map_that_folds_is_doubted():
    fold = Map(lambda p: p + 30.0 * np.sin(p[:, [2]] / 12.0) * [0.0, 0.0, 1.0])
    check = check_registration(fold, scan("T0"), scan("T1"))
    assert check.report.doubt.startswith("The map folds tissue over itself in places")
    assert "keeps at least" not in check.report.summary


def test_what_a_map_does_to_the_air_beside_the_patient_does_not_count():
    def folds_on_the_left(points: Array) -> Array:
        return points + 30.0 * np.sin(np.maximum(points[:, [2]] - 10.0, 0.0) / 12.0) * [0.0, 0.0, 1.0]

    points = points_of(GRID).reshape(*GRID.shape, 3)
    tissue = (points[..., 2] < 0.0) & (np.linalg.norm(points[..., :2], axis=-1) < 30.0)
    lung = tissue & (np.linalg.norm(points - [0.0, 0.0, -20.0], axis=-1) < 12.0)
    image = np.where(tissue & ~lung, 40, -1000).astype(np.int16)
    source, target = Scan("T0", image, GRID), Scan("T1", image, GRID)
    assert check_registration(Map(folds_on_the_left), source, target).report.doubt == ""

    def folds_in_the_lung(points: Array) -> Array:
        near = np.exp(-(((points - [0.0, 0.0, -20.0]) ** 2).sum(axis=1, keepdims=True)) / 50.0)
        return points + 20.0 * near * [0.0, 0.0, 1.0]

    assert "folds" in check_registration(Map(folds_in_the_lung), source, target).report.doubt


def test_what_no_point_is_carried_to_is_left_black_and_counted():
    squeezed = Map(lambda p: np.minimum(p, [0.0, np.inf, np.inf]))
    check = check_registration(squeezed, scan("T0"), scan("T1"))
    z = points_of(GRID)[:, 0].reshape(GRID.shape)
    assert (check.warped[z > 8.0] == AIR_HU).all()
    np.testing.assert_allclose(check.warped[z < -16.0], scan("T1").image[z < -16.0], atol=1)
    assert "no way back for" in check.report.doubt


@pytest.mark.parametrize(
    "goes",
    [
        lambda p: np.full_like(p, np.nan),
        lambda p: np.zeros_like(p),
        lambda p: p * [1.0, 0.0, 1.0],
    ],
    ids=["no values", "one point", "a plane"],
)
def test_maps_that_cannot_be_shown(goes):
    with pytest.raises(RegistrationError, match="gives no map that can be shown; choose another one"):
        check_registration(Map(goes), scan("T0"), scan("T1"))


class OwnMap(Map):
    """One that knows its way back, and reports."""

    transform = Affine.shift([0.0, 0.0, 16.0])
    report = MapReport("The scans fit well.", "Too few landmarks.")


def test_our_maps_know_their_way_back_and_their_report_leads():
    check = check_registration(OwnMap(OwnMap.transform), scan("T0"), scan("T1"))
    np.testing.assert_array_equal(check.warped[..., 10:], scan("T0").image[..., :-10])
    assert check.report.summary.startswith("The scans fit well. Tissue keeps at least 1.00")
    assert check.report.doubt == "Too few landmarks."


def test_progress_runs_to_the_end_and_may_cancel():
    heard: list[float] = []
    check_registration(IdentityMap(), scan("T0"), scan("T1"), lambda _, fraction: heard.append(fraction))
    assert heard == sorted(heard)
    assert heard[-1] == 1.0

    def stop(stage: str, _: float) -> None:
        if stage.startswith("Warping"):
            msg = "Cancelled."
            raise Cancelled(msg)

    with pytest.raises(Cancelled, match="Cancelled"):
        check_registration(IdentityMap(), scan("T0"), scan("T1"), stop)


@pytest.mark.parametrize(
    ("shape", "spacing", "kept", "coarse"),
    [
        ((60, 512, 512), (5.0, 0.7, 0.7), (60, 512, 512), (5.0, 0.7, 0.7)),
        ((120, 512, 512), (5.0, 0.7, 0.7), (120, 256, 256), (5.0, 1.4, 1.4)),
        ((300, 512, 512), (1.25, 0.7, 0.7), (300, 171, 171), (1.25, 2.1, 2.1)),
        ((1600, 512, 512), (0.625, 0.98, 0.98), (534, 171, 171), (1.875, 2.94, 2.94)),
    ],
)
def test_the_working_grid_keeps_slices_before_pixels(shape, spacing, kept, coarse):
    grid = working_grid(Grid(shape, spacing, (1.0, 2.0, 3.0)))
    assert np.prod(grid.shape) <= MOST_VOXELS
    assert grid.shape == kept
    assert grid.spacing_mm == pytest.approx(coarse)
    assert grid.origin_mm == (1.0, 2.0, 3.0)


def test_a_scan_of_one_slice_can_be_checked():
    flat = Grid((1, 52, 48), (5.0, 1.5, 1.6), (0.0, -39.0, -38.4))
    check = check_registration(IdentityMap(), scan("T0"), scan("T1", flat))
    np.testing.assert_allclose(check.warped, scan("T1", flat).image, atol=1)
