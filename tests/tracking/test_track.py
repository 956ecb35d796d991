from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

from napari_longiseg.core.errors import Cancelled, InputError, RegistrationError
from napari_longiseg.core.geometry import distance_mm
from napari_longiseg.core.lesion import Click, Lesion, LesionMask, Origin, Presence, SourceMask
from napari_longiseg.registration.identity import IdentityMap, IdentityRegistration
from napari_longiseg.segmentation.base import VoiResult
from napari_longiseg.tracking.options import TrackOptions
from napari_longiseg.tracking.track import Tracker


def by_pair(findings):
    return {(f.lesion, f.scan): f for f in findings}


@pytest.fixture
def tracker(segmenter):
    return Tracker(IdentityRegistration(), segmenter)


class TestPropagation:
    def test_every_pair_comes_exactly_once(self, study, tracker):
        count = Counter((f.lesion, f.scan) for f in tracker.track(study))
        assert count == {(lesion, scan): 1 for lesion in (1, 2) for scan in ("T0", "T1", "T2")}

    def test_masks_measurements_and_provenance(self, study, tracker, make_ball):
        found = by_pair(tracker.track(study))
        grown = found[1, "T2"]
        assert grown.presence is Presence.PRESENT
        assert grown.origin is Origin.PROPAGATED
        assert (grown.source_scan, grown.registration, grown.segmenter) == ("T0", "identity", "threshold")
        truth = make_ball(study.scan("T2").grid, (0, 0, 0), 9)
        np.testing.assert_array_equal(grown.mask.on(truth.shape), truth)
        assert grown.measurements.volume_ml == pytest.approx(truth.sum() * 2.0 * 1.1 / 1000)
        assert distance_mm(grown.point_mm, (0, 0, 0)) < 1.5
        assert found[1, "T0"].origin is Origin.SOURCE
        assert found[1, "T0"].proposed_mm is None

    def test_a_vanished_lesion_has_a_row_with_a_reason(self, study, tracker):
        gone = by_pair(tracker.track(study))[2, "T2"]
        assert gone.presence is Presence.NOT_FOUND
        assert gone.mask is None
        assert "stands out" in gone.reason or "nearest structure" in gone.reason
        assert gone.proposed_mm is not None

    def test_a_structure_beyond_the_limit_is_another_one(self, study, segmenter, shift):
        near_by = replace(study, lesions=(Lesion(1, clicks=(Click("T0", (0.0, 0.0, 0.0)),)),))
        wrong = shift((0.0, 14.0, 0.0))
        limited = by_pair(Tracker(wrong, segmenter, TrackOptions(max_distance_mm=3.0)).track(near_by))
        assert limited[1, "T1"].presence is Presence.NOT_FOUND
        assert "beyond the limit of 3 mm" in limited[1, "T1"].reason
        generous = by_pair(Tracker(wrong, segmenter, TrackOptions(max_distance_mm=10.0)).track(near_by))
        assert generous[1, "T1"].presence is Presence.PRESENT

    def test_backwards_in_time(self, study, tracker):
        later = Lesion(1, clicks=(Click("T2", (0.0, 0.0, 0.0)),))
        found = list(tracker.track(study.with_lesions((later,))))
        assert [f.scan for f in found] == ["T2", "T1", "T0"]
        assert all(f.presence is Presence.PRESENT for f in found)
        assert {f.source_scan for f in found} == {"T2"}

    def test_out_of_view(self, study, segmenter, shift):
        far = shift((500.0, 0.0, 0.0))
        found = by_pair(Tracker(far, segmenter).track(study))
        assert found[1, "T1"].presence is Presence.OUT_OF_VIEW
        assert "outside scan T1" in found[1, "T1"].reason

    def test_from_an_outline(self, study, tracker, make_ball):
        mask = make_ball(study.scan("T0").grid, (0, 0, 0), 6)
        lesion = Lesion(1, source_mask=SourceMask("T0", LesionMask.of(mask)))
        found = by_pair(tracker.track(study.with_lesions((lesion,))))
        np.testing.assert_array_equal(found[1, "T0"].mask.on(mask.shape), mask)
        assert found[1, "T1"].presence is Presence.PRESENT

    def test_a_reader_who_clicked_elsewhere_too_is_believed(self, study, segmenter):
        lesion = Lesion(1, clicks=(Click("T0", (0.0, 0.0, 0.0)), Click("T1", (10.0, 20.0, -20.0))))
        found = by_pair(Tracker(IdentityRegistration(), segmenter).track(study.with_lesions((lesion,))))
        assert distance_mm(found[1, "T1"].point_mm, (10, 20, -20)) < 2
        assert found[1, "T1"].origin is Origin.SOURCE
        assert distance_mm(found[1, "T2"].point_mm, (0, 0, 0)) < 2


class TestNeighbours:
    """Lesions that overlap on a scan are settled, wherever and whenever they were clicked."""

    SAME = (
        Lesion(1, clicks=(Click("T0", (0.0, 0.0, 0.0)),)),
        Lesion(2, clicks=(Click("T1", (0.0, 0.0, 0.0)),)),
    )

    def test_lesions_with_different_sources(self, study, tracker):
        found = by_pair(tracker.track(study.with_lesions(self.SAME)))
        assert len(found) == 6
        merged, kept = (found[lesion, "T2"] for lesion in (1, 2))
        assert (merged.merged_into, merged.mask) == (2, None)  # lesion 2 was larger on its source
        for scan in study.scans:
            here = [f for (_, scan_id), f in found.items() if scan_id == scan.id and f.mask]
            total = sum(f.mask.on(scan.grid.shape).astype(int) for f in here)
            assert total.max() == 1
        assert kept.measurements.volume_ml > 1

    def test_lesions_tracked_before(self, study, tracker):
        first, second = self.SAME
        known = list(tracker.track(study.with_lesions((first,))))
        later = list(tracker.track(study.with_lesions((second,)), known=known))
        changed = by_pair(f for f in later if f.lesion == 1)
        assert set(changed) == {(1, "T1"), (1, "T2")}
        assert changed[1, "T1"].merged_into == 2  # clicked there
        assert by_pair(f for f in later if f.lesion == 2)[2, "T0"].merged_into == 1
        masks = [f.mask.on(study.scan("T2").grid.shape) for f in later if f.scan == "T2" and f.mask]
        assert sum(mask.astype(int) for mask in masks).max() == 1

    def test_strangers_do_not_come_again(self, study, tracker):
        near, far = study.lesions
        known = list(tracker.track(study.with_lesions((near,))))
        again = list(tracker.track(study.with_lesions((far,)), known=known))
        assert {f.lesion for f in again} == {2}


class TestEconomy:
    def test_one_registration_per_pair_and_refined_per_lesion(self, study, segmenter, shift):
        method = shift()
        tracker = Tracker(method, segmenter)
        list(tracker.track(study))
        assert method.aligned == [("T0", "T1"), ("T0", "T2")]
        assert len(method.refined_at) == 4
        list(tracker.track(study))
        assert len(method.aligned) == 2

    def test_findings_stream(self, study, segmenter, shift):
        method = shift()
        stream = Tracker(method, segmenter).track(study)
        assert next(stream).scan == "T0"
        assert method.aligned == []

    def test_timings_name_the_steps(self, study, tracker):
        list(tracker.track(study))
        assert {"segment T0", "register T0 to T1", "segment T2"} <= set(tracker.timer.seconds)

    def test_progress_grows_to_one(self, study, tracker):
        seen = []
        list(tracker.track(study, lambda stage, fraction: seen.append(fraction)))
        assert seen == sorted(seen)
        assert seen[-1] == 1.0

    def test_what_the_segmenter_loads_is_a_stage_of_its_own_before_it_outlines(self, study, segmenter):
        class Loading(type(segmenter)):
            def prepare(self, progress):
                progress("Loading weights of slow", 0.0)

        heard = []
        tracker = Tracker(IdentityRegistration(), Loading())
        (finding, *_) = tracker.outline(study, [], [(1, "T0")], lambda stage, _: heard.append(stage))
        assert heard[:2] == ["Loading weights of slow", "Outlining on T0"]
        heard.clear()
        list(
            tracker.propose(
                study.with_lesions(study.lesions[:1]), lambda stage, _: heard.append(stage), [finding]
            )
        )
        assert not any("weights" in stage for stage in heard), "nothing is outlined"

    def test_cancelled_through_progress(self, study, tracker):
        def stop(stage, fraction):
            if "T1" in stage:
                raise Cancelled("Cancelled.")

        stream = tracker.track(study, stop)
        assert {next(stream).scan, next(stream).scan} == {"T0"}
        with pytest.raises(Cancelled):
            next(stream)


class TestBoosting:
    @dataclass
    class Halving:
        """Finds only what lies within 5 mm of the click, so that a second look sees more."""

        inner: object

        @property
        def info(self):
            return self.inner.info

        def segment(self, requests):
            for request, result in zip(requests, self.inner.segment(requests), strict=True):
                index = request.grid.to_index(request.clicks[0].point_mm)
                axes = np.meshgrid(*(np.arange(n) for n in request.grid.shape), indexing="ij")
                d = np.linalg.norm((np.stack(axes, -1) - index) * request.grid.spacing_mm, axis=-1)
                yield VoiResult(np.where(d < 5, result.probability, 0).astype(np.float32))

    def test_looks_again_from_the_centre(self, study, segmenter, make_ball):
        one = study.with_lesions((Lesion(1, clicks=(Click("T0", (0.0, 3.5, 3.5)),)),))
        truth = make_ball(study.scan("T0").grid, (0, 0, 0), 6)

        def overlap(boosting):
            tracker = Tracker(
                IdentityRegistration(), self.Halving(segmenter), TrackOptions(boosting=boosting)
            )
            return (next(tracker.track(one)).mask.on(truth.shape) & truth).sum()

        assert overlap(True) > 1.2 * overlap(False)


class TestPrompts:
    def test_the_prior_is_the_lesion_on_the_source(self, study, segmenter):
        list(Tracker(IdentityRegistration(), segmenter).track(study))
        on_source, later = segmenter.seen[0], segmenter.seen[2]
        assert on_source.prior is None
        assert on_source.tolerance_mm == 0
        assert later.tolerance_mm > 0
        volume = later.prior.mask.sum() * later.prior.grid.voxel_ml
        assert volume == pytest.approx(4 / 3 * np.pi * 6**3 / 1000, rel=0.1)
        assert later.prior.image[later.prior.mask].mean() == pytest.approx(140, abs=3)
        assert later.prior.point_mm == later.clicks[0].point_mm  # nothing moves between these scans

    def test_engines_with_their_own_spacing(self, study, segmenter, make_ball):
        coarse = replace(segmenter, spacing_mm=(2.0, 2.0, 2.0))
        found = by_pair(Tracker(IdentityRegistration(), coarse).track(study))
        assert coarse.seen[0].grid.shape == (20, 20, 20)
        truth = make_ball(study.scan("T1").grid, (0, 0, 0), 8)
        mask = found[1, "T1"].mask.on(truth.shape)
        assert 2 * (mask & truth).sum() / (mask.sum() + truth.sum()) > 0.85


class TestScansThatCannotBeAligned:
    def test_the_others_are_tracked_and_each_row_says_why(self, study, segmenter, refuses):
        tracker = Tracker(refuses(("T1",)), segmenter)
        found = by_pair(tracker.track(study))
        assert len(found) == 6
        refused = found[1, "T1"]
        assert (refused.presence, refused.reason) == (Presence.NOT_EVALUABLE, "T1 shows someone else.")
        assert (refused.source_scan, refused.registration, refused.mask) == ("T0", "refuses", None)
        assert found[1, "T2"].presence is Presence.PRESENT
        assert tracker.registrations["T0", "T1"].doubt == "T1 shows someone else."

    def test_what_a_reader_clicked_there_is_outlined_all_the_same(self, study, segmenter, refuses):
        both = Lesion(1, clicks=(Click("T0", (0.0, 0.0, 0.0)), Click("T1", (0.0, 0.0, 0.0))))
        tracker = Tracker(refuses(("T1", "T2")), segmenter)
        found = by_pair(tracker.track(replace(study, scans=study.scans[:2], lesions=(both,))))
        assert found[1, "T1"].presence is Presence.PRESENT
        assert found[1, "T1"].origin is Origin.SOURCE

    def test_when_none_can_be_aligned_that_is_an_error(self, study, segmenter, refuses):
        with pytest.raises(RegistrationError, match="T1 shows someone else"):
            list(Tracker(refuses(("T1", "T2")), segmenter).track(study))


class TestRefusals:
    def test_a_click_outside(self, study, tracker):
        outside = Lesion(4, clicks=(Click("T0", (0.0, 0.0, 900.0)),))
        with pytest.raises(InputError, match=r"lesion 4 at x, y, z = 900\.0, 0\.0, 0\.0 mm.*outside scan T0"):
            next(tracker.track(study.with_lesions((outside,))))

    def test_no_prompt(self, study, tracker):
        with pytest.raises(InputError, match="Lesion 3 has neither"):
            next(tracker.track(study.with_lesions((Lesion(3),))))
        negative = Lesion(3, clicks=(Click("T0", (0, 0, 0), positive=False),))
        with pytest.raises(InputError, match="Lesion 3 has neither"):
            next(tracker.track(study.with_lesions((negative,))))

    def test_no_prompt_on_the_chosen_source(self, study, segmenter):
        tracker = Tracker(IdentityRegistration(), segmenter, TrackOptions(source="T2"))
        with pytest.raises(
            InputError, match="Lesion 1 has neither a positive click nor a box nor an outline on T2"
        ):
            next(tracker.track(study))

    def test_an_empty_outline(self, study, tracker):
        empty = LesionMask.of(np.zeros((24, 64, 64), bool))
        with pytest.raises(InputError, match="outline of lesion 1 on T0 is empty"):
            next(tracker.track(study.with_lesions((Lesion(1, source_mask=SourceMask("T0", empty)),))))

    def test_bad_limit(self):
        with pytest.raises(InputError, match="largest distance must be positive"):
            TrackOptions(max_distance_mm=0)


def test_identity_refuses_scans_that_share_no_space(study):
    target = study.scan("T1")
    far = replace(target, grid=replace(target.grid, origin_mm=(900.0, 0.0, 0.0)))
    with pytest.raises(RegistrationError, match="T0 and T1 have no part of patient space in common"):
        IdentityRegistration().align(study.scan("T0"), far, lambda stage, fraction: None)


def test_identity_map():
    points = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(IdentityMap()(points), points)
    assert np.isnan(IdentityMap().uncertainty_mm(points)).all()
