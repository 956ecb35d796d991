"""What is owed to readers, and which results are of no use to them any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_longiseg._napari.work.agenda import Agenda
from napari_longiseg._napari.work.job import Job, Priority
from napari_longiseg._napari.work.request import Request
from napari_longiseg.core.lesion import Click, Finding, Origin, Presence, Review
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.state import State

KEYS = ((1, "T0"), (1, "T1"), (1, "T2"))


def found(scan: str, lesion: int = 1, review: Review = Review.PROPOSED) -> Finding:
    return Finding(lesion, scan, Presence.NOT_FOUND, Origin.PROPAGATED, "T0", review)


def expected(scan: str, lesion: int = 1) -> Proposal:
    return Proposal(lesion, scan, (0.0, 0.0, 0.0), "T0")


@pytest.fixture
def state(study) -> State:
    return State({lesion.id: lesion for lesion in study.lesions})


@pytest.fixture
def request_(study, state) -> Request:
    """For lesion 1 on all scans, begun."""
    request = Request(study, KEYS, outlines=True)
    request.begin(state)
    return request


def clicked(state: State, scan: str) -> State:
    lesion = state.lesions[1]
    return state.with_lesion(replace(lesion, clicks=(*lesion.clicks, Click(scan, (2.0, 2.0, 2.0)))))


def test_proposals_settle_what_is_not_to_be_outlined(study, state):
    for outlines, owed in ((False, {(1, "T0"), (1, "T2")}), (True, set(KEYS))):
        request = Request(study, KEYS, outlines=outlines)
        request.begin(state)
        request.settle(expected("T1"))
        assert request.owed == owed


def test_the_work_gets_the_lesions_that_still_exist(study, state):
    request = Request(study, [*KEYS, (2, "T0")], outlines=True)
    works_on, _ = request.begin(state.without_lesion(2))
    assert [lesion.id for lesion in works_on.lesions] == [1]


def test_what_a_click_shall_change_is_not_taken_as_known_until_it_has_come(study, state):
    request = Request(study, KEYS, outlines=True, clicked=[(1, "T0")])
    before = state.with_known(found("T0")).with_known(found("T1"))
    assert [finding.scan for finding in request.begin(before)[1]] == ["T1"]
    request.settle(found("T0"))
    assert len(request.begin(before)[1]) == 2, "where the work has to start anew"


def test_results_are_fresh_while_nothing_changes(request_, state):
    assert not request_.is_stale(found("T1"), state)
    assert not request_.is_stale(found("T1"), state.with_known(found("T2")))


@pytest.mark.parametrize(("scan", "stale"), [("T0", True), ("T1", True), ("T2", False)])
def test_a_click_on_its_scan_or_on_the_source_makes_a_result_stale(request_, state, scan, stale):
    assert request_.is_stale(found("T1"), clicked(state, scan)) is stale


def test_other_names_and_colours_do_not(request_, state):
    renamed = state.with_lesion(replace(state.lesions[1], name="other", colour="#ff0000"))
    assert not request_.is_stale(found("T1"), renamed)


def test_a_lesion_that_is_gone_gets_nothing(request_, state):
    assert request_.is_stale(found("T1"), state.without_lesion(1))


def test_what_a_reader_has_decided_meanwhile_stays(request_, state):
    accepted = state.with_known(found("T1", review=Review.ACCEPTED))
    moved = state.with_known(expected("T1"))
    assert request_.is_stale(found("T1"), accepted)
    assert request_.is_stale(found("T1"), moved)


def test_what_a_reader_has_reset_meanwhile_stays_empty(study, state):
    request = Request(study, KEYS, outlines=True)
    request.begin(state.with_known(found("T1")))
    assert request.is_stale(found("T1"), state)


def test_what_was_accepted_before_may_be_found_anew_where_that_was_asked_for(study, state):
    accepted = state.with_known(found("T1", review=Review.ACCEPTED))
    request = Request(study, KEYS, outlines=True)
    request.begin(accepted)
    assert not request.is_stale(found("T1"), accepted)


def test_an_outline_follows_the_proposal_of_the_same_work(request_, state):
    proposal = expected("T1")
    request_.settle(proposal)
    assert not request_.is_stale(found("T1"), state.with_known(proposal))


def test_neighbours_change_only_where_they_are_as_the_work_has_known_them(study, state):
    neighbour = found("T1", lesion=2)
    request = Request(study, KEYS, outlines=True)
    request.begin(state.with_known(neighbour))
    assert not request.is_stale(found("T1", lesion=2), state.with_known(neighbour))
    assert request.is_stale(found("T1", lesion=2), state.with_known(found("T1", lesion=2)))


def test_a_click_that_hits_nothing_ends_what_was_asked_for_with_it(study, state):
    whole = Request(study, KEYS, outlines=True, clicked=[(1, "T0")])
    whole.begin(state)
    assert whole.hits_nothing(found("T0"))
    assert not whole.hits_nothing(found("T1"))
    assert whole.refuse(found("T0"))
    one = Request(study, [(1, "T1"), (1, "T2")], outlines=True, clicked=[(1, "T1")])
    one.begin(state)
    assert not one.refuse(found("T1"))
    assert one.owed == {(1, "T2")}


def test_the_newest_request_of_a_lesion_on_a_scan_replaces_those_before(study, state):
    agenda = Agenda()
    jobs = [Job(lambda progress: iter(())) for _ in range(3)]
    first = Request(study, KEYS, outlines=True)
    first.begin(state)
    assert agenda.add(jobs[0], first, of_study=True) == []
    assert agenda.add(jobs[1], Request(study, [(1, "T1")], outlines=True), of_study=True) == []
    assert first.is_stale(found("T1"), state)
    assert not first.is_stale(found("T2"), state)
    assert agenda.owed == set(KEYS)
    assert agenda.add(jobs[2], Request(study, KEYS, outlines=True), of_study=True) == jobs[:2]


def test_nobody_waits_for_what_is_done_in_the_background():
    agenda, job = Agenda(), Job(lambda progress: iter(()), Priority.BACKGROUND)
    agenda.add(job, None, of_study=False)
    assert not agenda.busy
    assert (agenda.jobs, agenda.of_study) == ((job,), ())
    agenda.remove(job)
    assert agenda.jobs == ()
