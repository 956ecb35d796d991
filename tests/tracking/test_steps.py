"""Tracking in steps: proposals that a reader looks at, then outlines."""

from dataclasses import replace

import pytest

from napari_longiseg.core.errors import InputError, RegistrationError
from napari_longiseg.core.geometry import distance_mm
from napari_longiseg.core.lesion import (
    BoxPrompt,
    Click,
    Finding,
    Lesion,
    LesionMask,
    Origin,
    Presence,
    Review,
)
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.tracking.edits import outlined_by_hand
from napari_longiseg.tracking.track import Tracker

NEAR, FAR = (0.0, 0.0, 0.0), (10.0, 20.0, -20.0)


def by_pair(known):
    return {(k.lesion, k.scan): k for k in known}


def voxels(finding, study):
    return finding.mask and finding.mask.on(study.scan(finding.scan).grid.shape).tobytes()


@pytest.fixture
def method(shift):
    return shift()


@pytest.fixture
def tracker(method, segmenter):
    return Tracker(method, segmenter)


@pytest.fixture
def one(study):
    """The study with lesion 1 only."""
    return study.with_lesions(study.lesions[:1])


@pytest.fixture
def tracked(study, tracker, segmenter):
    """All findings of the study."""
    found = list(tracker.track(study))
    segmenter.seen.clear()
    return found


class TestProposing:
    def test_findings_on_the_source_then_proposals_in_the_order_of_tracking(self, study, tracker, segmenter):
        known = list(tracker.propose(study))
        kinds = [(type(k), k.lesion, k.scan) for k in known]
        assert kinds == [
            (Finding, 1, "T0"),
            (Finding, 2, "T0"),
            (Proposal, 1, "T1"),
            (Proposal, 2, "T1"),
            (Proposal, 1, "T2"),
            (Proposal, 2, "T2"),
        ]
        assert len(segmenter.seen) == 2

    def test_a_proposal_says_where_and_how_sure(self, one, segmenter, shift):
        moved = Tracker(shift((2.0, 3.0, -1.0)), segmenter)
        source, proposal, _ = moved.propose(one)
        z, y, x = source.point_mm
        assert proposal.point_mm == (z + 2, y + 3, x - 1)
        assert (proposal.uncertainty_mm, proposal.registration, proposal.source_scan) == (1.5, "shift", "T0")
        assert not proposal.verified

    def test_each_comes_as_soon_as_it_is_ready(self, study, tracker, method):
        stream = tracker.propose(study)
        assert next(stream).scan == next(stream).scan == "T0"
        assert method.aligned == []
        assert next(stream).scan == "T1"
        assert method.aligned == [("T0", "T1")]

    def test_out_of_view(self, one, segmenter, shift):
        far = by_pair(Tracker(shift((500.0, 0.0, 0.0)), segmenter).propose(one))
        assert far[1, "T1"].presence is Presence.OUT_OF_VIEW
        assert "outside scan T1" in far[1, "T1"].reason

    def test_a_pair_that_cannot_be_aligned(self, one, segmenter, refuses):
        known = by_pair(Tracker(refuses(("T1",)), segmenter).propose(one))
        refused = known[1, "T1"]
        assert (refused.presence, refused.reason) == (Presence.NOT_EVALUABLE, "T1 shows someone else.")
        assert isinstance(known[1, "T2"], Proposal)
        with pytest.raises(RegistrationError, match="T1 shows someone else"):
            list(Tracker(refuses(("T1", "T2")), segmenter).propose(one))

    def test_where_a_reader_clicked_or_boxed_too_it_is_outlined_at_once(self, one, tracker):
        clicked = Lesion(1, clicks=(Click("T0", NEAR), Click("T1", NEAR)))
        boxed = replace(one.lesions[0], boxes=(BoxPrompt("T1", (-12.0, -12.0, -12.0), (12.0, 12.0, 12.0)),))
        for lesion in (clicked, boxed):
            known = by_pair(tracker.propose(one.with_lesions((lesion,))))
            assert known[1, "T1"].origin is Origin.SOURCE
            assert known[1, "T1"].proposed_mm is not None
            assert isinstance(known[1, "T2"], Proposal)

    def test_a_lesion_known_on_its_source_is_not_outlined_again(self, one, tracker, segmenter):
        (source,) = (k for k in tracker.propose(one) if isinstance(k, Finding))
        segmenter.seen.clear()
        again = list(tracker.propose(one, known=[source]))
        assert again[0] is source
        assert [type(k) for k in again[1:]] == [Proposal, Proposal]
        assert segmenter.seen == []

    def test_what_a_reader_has_settled_is_left_alone(self, one, tracker):
        known = by_pair(tracker.track(one))
        known[1, "T0"] = replace(known[1, "T0"], review=Review.EDITED)
        known[1, "T1"] = replace(
            known[1, "T1"], review=Review.ACCEPTED, presence=Presence.RESOLVED, mask=None, measurements=None
        )
        (left,) = tracker.propose(one, known=list(known.values()))
        assert (left.lesion, left.scan) == (1, "T2")
        assert set(tracker.registrations) == {("T0", "T2")}

    def test_a_lesion_drawn_by_hand_is_carried_from_there(self, study, tracker, make_ball, segmenter):
        lesion, scan = Lesion(7), study.scan("T1")
        drawn = outlined_by_hand(lesion, scan, LesionMask.of(make_ball(scan.grid, NEAR, 6)), "T1")
        known = by_pair(tracker.propose(study.with_lesions((lesion,)), known=[drawn]))
        assert set(known) == {(7, "T0"), (7, "T2")}
        assert {k.source_scan for k in known.values()} == {"T1"}
        assert segmenter.seen == []

    def test_a_neighbour_that_loses_voxels_comes_again(self, study, tracker):
        first = study.with_lesions((Lesion(1, clicks=(Click("T0", NEAR),)),))
        second = study.with_lesions((Lesion(2, clicks=(Click("T1", NEAR),)),))
        known = list(tracker.track(first))
        later = by_pair(tracker.propose(second, known=known))
        assert later[1, "T1"].merged_into == 2
        assert set(later) == {(1, "T1"), (2, "T0"), (2, "T1"), (2, "T2")}


class TestOutlining:
    def test_one_proposal_takes_no_registration_and_one_segmentation(
        self, study, tracker, tracked, method, segmenter
    ):
        proposal = by_pair(tracker.propose(study, known=tracked))[1, "T2"]
        method.aligned.clear()
        method.refined_at.clear()
        (found,) = tracker.outline(study, [proposal], known=tracked)
        assert (method.aligned, method.refined_at) == ([], [])
        assert len(segmenter.seen) == 1
        assert (found.lesion, found.scan) == (1, "T2")

    def test_steps_come_to_what_tracking_finds(self, study, tracker, tracked):
        known = list(tracker.propose(study))
        sources = [k for k in known if isinstance(k, Finding)]
        proposals = [k for k in known if isinstance(k, Proposal)]
        at_once = by_pair(tracked)
        steps = by_pair([*sources, *tracker.outline(study, proposals, known=sources)])
        assert set(steps) == set(at_once)
        for key, finding in steps.items():
            assert (
                replace(finding, mask=None).__getstate__() == replace(at_once[key], mask=None).__getstate__()
            )
            assert voxels(finding, study) == voxels(at_once[key], study)

    def test_a_moved_point_outlines_that_scan_alone(self, one, tracker, segmenter):
        known = list(tracker.track(one))
        segmenter.seen.clear()
        lesion = replace(one.lesions[0], clicks=(*one.lesions[0].clicks, Click("T1", FAR)))
        (found,) = tracker.outline(one.with_lesions((lesion,)), [], [(1, "T1")], known=known)
        assert (found.scan, found.origin, found.source_scan) == ("T1", Origin.SOURCE, "T0")
        assert distance_mm(found.point_mm, FAR) < 2
        assert found.proposed_mm == by_pair(known)[1, "T1"].proposed_mm
        (request,) = segmenter.seen
        assert request.prior is not None

    def test_more_clicks_on_the_source_outline_it_anew(self, one, tracker, segmenter):
        known = list(tracker.track(one))
        segmenter.seen.clear()
        (found,) = tracker.outline(one, [], [(1, "T0")], known=known)
        assert (found.scan, found.origin) == ("T0", Origin.SOURCE)
        assert [request.prior for request in segmenter.seen] == [None]

    def test_an_unknown_source_is_outlined_first(self, one, tracker):
        proposal = Proposal(1, "T1", NEAR, "T0")
        found = list(tracker.outline(one, [proposal]))
        assert [f.scan for f in found] == ["T0", "T1"]

    def test_the_finding_says_what_the_proposal_said(self, one, tracker, tracked, segmenter):
        proposal = Proposal(1, "T1", (0.0, 1.0, 0.0), "T0", 2.0, "by hand", "The scans hardly agree.")
        (found,) = tracker.outline(one, [proposal], known=tracked)
        assert (found.origin, found.proposed_mm, found.uncertainty_mm) == (
            Origin.PROPAGATED,
            (0.0, 1.0, 0.0),
            2.0,
        )
        assert (found.registration, found.reason) == ("by hand", "The scans hardly agree.")
        assert segmenter.seen[0].tolerance_mm == pytest.approx(3.0)

    def test_overlaps_with_other_lesions_are_settled(self, study, tracker, tracked):
        proposal = Proposal(2, "T1", NEAR, "T0")
        changed = by_pair(tracker.outline(study, [proposal], known=tracked))
        # Lesion 1 was the larger one on the source scan: the other has merged into it.
        assert changed[2, "T1"].merged_into == 1
        assert set(changed) <= {(1, "T1"), (2, "T1")}

    def test_what_a_reader_has_accepted_keeps_its_voxels(self, study, tracker, tracked):
        known = by_pair(tracked)
        known[1, "T1"] = replace(known[1, "T1"], review=Review.ACCEPTED)
        (found,) = tracker.outline(study, [Proposal(2, "T1", NEAR, "T0")], known=list(known.values()))
        assert (found.lesion, found.merged_into) == (2, 1)

    def test_a_click_on_a_scan_that_cannot_be_aligned_comes_to_the_same_at_once(
        self, one, segmenter, refuses
    ):
        both = Lesion(1, clicks=(Click("T0", NEAR), Click("T1", NEAR)))
        study, tracker = one.with_lesions((both,)), Tracker(refuses(("T1",)), segmenter)
        known = list(tracker.track(study))
        (again,) = tracker.outline(study, [], [(1, "T1")], known=known)
        assert voxels(again, study) == voxels(by_pair(known)[1, "T1"], study)
        at_once, in_steps = segmenter.seen[1], segmenter.seen[-1]
        assert (at_once.prior is None, in_steps.prior is None) == (False, False)

    def test_progress_grows_to_one(self, study, tracker):
        seen = []
        proposals = [Proposal(1, "T1", NEAR, "T0"), Proposal(1, "T2", NEAR, "T0")]
        list(tracker.outline(study, proposals, progress=lambda stage, fraction: seen.append(fraction)))
        assert seen == sorted(seen)
        assert seen[-1] == 1.0

    def test_refusals(self, study, tracker):
        with pytest.raises(InputError, match="no lesion 9 to outline on T1"):
            list(tracker.outline(study, [Proposal(9, "T1", NEAR, "T0")]))
        with pytest.raises(InputError, match="Lesion 1 has neither a positive click nor a box on T1"):
            list(tracker.outline(study, [], [(1, "T1")]))
        with pytest.raises(InputError, match="has no scan 'T9'"):
            list(tracker.outline(study, [Proposal(1, "T9", NEAR, "T0")]))
