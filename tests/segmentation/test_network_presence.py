"""What a network outlines on a later scan is the lesion where it is sure, or nothing has changed."""

from __future__ import annotations

import re
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


SURE, UNSURE = 0.93, 0.8


def asked(later: np.ndarray, outline: np.ndarray, prior: Prior | None, sure: float, **about: float) -> str:
    return gone(request(later, prior, **about), outline.astype(np.float32), sure)


@pytest.mark.parametrize("sure", [SURE, UNSURE])
def test_a_lesion_that_looks_as_before_is_there(lesion: np.ndarray, prior: Prior, sure: float) -> None:
    assert asked(scan(lesion, 45, -90), lesion, prior, sure) == ""


@pytest.mark.parametrize("left_hu", [-90.0, -150.0])
def test_an_unsure_outline_of_healthy_tissue_is_no_lesion(
    lesion: np.ndarray, prior: Prior, left_hu: float
) -> None:
    reason = asked(scan(lesion, left_hu, -90), lesion, prior, UNSURE)
    changed, contrast = (int(n) for n in re.findall(r"-?\d+", reason))
    assert reason.startswith("Nothing there is surely the lesion: its place has changed by")
    assert changed == pytest.approx(40 - left_hu, abs=3)
    assert contrast == pytest.approx(130, abs=3)


def test_a_sure_outline_is_believed_where_the_lesion_has_changed(lesion: np.ndarray, prior: Prior) -> None:
    assert asked(scan(lesion, -70, -90), lesion, prior, SURE) == ""


def test_a_network_that_is_not_sure_at_all_is_not_believed(lesion: np.ndarray, prior: Prior) -> None:
    assert asked(scan(lesion, 40, -90), lesion, prior, 0.6) != ""


def test_another_contrast_phase_does_not_make_it_vanish(lesion: np.ndarray, prior: Prior) -> None:
    assert asked(scan(lesion, 120, -10), lesion, prior, UNSURE) == ""  # both are 80 HU denser
    assert asked(scan(lesion, 45, 30), lesion, prior, UNSURE) == ""  # the host alone is


def test_a_faint_lesion_that_is_gone_is_told_by_its_place(lesion: np.ndarray) -> None:
    faint = Prior(scan(lesion, 60, 110), lesion, GRID)
    assert asked(scan(lesion, 110, 110), lesion, faint, UNSURE) != ""
    assert asked(scan(lesion, 60, 110), lesion, faint, UNSURE) == ""


def test_the_place_is_where_the_point_was_carried_to(lesion: np.ndarray, make_ball: Ball) -> None:
    """The patient has moved by 8 mm, and the lesion with it."""
    aside: Point = (0.0, 8.0, 0.0)
    before = make_ball(GRID, aside, 7.0)
    prior = Prior(scan(before, 60, 110), before, GRID, aside)
    assert asked(scan(lesion, 60, 110), lesion, prior, UNSURE) == ""
    unmoved = Prior(prior.image, before, GRID, CENTRE)
    assert asked(scan(lesion, 60, 110), lesion, unmoved, UNSURE) != ""


def test_without_a_point_the_deepest_was_carried(lesion: np.ndarray, make_ball: Ball) -> None:
    before = make_ball(GRID, (0.0, 8.0, 0.0), 7.0)
    prior = Prior(scan(before, 60, 110), before, GRID)
    assert asked(scan(lesion, 60, 110), lesion, prior, UNSURE) == ""


def test_a_speck_is_no_lesion(make_ball: Ball, prior: Prior) -> None:
    left = make_ball(GRID, CENTRE, 2.0)
    assert asked(scan(left, 40, -90), left, prior, SURE).startswith("Only a speck of")


def test_a_readers_click_is_believed(lesion: np.ndarray, prior: Prior) -> None:
    assert asked(scan(lesion, -90, -90), lesion, prior, UNSURE, tolerance_mm=0.0) == ""


def test_without_another_scan_there_is_nothing_to_compare_with(lesion: np.ndarray) -> None:
    assert asked(scan(lesion, -90, -90), lesion, None, UNSURE) == ""
