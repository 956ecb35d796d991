"""Corrections by pairs of points: exact where they are, gone where they are far, tame in between."""

from dataclasses import dataclass

import numpy as np
import pytest

from napari_longiseg.core.landmark import LandmarkPair
from napari_longiseg.registration._landmarks.map import LandmarkMap
from napari_longiseg.registration.base import MapReport, RefinablePointMap, ReportingPointMap
from napari_longiseg.registration.correction import CorrectedMap
from napari_longiseg.registration.identity import IdentityMap
from napari_longiseg.registration.transforms import Affine

TURN = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])


@dataclass
class Turned:
    """A quarter turn and a shift that knows its error and can be refined, by a shift along x."""

    refined_by: float = 0.0
    error_mm: float = 3.0
    doubt: str = ""

    @property
    def transform(self):
        return Affine(TURN, np.array([100.0, 0.0, self.refined_by]))

    def __call__(self, points_mm):
        return self.transform(points_mm)

    def uncertainty_mm(self, points_mm):
        return np.full(len(points_mm), self.error_mm)

    @property
    def report(self):
        return MapReport("Turned.", self.doubt)

    def refined(self, point_mm):
        return Turned(self.refined_by + 4.0, 1.0)


def pair(source, shift, name="carina", base=None):
    """A place that the base map misses by a shift."""
    target = (base or Turned())([source])[0] + shift
    return LandmarkPair(name, source, tuple(target))


def off(corrected, points):
    """How the corrected map differs from the one that it corrects."""
    return corrected(points) - corrected.base(points)


def around(source, distance, count=200):
    """Points at a distance, in all directions."""
    directions = np.random.default_rng(0).normal(size=(count, 3))
    return np.asarray(source) + distance * directions / np.linalg.norm(directions, axis=1, keepdims=True)


class TestShape:
    ONE = (10.0, 20.0, 30.0)

    def test_exact_at_the_pair_and_nothing_beyond_the_radius(self):
        corrected = CorrectedMap(Turned(), [pair(self.ONE, (5.0, -6.0, 7.0))])
        np.testing.assert_allclose(corrected([self.ONE])[0], pair(self.ONE, (5.0, -6.0, 7.0)).target_mm)
        np.testing.assert_array_equal(off(corrected, around(self.ONE, 40.01)), 0.0)

    def test_it_fades_out_smoothly(self):
        corrected = CorrectedMap(Turned(), [pair(self.ONE, (0.0, 10.0, 0.0))], radius_mm=30.0)
        points = np.asarray(self.ONE) + np.outer(np.arange(0.0, 35.0, 0.1), [0.6, 0.0, 0.8])
        size = off(corrected, points)[:, 1]
        assert size[150] == pytest.approx(10.0 * 0.75**2)  # halfway
        steps = np.diff(size)
        assert (steps <= 1e-12).all()
        assert np.abs(np.diff(steps)).max() < 2e-3  # no kink, not even at the ends

    def test_overlapping_pairs_are_all_met(self):
        generator = np.random.default_rng(1)
        places = generator.uniform(-20, 20, (12, 3))
        pairs = [pair(tuple(p), generator.normal(0, 5, 3), f"L{i}") for i, p in enumerate(places)]
        corrected = CorrectedMap(Turned(), pairs)
        np.testing.assert_allclose(corrected(places), [p.target_mm for p in pairs], atol=1e-5)

    def test_it_is_never_longer_than_what_the_reader_has_shown(self):
        """Places that contradict each other pull the map about, but do not make it explode."""
        pairs = [pair((0.0, 0.0, 0.0), (0.0, 8.0, 0.0), "a"), pair((0.0, 0.5, 0.0), (0.0, -8.0, 0.0), "b")]
        corrected = CorrectedMap(Turned(), pairs)
        for distance in (0.1, 1.0, 5.0, 15.0, 30.0):
            assert np.linalg.norm(off(corrected, around((0.0, 0.0, 0.0), distance)), axis=1).max() <= 8.0
        np.testing.assert_allclose(
            corrected([p.source_mm for p in pairs]), [p.target_mm for p in pairs], atol=1e-4
        )

    def test_of_one_place_shown_twice_the_mean_is_taken(self):
        pairs = [pair(self.ONE, (0.0, 0.0, 2.0), "a"), pair(self.ONE, (0.0, 0.0, 4.0), "b")]
        np.testing.assert_allclose(
            off(CorrectedMap(Turned(), pairs), [self.ONE]), [[0.0, 0.0, 3.0]], atol=1e-9
        )

    @pytest.mark.parametrize("length", [10.0, 60.0])
    def test_there_and_back(self, length):
        """A long shift reaches farther, so that space is not folded."""
        corrected = CorrectedMap(Turned(), [pair(self.ONE, (0.0, length, 0.0))])
        points = np.vstack([around(self.ONE, d, 20) for d in (0.0, 5.0, 20.0, 60.0, 200.0)])
        np.testing.assert_allclose(corrected.transform.inverse(corrected(points)), points, atol=1e-2)
        np.testing.assert_allclose(corrected.transform(points), corrected(points))


class TestRefined:
    def test_the_refined_map_is_corrected_too(self):
        one = pair((0.0, 0.0, 0.0), (0.0, 0.0, 6.0))
        corrected = CorrectedMap(Turned(), [one])
        assert isinstance(corrected, RefinablePointMap)
        refined = corrected.refined((5.0, 5.0, 5.0))
        assert refined.base.refined_by == 4.0
        np.testing.assert_allclose(refined([one.source_mm])[0], one.target_mm)
        np.testing.assert_allclose(off(refined, [one.source_mm]), [[0.0, 0.0, 2.0]], atol=1e-9)

    def test_maps_that_cannot_be_refined_stay(self):
        corrected = CorrectedMap(IdentityMap(), [pair((0.0, 0.0, 0.0), (0.0, 3.0, 0.0), base=IdentityMap())])
        refined = corrected.refined((5.0, 5.0, 5.0))
        np.testing.assert_allclose(refined([(9.0, 0.0, 0.0)]), corrected([(9.0, 0.0, 0.0)]))


class TestError:
    def test_from_a_readers_at_the_pair_to_the_maps_own_far_away(self):
        at = (0.0, 0.0, 0.0)
        corrected = CorrectedMap(Turned(), [pair(at, (0.0, 0.0, 1.0))])
        points = np.outer(np.linspace(0, 40, 9), [0.0, 0.0, 1.0])
        error = corrected.uncertainty_mm(points)
        assert error[0] == pytest.approx(2.0)
        assert error[-1] == pytest.approx(3.0)
        assert (np.diff(error) >= 0).all()

    def test_a_map_that_was_shown_to_be_wrong_is_not_believed_around_there(self):
        corrected = CorrectedMap(Turned(error_mm=1.0), [pair((0.0, 0.0, 0.0), (0.0, 20.0, 0.0))])
        at, halfway, beyond = corrected.uncertainty_mm([[0.0, 0.0, 0.0], [0.0, 20.0, 0.0], [0.0, 41.0, 0.0]])
        assert (at, beyond) == (pytest.approx(2.0), pytest.approx(1.0))
        assert halfway > 5.0

    def test_where_the_map_cannot_tell_the_pairs_do_nearby(self):
        corrected = CorrectedMap(IdentityMap(), [pair((0.0, 0.0, 0.0), (0.0, 9.0, 0.0), base=IdentityMap())])
        at, near, far = corrected.uncertainty_mm([[0.0, 9.0, 0.0], [0.0, 0.0, 10.0], [0.0, 0.0, 35.0]])
        assert 2.0 <= at < near < 9.0
        assert np.isnan(far)


class TestReport:
    def test_what_was_corrected_is_told(self):
        corrected = CorrectedMap(Turned(), [pair((0.0, 0.0, 0.0), (0.0, 3.0, 4.0))])
        assert isinstance(corrected, ReportingPointMap)
        assert corrected.report == MapReport(
            "Turned. Corrected at 1 place that a reader has shown, by 5.0 mm in the mean and 5.0 mm at most."
        )

    def test_maps_without_a_report(self):
        summary = CorrectedMap(
            IdentityMap(), [pair((0.0,) * 3, (0.0, 1.0, 0.0), base=IdentityMap())]
        ).report.summary
        assert summary.startswith("Corrected at 1 place")

    def test_the_maps_own_doubt_goes_on(self):
        doubted = CorrectedMap(Turned(doubt="They hardly agree."), [pair((0.0,) * 3, (0.0, 1.0, 0.0))])
        assert doubted.report.doubt == "They hardly agree."

    def test_a_large_miss_is_a_doubt_about_the_rest(self):
        pairs = [pair((0.0,) * 3, (0.0, 1.0, 0.0), "a"), pair((90.0, 0.0, 0.0), (0.0, 25.0, 0.0), "b")]
        doubt = CorrectedMap(Turned(), pairs).report.doubt
        assert "Without correction 'b' would be missed by 25 mm; farther than 40 mm" in doubt

    def test_places_that_contradict_each_other_are_named(self):
        pairs = [pair((0.0,) * 3, (0.0, 9.0, 0.0), "a"), pair((3.0, 0.0, 0.0), (0.0, -9.0, 0.0), "b")]
        doubt = CorrectedMap(Turned(), pairs).report.doubt
        assert "'a' and 'b' lie 3 mm apart, but their corrections differ by 18 mm" in doubt


def test_landmark_maps_can_be_corrected():
    square = [(0.0, 0.0, 0.0), (0.0, 50.0, 0.0), (0.0, 0.0, 50.0)]
    base = LandmarkMap.of([LandmarkPair(str(i), p, p) for i, p in enumerate(square)], 1.0)
    one = LandmarkPair("carina", (30.0, 0.0, 0.0), (33.0, 0.0, 0.0))
    corrected = CorrectedMap(base, [one])
    np.testing.assert_allclose(corrected([one.source_mm])[0], one.target_mm)
    assert corrected.report.summary.startswith("3 pairs of landmarks")
