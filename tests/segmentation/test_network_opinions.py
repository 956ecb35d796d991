"""Several methods' outlines as one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from napari_longiseg.core.geometry import Grid, Point
from napari_longiseg.core.lesion import Click
from napari_longiseg.core.metrics import dice
from napari_longiseg.core.scan import ScanStatistics
from napari_longiseg.segmentation._network.opinions import SURE_ALONE, asks_another, averaged
from napari_longiseg.segmentation._replies import CUT, DISPUTED, FAINT
from napari_longiseg.segmentation.base import VoiRequest, VoiResult

GRID = Grid((30, 40, 40), (1.5, 1.2, 1.2), (-22.5, -24.0, -24.0))
CENTRE: Point = (0.0, 0.0, 0.0)
Ball = Callable[[Grid, Point, float], np.ndarray]
NOTHING = VoiResult(np.zeros(GRID.shape, dtype=np.float32), 0.0, "Nothing there.")


@pytest.fixture
def ball(make_ball: Ball) -> Callable[..., VoiResult]:
    def made(radius: float, centre: Point = CENTRE, sure: float = 0.95, reason: str = "") -> VoiResult:
        return VoiResult(make_ball(GRID, centre, radius) * np.float32(sure), sure, reason)

    return made


def asked(tolerance_mm: float) -> VoiRequest:
    image = np.zeros(GRID.shape, dtype=np.float32)
    return VoiRequest(
        1, image, GRID, (Click("T0", CENTRE),), ScanStatistics(0, 1, -1, 1), tolerance_mm=tolerance_mm
    )


def test_who_is_sure_asks_nobody(ball: Callable[..., VoiResult]) -> None:
    assert not asks_another(asked(0.0), ball(6.0, sure=SURE_ALONE))
    assert asks_another(asked(0.0), ball(6.0, sure=SURE_ALONE - 0.01))


def test_where_nothing_is_seen_a_reader_is_believed_and_a_carried_point_is_not() -> None:
    assert asks_another(asked(0.0), NOTHING)
    assert not asks_another(asked(3.0), NOTHING)


def test_two_hold_against_one_that_leaks(ball: Callable[..., VoiResult]) -> None:
    leaks = VoiResult(np.ones(GRID.shape, dtype=np.float32), 1.0)
    both = averaged([leaks, ball(7.0), ball(7.0)])
    assert dice(both.probability >= 0.5, ball(7.0).probability >= 0.5) == 1.0
    assert both.confidence == pytest.approx((1 + 0.95 + 0.95) / 3, abs=0.01)


def test_those_that_find_nothing_have_no_say(ball: Callable[..., VoiResult]) -> None:
    one = ball(7.0)
    assert averaged([NOTHING, one, NOTHING]) is one
    assert averaged([NOTHING, NOTHING]) is NOTHING
    both = averaged([one, NOTHING, one])
    np.testing.assert_allclose(both.probability, one.probability, rtol=1e-6)


def test_where_they_have_nothing_in_common_the_first_counts(ball: Callable[..., VoiResult]) -> None:
    first = ball(4.0, (0.0, -12.0, 0.0))
    one = averaged([first, ball(4.0, (0.0, 12.0, 0.0))])
    assert one.probability is first.probability
    assert one.reason == DISPUTED


def test_they_warn_of_what_they_do_not_agree_on(ball: Callable[..., VoiResult]) -> None:
    aside = ball(6.0, (0.0, 6.0, 0.0))
    assert averaged([ball(6.0), ball(6.5)]).reason == ""
    assert averaged([ball(6.0, sure=0.9), ball(6.0, sure=0.5)]).reason == FAINT
    assert averaged([ball(6.0), ball(6.0), aside]).reason == DISPUTED
    assert averaged([ball(6.0, reason=CUT), aside]).reason == CUT
