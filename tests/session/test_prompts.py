"""Points and boxes that a reader sets, and takes back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import BoxPrompt, Click, SourceMask
from napari_longiseg.session.review import move_point, reset, set_box

THERE = (2.0, 3.0, 4.0)


class TestMovePoint:
    def test_it_takes_the_place_of_the_positive_clicks_there(self, session, outlined):
        before, elsewhere = Click("T0", (1.0, 1.0, 1.0)), Click("T1", (0.0, 0.0, 0.0))
        away = Click("T0", (9.0, 9.0, 9.0), positive=False)
        session.set_lesion(replace(session.lesion(1), clicks=(before, elsewhere, away, before)))
        session.set_known(found := outlined(1, "T0"))
        move_point(session, 1, "T0", THERE)
        assert session.lesion(1).clicks == (Click("T0", THERE), elsewhere, away)
        assert session.finding(1, "T0") is found
        assert session.undo() == "Move the point of lesion 1 on T0"

    def test_where_a_point_is_only_expected(self, session, proposal):
        session.set_known(proposal)
        move_point(session, 1, "T1", THERE)
        assert session.lesion(1).clicks_on("T1") == (Click("T1", THERE),)
        assert session.proposal(1, "T1") is proposal
        assert session.lesion(1).source_scan == "T0"

    def test_an_outline_or_a_box_elsewhere_holds_no_more(self, session, make_mask):
        outline = SourceMask("T0", make_mask("T0", ((0.0, 0.0, 0.0), 6)))
        far, near = ((10.0, 10.0, 10.0), (12.0, 12.0, 12.0)), ((0.0, 0.0, 0.0), (5.0, 5.0, 5.0))
        for corners, kept in ((far, 0), (near, 1)):
            box = BoxPrompt("T0", *corners)
            session.set_lesion(replace(session.lesion(1), source_mask=outline, boxes=(box,)))
            move_point(session, 1, "T0", THERE)
            assert session.lesion(1).source_mask is None
            assert len(session.lesion(1).boxes) == kept

    def test_not_outside_the_scan(self, session):
        with pytest.raises(InputError, match="That point lies outside scan T1: choose one inside"):
            move_point(session, 1, "T1", (500.0, 0.0, 0.0))
        assert len(session.history) == 0


class TestBox:
    def test_one_for_each_scan_cut_to_the_scan(self, session):
        set_box(session, 1, BoxPrompt("T0", (0.0, 0.0, 0.0), (5.0, 5.0, 5.0)))
        set_box(session, 1, BoxPrompt("T1", (0.0, 0.0, 0.0), (5.0, 5.0, 5.0)))
        set_box(session, 1, BoxPrompt("T0", (-100.0, 0.0, 0.0), (5.0, 6.0, 7.0)))
        assert session.lesion(1).box_on("T0") == BoxPrompt("T0", (-25.0, 0.0, 0.0), (5.0, 6.0, 7.0))
        assert len(session.lesion(1).boxes) == 2
        assert session.history.undo_label == "Box around lesion 1 on T0"

    def test_not_outside_the_scan(self, session):
        with pytest.raises(InputError, match="That box lies outside scan T0"):
            set_box(session, 1, BoxPrompt("T0", (500.0, 0.0, 0.0), (505.0, 5.0, 5.0)))


class TestReset:
    def test_what_the_reader_did_and_what_is_known_there_go(self, session, outlined):
        session.add_click(1, Click("T1", THERE))
        session.add_click(1, Click("T1", THERE, positive=False))
        set_box(session, 1, BoxPrompt("T1", (0.0, 0.0, 0.0), (5.0, 5.0, 5.0)))
        session.set_known(outlined(1, "T1"))
        session.set_known(kept := outlined(1, "T2"))
        reset(session, 1, "T1")
        assert session.lesion(1).clicks == (Click("T0", (0.0, 0.0, 0.0)),)
        assert session.lesion(1).boxes == ()
        assert session.finding(1, "T1") is None
        assert session.finding(1, "T2") is kept
        assert session.undo() == "Reset lesion 1 on T1"
        assert len(session.lesion(1).clicks) == 3

    def test_a_proposal_goes_and_the_lesion_stays_as_it_is(self, session, proposal):
        session.set_known(proposal)
        reset(session, 1, "T1")
        assert session.proposals == ()
        with pytest.raises(InputError, match="There is nothing to reset of lesion 1 on T1"):
            reset(session, 1, "T1")

    def test_the_only_prompt_stays(self, session, outlined, make_mask):
        first = session.lesion(1).clicks[0]
        session.add_click(1, Click("T0", THERE, positive=False))
        session.add_click(1, Click("T0", THERE))
        session.set_known(outlined(1, "T0"))
        reset(session, 1, "T0")
        assert session.lesion(1).clicks == (first,)
        assert session.finding(1, "T0") is None

        box = BoxPrompt("T0", (0.0, 0.0, 0.0), (5.0, 5.0, 5.0))
        session.set_lesion(replace(session.lesion(1), clicks=(), boxes=(box,)))
        session.set_known(outlined(1, "T0"))
        reset(session, 1, "T0")
        assert session.lesion(1).boxes == (box,)

        outline = SourceMask("T0", make_mask("T0", ((0.0, 0.0, 0.0), 6)))
        session.set_lesion(replace(session.lesion(1), boxes=(box,), source_mask=outline))
        reset(session, 1, "T0")
        assert (session.lesion(1).boxes, session.lesion(1).source_mask) == ((), outline)
