"""What a network outlines on a later scan is a lesion only where it still stands out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from napari_longiseg.core.geometry import Grid, Point
from napari_longiseg.core.lesion import Click
from napari_longiseg.core.scan import ScanStatistics
from napari_longiseg.segmentation._network.presence import gone
from napari_longiseg.segmentation.base import Prior, VoiRequest

GRID = Grid((30, 40, 40), (1.5, 1.2, 1.2), (-22.5, -24.0, -24.0))
CENTRE: Point = (0.0, 0.0, 0.0)
Ball = Callable[[Grid, Point, float], np.ndarray]


def scan(lesion: np.ndarray, lesion_hu: float, host_hu: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 10, GRID.shape)
    return (np.where(lesion, lesion_hu, host_hu) + noise).astype(np.float32)


def request(image: np.ndarray, prior: Prior | None, tolerance_mm: float = 3.0) -> VoiRequest:
    return VoiRequest(
        1, image, GRID, (Click("T1", CENTRE),), ScanStatistics(0, 1, -1000, 1000), prior, tolerance_mm
    )


@pytest.fixture
def lesion(make_ball: Ball) -> np.ndarray:
    return make_ball(GRID, CENTRE, 7.0)


@pytest.fixture
def prior(lesion: np.ndarray) -> Prior:
    return Prior(scan(lesion, 40, -90), lesion, GRID)


def test_a_lesion_that_stands_out_as_before_is_there(lesion: np.ndarray, prior: Prior) -> None:
    assert gone(request(scan(lesion, 45, -90), prior), lesion.astype(np.float32)) == ""


def test_another_contrast_phase_does_not_make_it_vanish(lesion: np.ndarray, prior: Prior) -> None:
    assert gone(request(scan(lesion, 10, -70), prior), lesion.astype(np.float32)) == ""


@pytest.mark.parametrize("left_hu", [-90.0, -150.0])
def test_an_outline_of_healthy_tissue_is_no_lesion(lesion: np.ndarray, prior: Prior, left_hu: float) -> None:
    reason = gone(request(scan(lesion, left_hu, -90), prior), lesion.astype(np.float32))
    assert reason.startswith("Nothing there stands out as the lesion did on the source scan")
    assert "HU of contrast instead of" in reason


def test_a_speck_is_no_lesion(make_ball: Ball, prior: Prior) -> None:
    left = make_ball(GRID, CENTRE, 2.0)
    assert gone(request(scan(left, 40, -90), prior), left.astype(np.float32)).startswith("Only a speck of")


def test_a_readers_click_is_believed(lesion: np.ndarray, prior: Prior) -> None:
    clicked = request(scan(lesion, -90, -90), prior, tolerance_mm=0.0)
    assert gone(clicked, lesion.astype(np.float32)) == ""


def test_without_another_scan_there_is_nothing_to_compare_with(lesion: np.ndarray) -> None:
    assert gone(request(scan(lesion, -90, -90), None), lesion.astype(np.float32)) == ""


def test_a_faint_lesion_is_left_to_the_network(lesion: np.ndarray) -> None:
    faint = Prior(scan(lesion, 60, 110), lesion, GRID)
    assert gone(request(scan(lesion, 110, 110), faint), lesion.astype(np.float32)) == ""
