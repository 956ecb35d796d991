"""What a reader says of findings: each is one step of undo, or refused with nothing changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import Click, Finding, Origin, Presence, Review
from napari_longiseg.session import review


def test_accepting_is_one_step_and_can_be_taken_back(session, outlined):
    session.set_known(outlined(1, "T1"))
    review.accept(session, 1, "T1")
    assert session.finding(1, "T1").review is Review.ACCEPTED
    assert session.history.undo_label == "Accept lesion 1 on T1"
    review.accept(session, 1, "T1")  # says nothing new
    assert len(session.history) == 1
    session.undo()
    assert session.finding(1, "T1").review is Review.PROPOSED


def test_what_was_edited_stays_so(session, outlined):
    session.set_known(replace(outlined(1, "T1"), review=Review.EDITED))
    review.accept(session, 1, "T1")
    assert session.finding(1, "T1").review is Review.EDITED


def test_a_proposal_cannot_be_accepted_as_a_finding(session, proposal):
    session.set_known(proposal)
    with pytest.raises(InputError, match="Lesion 1 is not outlined on T1 yet"):
        review.accept(session, 1, "T1")
    with pytest.raises(InputError, match="There is no lesion 9"):
        review.accept(session, 9, "T1")
    with pytest.raises(InputError, match="no scan 'T9'"):
        review.accept(session, 1, "T9")


class TestNotFound:
    @pytest.fixture
    def missing(self) -> Finding:
        """What a method says that has found nothing."""
        return Finding(1, "T1", Presence.NOT_FOUND, Origin.PROPAGATED, "T0", reason="Nothing stands out.")

    def test_agreed_with_it_is_gone(self, session, missing):
        session.set_known(missing)
        assert not missing.is_gone
        review.accept(session, 1, "T1")
        said = session.finding(1, "T1")
        assert (said.presence, said.review, said.is_gone) == (Presence.RESOLVED, Review.ACCEPTED, True)
        assert said.reason == "Gone, says the reader. Nothing stands out."
        assert session.undo() == "Lesion 1 is gone on T1"
        assert session.finding(1, "T1") is missing

    def test_not_where_it_starts(self, session, missing):
        session.set_known(replace(missing, scan="T0"))
        with pytest.raises(InputError, match="Lesion 1 starts on T0 and cannot be gone there"):
            review.accept(session, 1, "T0")

    def test_what_a_reader_has_erased_or_seen_to_be_not_there_yet_is_gone(self, missing):
        assert replace(missing, review=Review.EDITED).is_gone
        assert replace(missing, review=Review.ACCEPTED).is_gone
        assert not replace(missing, presence=Presence.OUT_OF_VIEW, review=Review.ACCEPTED).is_gone


class TestGone:
    def test_its_place_is_kept(self, session, outlined):
        found = replace(outlined(1, "T1"), merged_into=2)
        session.set_known(found)
        review.resolve(session, 1, "T1")
        said = session.finding(1, "T1")
        assert (said.presence, said.review) == (Presence.RESOLVED, Review.ACCEPTED)
        assert said.reason == "Gone, says the reader."
        assert (said.mask, said.measurements, said.confidence, said.merged_into) == (None,) * 4
        assert said.point_mm == found.point_mm
        assert session.undo() == "Lesion 1 is gone on T1"
        assert session.finding(1, "T1") is found

    def test_said_twice_it_is_one_step(self, session, outlined):
        session.set_known(outlined(1, "T1"))
        review.resolve(session, 1, "T1")
        review.resolve(session, 1, "T1")
        assert len(session.history) == 1

    def test_where_it_is_expected_only(self, session, proposal):
        session.set_known(proposal)
        review.resolve(session, 1, "T1")
        said = session.finding(1, "T1")
        assert (said.point_mm, said.proposed_mm) == (proposal.point_mm, proposal.point_mm)
        assert (said.uncertainty_mm, said.registration) == (2.5, "rigid")
        assert session.proposals == ()

    def test_where_nothing_is_known(self, session):
        review.resolve(session, 1, "T2")
        assert session.finding(1, "T2").point_mm is None
        with pytest.raises(InputError, match="Lesion 3 starts nowhere yet: click it"):
            review.resolve(session, session.add_lesion().id, "T2")

    def test_not_where_it_starts(self, session):
        with pytest.raises(InputError, match="Lesion 1 starts on T0 and cannot be gone there"):
            review.resolve(session, 1, "T0")

    def test_not_while_another_is_measured_with_it(self, session, outlined):
        session.set_known(outlined(1, "T1"))
        session.set_known(Finding(2, "T1", Presence.PRESENT, Origin.PROPAGATED, "T0", merged_into=1))
        with pytest.raises(InputError, match="Lesion 2 is measured with lesion 1 on T1: reset lesion 2"):
            review.resolve(session, 1, "T1")


def test_not_evaluable_even_where_it_starts(session, outlined):
    session.set_known(outlined(1, "T0"))
    review.not_evaluable(session, 1, "T0")
    said = session.finding(1, "T0")
    assert (said.presence, said.review, said.mask) == (Presence.NOT_EVALUABLE, Review.ACCEPTED, None)
    assert said.reason == "Not evaluable, says the reader."
    assert session.history.undo_label == "Lesion 1 is not evaluable on T0"


class TestNew:
    @pytest.fixture
    def late(self, session, outlined):
        """A lesion that was clicked on the last scan, with findings on all."""
        lesion = session.add_lesion()
        session.add_click(lesion.id, Click("T2", (0.0, 0.0, 0.0)))
        for scan in ("T0", "T1", "T2"):
            session.set_known(replace(outlined(lesion.id, scan), source_scan="T2"))
        return lesion.id

    def test_it_was_not_there_on_earlier_scans(self, session, late):
        steps = len(session.history)
        review.mark_new(session, late, "T2")
        assert session.finding(late, "T2").origin is Origin.NEW
        assert session.finding(late, "T2").review is Review.PROPOSED
        for scan in ("T0", "T1"):
            said = session.finding(late, scan)
            assert (said.presence, said.review, said.mask) == (Presence.NOT_FOUND, Review.ACCEPTED, None)
            assert said.reason == "Not there yet: new on T2."
        assert len(session.history) == steps + 1

    def test_what_was_reviewed_there_stays(self, session, late):
        review.accept(session, late, "T0")
        review.mark_new(session, late, "T2")
        assert session.finding(late, "T0").mask is not None
        assert session.finding(late, "T1").mask is None

    def test_not_where_it_was_marked_before(self, session, late, outlined):
        session.set_known(outlined(1, "T1"))
        with pytest.raises(InputError, match="Lesion 1 cannot be new on T1: it was marked on T0 before"):
            review.mark_new(session, 1, "T1")
        assert session.finding(1, "T0") is None

    def test_not_without_an_outline(self, session, proposal):
        session.set_known(proposal)
        with pytest.raises(InputError, match="Lesion 1 is not outlined on T1 yet"):
            review.mark_new(session, 1, "T1")
        review.resolve(session, 1, "T1")
        with pytest.raises(InputError, match="Lesion 1 has no outline on T1; one that is new"):
            review.mark_new(session, 1, "T1")


def test_colours(session):
    review.recolour(session, 1, "#FF8800")
    assert session.lesion(1).colour == "#ff8800"
    review.recolour(session, 1, "#ff8800")
    assert len(session.history) == 1
    review.recolour(session, 1, "")
    assert session.lesion(1).colour == ""
    with pytest.raises(InputError, match="A colour must be written like #ff8800, not 'red'"):
        review.recolour(session, 1, "red")


class TestNextUnreviewed:
    @pytest.fixture
    def started(self, session, outlined, proposal):
        """Lesion 1 starts on T1; lesion 2 was clicked, and nothing is known of it on T0."""
        session.set_lesion(replace(session.lesion(1), clicks=(Click("T1", (0.0, 0.0, 0.0)),)))
        session.set_known(outlined(1, "T1"))
        session.set_known(replace(proposal, scan="T0"))
        session.set_known(replace(proposal, scan="T2"))
        session.set_known(outlined(2, "T2"))
        return session

    def test_lesion_by_lesion_the_source_first_and_round(self, started):
        order, at = [], None
        for _ in range(5):
            at = review.next_unreviewed(started, at)
            order.append(at)
        assert order == [(1, "T1"), (1, "T0"), (1, "T2"), (2, "T2"), (1, "T1")]

    def test_what_is_reviewed_is_passed_over(self, started, outlined):
        review.accept(started, 1, "T1")
        started.set_known(replace(outlined(1, "T0"), review=Review.EDITED))
        assert review.next_unreviewed(started, None) == (1, "T2")
        review.resolve(started, 1, "T2")
        assert review.next_unreviewed(started, (2, "T2")) == (2, "T2")
        review.accept(started, 2, "T2")
        assert review.next_unreviewed(started, (2, "T2")) is None

    def test_an_accepted_point_is_still_to_be_looked_at(self, started, proposal):
        review.accept(started, 1, "T1")
        started.set_known(replace(proposal, scan="T0", verified=True))
        assert review.next_unreviewed(started, None) == (1, "T0")

    def test_a_lesion_is_finished_before_the_next_one(self, started):
        assert review.next_unreviewed(started, (1, "T2")) == (2, "T2")
        assert review.next_unreviewed(started, (1, "T2"), finish=True) == (1, "T1")
        for scan in ("T0", "T1", "T2"):
            review.not_evaluable(started, 1, scan)
        assert review.next_unreviewed(started, (1, "T2"), finish=True) == (2, "T2")

    def test_where_not_to_go(self, started):
        found = review.next_unreviewed(started, None, passed_over=lambda key: key[1] in ("T0", "T1"))
        assert found == (1, "T2")
        assert review.next_unreviewed(started, None, passed_over=lambda _: True) is None

    def test_after_a_lesion_that_is_no_more(self, started):
        started.remove_lesion(1)
        assert review.next_unreviewed(started, (1, "T2")) == (2, "T2")

    def test_without_a_study(self, session):
        session.open(None)
        assert review.next_unreviewed(session, None) is None
