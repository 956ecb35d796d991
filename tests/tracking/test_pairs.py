"""What readers have shown corrects the maps of a run, and what the maps doubt reaches the findings."""

import json
from dataclasses import asdict, dataclass, replace

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid, distance_mm
from napari_longiseg.core.landmark import Landmark
from napari_longiseg.core.lesion import Click, Finding, Lesion, Origin, Presence, Review
from napari_longiseg.core.scan import Study
from napari_longiseg.core.timing import Timer
from napari_longiseg.registration.base import MapReport
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.registration.identity import IdentityRegistration
from napari_longiseg.registration.landmarks import LandmarkRegistration
from napari_longiseg.tracking.options import TrackOptions
from napari_longiseg.tracking.pairs import PairMaps, verified_points
from napari_longiseg.tracking.record import PairRecord, run_record
from napari_longiseg.tracking.track import Tracker

FIRST, SECOND, MOVED = (0.0, 0.0, 0.0), (0.0, 16.0, 12.0), np.array([4.0, -6.0, 5.0])
WRONG = np.array([0.0, -9.0, -3.0])


def later(point):
    return tuple(np.asarray(point) + MOVED)


@dataclass(frozen=True)
class WrongRegistration:
    """Misses every point by the same vector of some 9 mm, and may say so."""

    doubt: str = ""
    name: str = "wrong"

    def align(self, source, target, progress):
        return self

    def __call__(self, points_mm):
        return np.asarray(points_mm) + MOVED + WRONG

    def uncertainty_mm(self, points_mm):
        return np.full(len(points_mm), 1.5)

    @property
    def report(self):
        return MapReport("Aligned.", self.doubt)


@pytest.fixture
def neighbours(make_scan):
    """Two lesions 20 mm apart, on two dates between which all has moved; both are clicked on the first."""
    grid = Grid((30, 60, 60), (1.5, 1.2, 1.2), (-20.0, -35.0, -30.0))
    balls = [(FIRST, 4), (SECOND, 4)]
    moved = [(later(centre), radius) for centre, radius in balls]
    lesions = (Lesion(1, clicks=(Click("T0", FIRST),)), Lesion(2, clicks=(Click("T0", SECOND),)))
    return Study("P", (make_scan("T0", grid, balls), make_scan("T1", grid, moved)), lesions)


@pytest.fixture
def tracked(segmenter):
    """Findings by lesion and scan, of a tracker that keeps to 3 mm."""

    def track(study, registration=None, known=(), **options):
        options = TrackOptions(max_distance_mm=3.0, **options)
        tracker = Tracker(registration or WrongRegistration(), segmenter, options)
        return {(f.lesion, f.scan): f for f in tracker.track(study, known=known)}

    return track


def clicked_twice(study):
    """The same, with the first lesion clicked on the second date, too."""
    first, second = study.lesions
    twice = replace(first, clicks=(*first.clicks, Click("T1", later(FIRST))))
    return study.with_lesions((twice, second))


class TestVerified:
    def test_a_lesion_clicked_on_both_scans_leads_to_its_neighbour(self, neighbours, tracked):
        study = clicked_twice(neighbours)
        alone = tracked(study)[2, "T1"]
        assert alone.presence is Presence.NOT_FOUND
        helped = tracked(study, learn_from_verified=True)[2, "T1"]
        assert helped.presence is Presence.PRESENT
        off = [distance_mm(f.proposed_mm, later(SECOND)) for f in (alone, helped)]
        assert off[1] < 0.5 * off[0]

    def test_the_reach_is_an_option(self, neighbours, tracked):
        study = clicked_twice(neighbours)
        near = tracked(study, learn_from_verified=True, correction_radius_mm=15.0)[2, "T1"]
        np.testing.assert_allclose(near.proposed_mm, later(SECOND) + WRONG, atol=1.0)

    def test_its_own_point_stays_where_it_was_verified(self, neighbours, tracked):
        """And what the registration had proposed for it can still be compared."""
        own = tracked(clicked_twice(neighbours), learn_from_verified=True)[1, "T1"]
        assert distance_mm(own.point_mm, later(FIRST)) < 1.0
        np.testing.assert_allclose(own.proposed_mm, later(FIRST) + WRONG, atol=1.0)

    def test_lesions_verified_before(self, neighbours, tracked):
        first, second = neighbours.lesions
        known = [
            replace(f, review=Review.ACCEPTED) if f.scan == "T1" else f
            for f in tracked(neighbours.with_lesions((first,)), IdentityMoved()).values()
        ]
        assert {f.presence for f in known} == {Presence.PRESENT}
        one = neighbours.with_lesions((second,))
        assert tracked(one, known=known, learn_from_verified=True)[2, "T1"].presence is Presence.PRESENT
        proposed = [replace(f, review=Review.PROPOSED) for f in known]
        assert tracked(one, known=proposed, learn_from_verified=True)[2, "T1"].presence is Presence.NOT_FOUND

    def test_what_counts_as_verified(self, neighbours):
        def finding(lesion, **values):
            values = {
                "presence": Presence.PRESENT,
                "origin": Origin.PROPAGATED,
                "point_mm": (1.0, 1.0, 1.0),
            } | values
            return Finding(lesion=lesion, scan="T1", source_scan="T0", **values)

        findings = [
            finding(3),
            finding(4, review=Review.ACCEPTED),
            finding(5, review=Review.EDITED, merged_into=4),
            finding(6, review=Review.ACCEPTED, presence=Presence.RESOLVED),
            finding(7, origin=Origin.SOURCE),
            finding(8, origin=Origin.SOURCE, presence=Presence.NOT_FOUND),
            finding(1, review=Review.EDITED),
        ]
        found = {
            (one.name, one.scan): one.point_mm for one in verified_points(clicked_twice(neighbours), findings)
        }
        assert found == {
            ("lesion 1", "T0"): FIRST,
            ("lesion 1", "T1"): (1.0, 1.0, 1.0),  # the centre of what was edited, rather than the click
            ("lesion 2", "T0"): SECOND,
            ("lesion 4", "T1"): (1.0, 1.0, 1.0),
            ("lesion 7", "T1"): (1.0, 1.0, 1.0),
        }

    def test_negative_clicks_show_nothing(self, neighbours):
        lesion = Lesion(1, clicks=(Click("T0", FIRST, positive=False),))
        assert verified_points(neighbours.with_lesions((lesion,)), ()) == ()


@dataclass(frozen=True)
class IdentityMoved(WrongRegistration):
    """Right on the phantom."""

    def __call__(self, points_mm):
        return np.asarray(points_mm) + MOVED


def marked(study, shown=FIRST):
    return replace(study, landmarks=(Landmark("T0", "carina", shown), Landmark("T1", "carina", later(shown))))


class TestLandmarks:
    def test_they_correct_any_registration(self, neighbours, tracked):
        found = tracked(marked(neighbours, (0.0, 8.0, 6.0)))
        assert [found[lesion, "T1"].presence for lesion in (1, 2)] == [Presence.PRESENT] * 2
        without = tracked(marked(neighbours, (0.0, 8.0, 6.0)), correct_by_landmarks=False)
        assert [without[lesion, "T1"].presence for lesion in (1, 2)] == [Presence.NOT_FOUND] * 2

    def test_alignment_by_landmarks_uses_them_in_its_own_way(self, neighbours, tracked):
        corners = np.array([[0.0, 0.0, 0.0], [0.0, 30.0, 0.0], [0.0, 0.0, 30.0], [20.0, 0.0, 0.0]])
        study = replace(
            neighbours,
            landmarks=tuple(
                Landmark(scan, f"L{i}", tuple(point + shift))
                for scan, shift in (("T0", 0.0), ("T1", MOVED))
                for i, point in enumerate(corners)
            ),
        )
        found = tracked(study, LandmarkRegistration())
        assert (found[2, "T1"].presence, found[2, "T1"].registration) == (Presence.PRESENT, "landmarks")
        bound = LandmarkRegistration().for_study(study)
        assert PairMaps.of(bound, RegistrationCache(), study, TrackOptions(), ()).placed == ()

    def test_a_table_that_cannot_be_read_is_refused_before_any_work(self, neighbours, segmenter):
        tracker = Tracker(LandmarkRegistration(file="nowhere.csv"), segmenter)
        with pytest.raises(InputError, match=r"nowhere\.csv cannot be read"):
            next(tracker.track(neighbours))
        assert segmenter.seen == []

    def test_options(self):
        for radius in (0.0, float("nan"), float("inf")):
            with pytest.raises(InputError, match="radius of corrections must be positive"):
                TrackOptions(correction_radius_mm=radius)


class TestDoubts:
    def test_every_pair_is_recorded_once(self, study, segmenter):
        tracker = Tracker(IdentityRegistration(), segmenter)
        list(tracker.track(study))
        assert list(tracker.registrations.values()) == [
            PairRecord("T0", "T1", "identity", "", ""),
            PairRecord("T0", "T2", "identity", "", ""),
        ]
        list(tracker.track(study.with_lesions(())))
        assert tracker.registrations == {}

    def test_corrections_are_told(self, neighbours, segmenter):
        tracker = Tracker(WrongRegistration("They hardly agree."), segmenter)
        list(tracker.track(marked(neighbours)))
        (pair,) = tracker.registrations.values()
        assert pair.summary.startswith("Aligned. Corrected at 1 place that a reader has shown, by 9.5 mm")
        assert pair.doubt == "They hardly agree."

    def test_a_doubt_goes_with_each_point_that_was_carried_over(self, neighbours, tracked):
        lone = Lesion(3, clicks=(Click("T0", (0.0, -25.0, 0.0)),))
        study = clicked_twice(neighbours)
        study = study.with_lesions((*study.lesions, lone))
        found = tracked(study, WrongRegistration("They hardly agree."), learn_from_verified=True)
        assert found[2, "T1"].reason == "They hardly agree."
        assert found[2, "T1"].presence is Presence.PRESENT
        assert found[1, "T1"].reason == ""  # clicked there
        assert {found[lesion, "T0"].reason for lesion in (1, 2)} == {""}
        assert found[3, "T1"].reason == "The lesion's place lies outside scan T1. They hardly agree."

    def test_the_run_record_lists_them(self, study):
        pair = PairRecord("T0", "T1", "deformable", "Fits.", "Hardly.", kept=True)
        record = json.loads(json.dumps(run_record(study, {}, Timer(), [pair])))
        assert record["registrations"] == [asdict(pair)]
        assert run_record(study, {}, Timer())["registrations"] == []
