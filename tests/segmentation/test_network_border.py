"""The border of a clear lesion is taken from the scan, that of a faint one from the network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from napari_longiseg.core.geometry import Grid, Point
from napari_longiseg.core.lesion import Click
from napari_longiseg.core.metrics import dice
from napari_longiseg.core.scan import ScanStatistics
from napari_longiseg.segmentation._network.border import at_half_contrast
from napari_longiseg.segmentation.base import VoiRequest

GRID = Grid((30, 40, 40), (1.5, 1.2, 1.2), (-22.5, -24.0, -24.0))
CENTRE: Point = (0.0, 0.0, 0.0)
Ball = Callable[[Grid, Point, float], np.ndarray]


def request(truth: np.ndarray, lesion_hu: float, host_hu: float) -> VoiRequest:
    image = ndimage.gaussian_filter(np.where(truth, lesion_hu, host_hu).astype(np.float32), 0.6)
    image += np.random.default_rng(0).normal(0, 12, GRID.shape)
    clicks = (Click("T0", CENTRE),)
    return VoiRequest(1, image.astype(np.float32), GRID, clicks, ScanStatistics(0, 1, -1000, 1000))


@pytest.mark.parametrize("radius", [6.0, 9.0])
def test_in_the_lung_the_border_moves_to_half_contrast(make_ball: Ball, radius: float) -> None:
    truth = make_ball(GRID, CENTRE, 7.5)
    rough = make_ball(GRID, CENTRE, radius).astype(np.float32)
    moved = at_half_contrast(request(truth, 40, -850), rough) >= 0.5
    assert dice(moved, truth) == pytest.approx(1.0, abs=0.03)
    assert dice(rough >= 0.5, truth) < 0.9


def test_in_soft_tissue_the_network_is_believed(make_ball: Ball) -> None:
    rough = make_ball(GRID, CENTRE, 6.0).astype(np.float32)
    same = at_half_contrast(request(make_ball(GRID, CENTRE, 7.5), 40, 110), rough)
    np.testing.assert_array_equal(same, rough)


def test_a_nodule_hardly_thicker_than_a_slice_is_as_dense_as_its_fullest_voxels(make_ball: Ball) -> None:
    between: Point = (3.0, 0.0, 0.0)  # the middles of two slices
    fine = Grid((48, 48, 48), (1.0, 1.0, 1.0), (-23.5, -23.5, -23.5))
    grid = Grid((8, 48, 48), (6.0, 1.0, 1.0), (-21.0, -23.5, -23.5))
    filled = make_ball(fine, between, 4.5).reshape(8, 6, 48, 48).mean(axis=1)
    noise = np.random.default_rng(0).normal(0, 12, grid.shape)
    image = (-850 + 890 * filled + noise).astype(np.float32)
    thick = VoiRequest(1, image, grid, (Click("T0", CENTRE),), ScanStatistics(0, 1, -1000, 1000))
    rough = make_ball(grid, between, 6.5).astype(np.float32)
    moved = at_half_contrast(thick, rough) >= 0.5
    assert dice(moved, filled >= 0.5) == pytest.approx(1.0, abs=0.03)


def test_nothing_stays_nothing() -> None:
    empty = np.zeros(GRID.shape, dtype=np.float32)
    assert at_half_contrast(request(empty > 0, 40, -850), empty) is empty
