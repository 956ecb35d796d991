import numpy as np
import pytest

from napari_longiseg.tracking.evaluate import score, summarise


@pytest.fixture
def scored(grid, make_ball):
    empty = np.zeros(grid.shape, bool)

    def make(truth=None, found=None, point=None, is_source=False):
        masks = [empty if centre is None else make_ball(grid, centre, 6) for centre in (truth, found)]
        return score(1, "T1", *masks, grid, point, is_source=is_source)

    return make


HERE, THERE = (-10.0, 30.0, 20.0), (-10.0, 30.0, 24.0)


class TestScore:
    def test_found(self, scored):
        exact, off = scored(HERE, HERE, HERE), scored(HERE, THERE, THERE)
        assert (exact.outcome, exact.dice, exact.centre_distance_mm) == ("found", 1.0, 0.0)
        assert off.dice == pytest.approx(0.52, abs=0.05)
        assert off.centre_distance_mm == pytest.approx(4, abs=0.05)
        assert off.point_inside
        assert off.point_distance_mm == pytest.approx(4, abs=0.05)

    def test_missed_counts_as_zero(self, scored):
        missed = scored(HERE, None, (-10.0, 30.0, 40.0))
        assert (missed.outcome, missed.dice, missed.centre_distance_mm) == ("missed", 0.0, None)
        assert missed.point_inside is False

    def test_absent(self, scored):
        assert scored(None, HERE, HERE).outcome == "falsely found"
        right = scored(None, None, HERE)
        assert (right.outcome, right.dice, right.point_inside) == ("truly absent", None, None)

    def test_a_point_outside_the_scan(self, scored):
        assert scored(HERE, None, (0.0, 0.0, 9999.0)).point_inside is False


class TestSummary:
    def test_figures(self, scored):
        summary = summarise(
            [
                scored(HERE, HERE, HERE),
                scored(HERE, THERE, THERE),
                scored(HERE, None, (-10.0, 30.0, 40.0)),
                scored(None, HERE, HERE),
                scored(None, None, HERE),
            ]
        )
        assert (summary.n, summary.present) == (5, 3)
        assert (summary.found, summary.missed, summary.falsely_found) == (2, 1, 1)
        assert summary.median_dice == pytest.approx(0.52, abs=0.05)
        assert summary.mean_dice == pytest.approx((1 + summary.median_dice) / 3)
        assert summary.median_centre_distance_mm == pytest.approx(2, abs=0.05)
        assert (summary.points_inside, summary.points) == (2, 3)

    def test_nothing_to_average(self):
        assert summarise([]).median_dice is None
