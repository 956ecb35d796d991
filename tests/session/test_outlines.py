"""Painting, merging and splitting: one step of undo, however many lesions change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import Click, Finding, LesionMask, Origin, Presence, Review, SourceMask
from napari_longiseg.session.review import accept, cut, gap_mm, merge, redraw, split

LEFT, RIGHT = (0.0, 0.0, -9.0), (0.0, 0.0, 9.0)


class TestRedraw:
    def test_all_that_a_stroke_changed_is_one_step(self, session, outlined, make_mask):
        session.set_known(before := outlined(1, "T1"))
        bigger, other = make_mask("T1", ((0.0, 0.0, 0.0), 8)), make_mask("T1", (LEFT, 4))
        redraw(session, "T1", {2: other, 1: bigger})
        first, second = session.findings_on("T1")
        assert (first.review, second.review) == (Review.EDITED, Review.EDITED)
        np.testing.assert_array_equal(first.mask.voxels, bigger.voxels)
        assert first.measurements.volume_ml > before.measurements.volume_ml
        assert (second.origin, second.source_scan) == (Origin.SOURCE, "T0")
        assert session.undo() == "Paint lesions 1, 2 on T1"
        assert session.findings == (before,)

    def test_what_was_expected_there_is_kept(self, session, proposal, make_mask):
        session.set_known(proposal)
        redraw(session, "T1", {1: make_mask("T1", (LEFT, 4))})
        found = session.finding(1, "T1")
        assert (found.proposed_mm, found.uncertainty_mm, found.registration) == (
            (1.0, 2.0, 3.0),
            2.5,
            "rigid",
        )
        assert session.proposals == ()

    def test_a_lesion_may_start_from_what_was_painted(self, session, make_mask):
        mask, later = make_mask("T1", (LEFT, 4)), make_mask("T1", (LEFT, 5))
        redraw(session, "T1", {5: mask})
        assert session.lesion(5).source_mask == SourceMask("T1", mask)
        assert session.finding(5, "T1").source_scan == "T1"
        redraw(session, "T1", {5: later})
        assert session.lesion(5).source_mask.mask is later
        redraw(session, "T2", {5: make_mask("T2", (LEFT, 5))})
        assert session.lesion(5).source_mask.mask is later

    def test_erased(self, session, outlined):
        nothing = LesionMask.of(np.zeros((30, 50, 50), bool))
        session.set_known(outlined(1, "T1"))
        redraw(session, "T1", {1: nothing, 2: nothing})
        assert session.finding(1, "T1").presence is Presence.NOT_FOUND
        assert session.finding(2, "T1") is None  # nothing was known of it
        redraw(session, "T2", {2: nothing})
        assert session.history.undo_label == "Paint lesion 1 on T1"


class TestMerge:
    def test_one_points_to_the_other_which_is_measured(self, session, outlined):
        session.set_known(outlined(1, "T1", (LEFT, 5)))
        session.set_known(outlined(2, "T1", (RIGHT, 5)))
        volumes = sum(found.measurements.volume_ml for found in session.findings)
        session.set_known(
            replace(session.finding(2, "T1"), lesion=session.add_lesion().id, mask=None, merged_into=2)
        )
        merge(session, 1, 2, "T1")
        kept, gone, earlier = session.findings_on("T1")
        assert kept.measurements.volume_ml == pytest.approx(volumes)
        assert (gone.mask, gone.merged_into, earlier.merged_into) == (None, 1, 1)
        assert session.undo() == "Merge lesion 2 into lesion 1 on T1"
        assert session.finding(2, "T1").mask is not None

    def test_not_without_two_outlines(self, session, outlined):
        session.set_known(outlined(1, "T1"))
        with pytest.raises(InputError, match="Lesion 2 is not outlined on T1 yet"):
            merge(session, 1, 2, "T1")
        session.set_known(Finding(2, "T1", Presence.NOT_FOUND, Origin.PROPAGATED, "T0"))
        with pytest.raises(InputError, match="Lesion 2 has no outline on T1"):
            merge(session, 2, 1, "T1")
        with pytest.raises(InputError, match="outline"):
            gap_mm(session, 2, 1, "T1")
        with pytest.raises(InputError, match="Choose two lesions"):
            merge(session, 1, 1, "T1")


class TestSplit:
    @staticmethod
    def split(session, lesion, scan, point) -> int:
        wanted = cut(session, lesion, scan, point)
        return split(session, wanted, wanted.parts())

    def test_the_part_at_the_point_is_a_lesion_that_can_be_tracked(self, session, outlined):
        session.set_known(whole := outlined(1, "T1", (LEFT, 6), (RIGHT, 5)))
        new = self.split(session, 1, "T1", RIGHT)
        assert (new, session.selected) == (3, 3)
        assert session.lesion(new).clicks == (Click("T1", RIGHT),)
        rest, part = session.finding(1, "T1"), session.finding(new, "T1")
        assert part.split_from == 1
        assert rest.measurements.volume_ml > part.measurements.volume_ml
        assert session.undo() == "Split lesion 1 on T1"
        assert session.finding(1, "T1") is whole
        assert len(session.lesions) == 2

    def test_refused_it_leaves_no_new_lesion(self, session, outlined):
        session.select(1)
        session.set_known(outlined(1, "T1", (LEFT, 6)))
        with pytest.raises(InputError, match="That point lies outside lesion 1"):
            self.split(session, 1, "T1", RIGHT)
        with pytest.raises(InputError, match="That point lies outside scan T1"):
            self.split(session, 1, "T1", (500.0, 0.0, 0.0))
        assert len(session.lesions) == 2
        assert session.selected == 1

    def test_not_where_something_was_done_since(self, session, outlined):
        session.set_known(outlined(1, "T1", (LEFT, 6), (RIGHT, 5)))
        wanted = cut(session, 1, "T1", RIGHT)
        parts = wanted.parts()
        accept(session, 1, "T1")
        with pytest.raises(InputError, match="Lesion 1 on T1 was changed meanwhile"):
            split(session, wanted, parts)
        session.undo()
        session.add_lesion()  # which has the id that the new one was to get
        with pytest.raises(InputError, match="changed meanwhile: split it again"):
            split(session, wanted, parts)
        session.undo()
        assert split(session, wanted, parts) == 3
