from dataclasses import replace

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Box
from napari_longiseg.core.lesion import Finding, Lesion, LesionMask, Origin, Presence, Review
from napari_longiseg.core.scan import Scan
from napari_longiseg.tracking.edits import gap_mm, merged, outlined_by_hand, redrawn, split
from napari_longiseg.tracking.findings import with_mask

LEFT, RIGHT = (-8.0, 36.0, 18.0), (-8.0, 36.0, 40.0)


@pytest.fixture
def scan(grid):
    image = np.full(grid.shape, 40, np.int16)
    image[:, :, 24:] = 80
    return Scan("T1", image, grid)


@pytest.fixture
def ball(scan, make_ball):
    return lambda centre, radius: LesionMask.of(make_ball(scan.grid, centre, radius))


@pytest.fixture
def found(scan, ball):
    """A propagated finding with one ball or several."""

    def make(lesion, *balls):
        mask = ball(*balls[0])
        for other in balls[1:]:
            mask = mask.union(ball(*other))
        draft = Finding(
            lesion,
            "T1",
            Presence.PRESENT,
            Origin.PROPAGATED,
            "T0",
            proposed_mm=LEFT,
            confidence=0.4,
            uncertainty_mm=2.0,
            registration="rigid",
            segmenter="region",
            reason="The border is faint: check this outline.",
        )
        return with_mask(draft, mask, scan)

    return make


def on(finding, scan):
    return finding.mask.on(scan.grid.shape)


class TestRedrawn:
    def test_the_outline_is_measured_anew(self, scan, ball, found):
        before = found(1, (LEFT, 5))
        after = redrawn(before, ball(RIGHT, 7), scan)
        assert (after.review, after.presence) == (Review.EDITED, Presence.PRESENT)
        assert after.measurements.volume_ml == pytest.approx(on(after, scan).sum() * scan.grid.voxel_ml)
        assert after.measurements.mean_hu == 80
        np.testing.assert_allclose(after.point_mm, RIGHT, atol=2)
        assert (after.confidence, after.reason) == (None, "")
        assert (after.proposed_mm, after.registration) == (LEFT, "rigid")

    def test_a_loose_box_is_no_matter(self, scan, ball, found):
        whole = LesionMask(Box((0, 0, 0), scan.grid.shape), ball(RIGHT, 7).on(scan.grid.shape))
        after = redrawn(found(1, (LEFT, 5)), whole, scan)
        assert after.mask.box == ball(RIGHT, 7).box

    def test_all_of_it_erased(self, scan, found):
        before = found(1, (LEFT, 5))
        after = redrawn(before, LesionMask.of(np.zeros(scan.grid.shape, bool)), scan)
        assert (after.presence, after.review) == (Presence.NOT_FOUND, Review.EDITED)
        assert (after.mask, after.measurements, after.reason) == (None, None, "Erased by the reader.")
        assert after.point_mm == before.point_mm

    def test_painting_undoes_a_merger(self, scan, ball, found):
        _, gone = merged(found(1, (LEFT, 5)), found(2, (RIGHT, 5)), scan)
        again = redrawn(gone, ball(RIGHT, 5), scan)
        assert (again.merged_into, again.reason) == (None, "")


class TestDrawnByHand:
    def test_a_finding_of_the_reader_s_own(self, scan, ball):
        drawn = outlined_by_hand(Lesion(3), scan, ball(LEFT, 5), "T0")
        assert (drawn.lesion, drawn.scan, drawn.source_scan) == (3, "T1", "T0")
        assert (drawn.origin, drawn.review) == (Origin.SOURCE, Review.EDITED)
        assert drawn.measurements.mean_hu == 40

    def test_nothing_drawn(self, scan):
        nothing = LesionMask.of(np.zeros(scan.grid.shape, bool))
        with pytest.raises(InputError, match="Nothing is drawn of lesion 3 on T1"):
            outlined_by_hand(Lesion(3), scan, nothing, "T0")


class TestMerged:
    def test_one_is_measured_the_other_points_to_it(self, scan, found):
        a, b = found(1, (LEFT, 5)), found(2, (RIGHT, 5))
        keeper, gone = merged(a, b, scan)
        np.testing.assert_array_equal(on(keeper, scan), on(a, scan) | on(b, scan))
        both_ml = a.measurements.volume_ml + b.measurements.volume_ml
        assert keeper.measurements.volume_ml == pytest.approx(both_ml)
        assert (gone.mask, gone.measurements, gone.merged_into) == (None, None, 1)
        assert gone.reason.startswith("Merged into lesion 1 and measured there.")
        assert keeper.review is gone.review is Review.EDITED

    def test_outlines_that_do_not_touch_say_so(self, scan, found):
        a, b = found(1, (LEFT, 5)), found(2, (RIGHT, 5))
        gap = gap_mm(a.mask, b.mask, scan)
        assert gap == pytest.approx(RIGHT[2] - LEFT[2] - 10, abs=2 * max(scan.grid.spacing_mm))
        keeper, _ = merged(a, b, scan)
        assert keeper.reason == f"Merged from outlines {gap:.0f} mm apart; its diameters may span both."
        beside = found(2, ((LEFT[0], LEFT[1], LEFT[2] + 9.5), 5))
        assert gap_mm(a.mask, beside.mask, scan) == 0
        assert merged(a, beside, scan)[0].reason == ""

    def test_the_gap_is_that_of_the_nearest_voxels(self, scan):
        rng = np.random.default_rng(2)
        for _ in range(20):
            masks = [
                LesionMask.of(rng.random(rng.integers(2, 9, 3)) < 0.6, Box.around(at, (9, 9, 9)))
                for at in rng.integers(5, 22, (2, 3))
            ]
            one, other = (np.argwhere(mask.voxels) + mask.box.start for mask in masks)
            apart = np.abs(one[:, None] - other)
            expected = np.linalg.norm(apart * scan.grid.spacing_mm, axis=-1).min()
            assert gap_mm(*masks, scan) == pytest.approx(0.0 if apart.max(axis=-1).min() <= 1 else expected)

    def test_a_keeper_without_an_outline_gets_the_other_s(self, scan, found):
        b = found(2, (RIGHT, 5))
        missed = replace(
            found(1, (LEFT, 5)), presence=Presence.NOT_FOUND, mask=None, measurements=None, merged_into=2
        )
        keeper, _ = merged(missed, b, scan)
        assert keeper.presence is Presence.PRESENT
        assert keeper.merged_into is None
        np.testing.assert_array_equal(on(keeper, scan), on(b, scan))

    def test_refusals(self, scan, found):
        a, b = found(1, (LEFT, 5)), found(2, (RIGHT, 5))
        with pytest.raises(InputError, match="two lesions of the same scan"):
            merged(a, a, scan)
        with pytest.raises(InputError, match="two lesions of the same scan"):
            merged(a, replace(b, scan="T2"), scan)
        with pytest.raises(InputError, match="Lesion 2 has no outline on T1 to merge into lesion 1"):
            merged(a, replace(b, mask=None), scan)


class TestSplit:
    def test_two_that_touch(self, scan, found):
        whole = found(1, (LEFT, 7), ((-8.0, 36.0, 30.0), 6))
        rest, new = split(whole, (-8.0, 36.0, 32.0), 5, scan)
        assert not (on(rest, scan) & on(new, scan)).any()
        np.testing.assert_array_equal(on(rest, scan) | on(new, scan), on(whole, scan))
        np.testing.assert_allclose(rest.point_mm, LEFT, atol=2)
        np.testing.assert_allclose(new.point_mm, (-8, 36, 30.5), atol=2)

    def test_what_each_of_them_is(self, scan, found):
        rest, new = split(found(1, (LEFT, 7), (RIGHT, 5)), RIGHT, 5, scan)
        assert (rest.lesion, rest.split_from, rest.origin) == (1, None, Origin.PROPAGATED)
        assert (new.lesion, new.split_from, new.origin) == (5, 1, Origin.SOURCE)
        assert (new.source_scan, new.proposed_mm, new.registration) == ("T1", None, "")
        assert rest.proposed_mm == LEFT
        assert rest.review is new.review is Review.EDITED
        assert new.measurements.mean_hu == 80

    def test_refusals(self, scan, found):
        whole = found(1, (LEFT, 7))
        with pytest.raises(InputError, match="outside lesion 1 on T1: choose one within its outline"):
            split(whole, RIGHT, 5, scan)
        with pytest.raises(InputError, match="not tell two parts of lesion 1 on T1 apart"):
            split(whole, whole.point_mm, 5, scan)
        with pytest.raises(InputError, match="Lesion 1 has no outline on T1 that could be split"):
            split(replace(whole, mask=None), LEFT, 5, scan)
