from __future__ import annotations

import numpy as np
import pytest

from napari_longiseg.core.geometry import Box, Grid
from napari_longiseg.core.lungs import find_lungs
from napari_longiseg.core.scan import Scan

GRID = Grid((48, 70, 90), (4.0, 4.0, 4.0), (-95.0, -140.0, -180.0))
RIGHT, LEFT = (0.0, 0.0, -70.0), (0.0, 0.0, 70.0)


def points(grid: Grid = GRID) -> np.ndarray:
    return grid.to_mm(np.stack(np.indices(grid.shape), axis=-1))


def ellipsoid(centre, radii) -> np.ndarray:
    return (((points() - centre) / radii) ** 2).sum(axis=-1) <= 1


def lungs() -> np.ndarray:
    return ellipsoid(RIGHT, (70, 60, 45)) | ellipsoid(LEFT, (70, 60, 45))


def chest(**changes: np.ndarray) -> np.ndarray:
    """HU of a trunk on a table, with two lungs; *changes* are painted over: air, gas, lung or soft."""
    y, x = points()[..., 1], points()[..., 2]
    hu = np.full(GRID.shape, -1000.0)
    hu[(y / 100) ** 2 + (x / 150) ** 2 <= 1] = 40
    hu[(y > 112) & (y < 130) & (abs(x) < 160)] = -920  # foam in ...
    hu[(abs(y - 112) < 3) & (abs(x) < 160)] = -100  # ... a shell
    hu[lungs()] = -850
    for name, where in changes.items():
        hu[where] = {"gas": -1000, "lung": -850, "soft": 40}[name.rstrip("_")]
    return hu + np.random.default_rng(0).normal(0, 20, GRID.shape)


def scan(hu: np.ndarray, grid: Grid = GRID) -> Scan:
    return Scan("T0", np.rint(hu).astype(np.int16), grid)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_finds_both_lungs_and_nothing_else():
    found = find_lungs(scan(chest()))
    assert found.found
    assert dice(found.mask, lungs()) > 0.95
    assert found.statement.endswith("ml of lung were found on T0.")


def test_vessels_and_tumours_belong_to_the_lungs():
    tumour = ellipsoid((10.0, 5.0, 75.0), (22, 22, 22))
    vessel = ellipsoid((0.0, 0.0, -70.0), (5, 55, 5))
    found = find_lungs(scan(chest(soft=tumour, soft_=vessel)))
    assert found.mask[tumour].all()
    assert found.mask[vessel].all()


def test_the_heart_stays_outside():
    heart = ellipsoid((0.0, 0.0, 0.0), (40, 40, 20))
    assert not find_lungs(scan(chest())).mask[heart].any()


def test_gas_in_the_bowel_is_no_lung():
    bowel = ellipsoid(RIGHT, (70, 60, 45))
    found = find_lungs(scan(chest(soft=lungs(), gas=bowel)))
    assert not found.found
    assert found.statement == "No lungs were found on T0."


def test_table_and_blanket_are_no_lungs():
    blanket = points()[..., 1] < -112
    assert not find_lungs(scan(chest(soft=lungs(), lung=blanket))).found


@pytest.mark.parametrize(
    ("start", "stop"), [((0, 0, 0), (48, 70, 28)), ((0, 14, 8), (48, 60, 82)), ((12, 10, 0), (30, 70, 90))]
)
def test_the_field_of_view_may_cut_them_off(start, stop):
    box = Box(start, stop)
    found = find_lungs(scan(chest()[box.slices], GRID.crop(box)))
    assert dice(found.mask, lungs()[box.slices]) > 0.93


def test_padding_beside_a_lung_is_no_lung():
    padding = points()[..., 2] < -65
    found = find_lungs(scan(chest(gas=padding)))
    assert dice(found.mask, lungs() & ~padding) > 0.9
    assert found.mask[padding].mean() < 0.01


def test_a_windpipe_that_opens_to_the_room_does_not_let_it_in():
    z, y, x = np.moveaxis(points(), -1, 0)
    windpipe = (abs(x) < 8) & (abs(y) < 8) & (z > 20)
    branch = (abs(y) < 6) & (abs(z - 24) < 6) & (abs(x) < 40)
    nose = (abs(x) < 8) & (y < 0) & (z > 88)
    found = find_lungs(scan(chest(gas=windpipe, gas_=branch | nose)))
    assert dice(found.mask, lungs()) > 0.93


def test_fine_and_anisotropic_grids():
    grid = Grid((24, 280, 180), (8.0, 1.0, 2.0), (-93.0, -141.5, -181.0))
    fine = chest().reshape(24, 2, 70, 90).mean(axis=1).repeat(4, axis=1).repeat(2, axis=2)
    truth = lungs()[::2].repeat(4, axis=1).repeat(2, axis=2)
    found = find_lungs(scan(fine, grid))
    assert found.mask.shape == grid.shape
    assert dice(found.mask, truth) > 0.9


@pytest.mark.parametrize("hu", [-1000, -850, 40])
def test_scans_of_one_material(hu):
    assert not find_lungs(scan(np.full(GRID.shape, hu))).found
