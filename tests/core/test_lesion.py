import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Box
from napari_longiseg.core.lesion import (
    BoxPrompt,
    Click,
    Finding,
    Lesion,
    LesionMask,
    Origin,
    Presence,
    Review,
    SourceMask,
)


def test_mask_is_cropped_and_comes_back(grid, make_ball):
    full = make_ball(grid, (-10, 30, 20), 6)
    mask = LesionMask.of(full)
    assert mask.voxels.shape == mask.box.shape
    np.testing.assert_array_equal(mask.on(grid.shape), full)
    np.testing.assert_allclose(mask.grid(grid).to_mm((0, 0, 0)), grid.to_mm(mask.box.start))


def test_mask_of_a_box(grid):
    part = np.zeros((4, 4, 4), bool)
    part[1, 2, 3] = True
    assert LesionMask.of(part, Box((5, 6, 7), (9, 10, 11))).box == Box((6, 8, 10), (7, 9, 11))


def test_without(grid, make_ball):
    full = make_ball(grid, (-10, 30, 20), 6)
    box = Box((0, 0, 0), (grid.shape[0], grid.shape[1], 15))
    rest = LesionMask.of(full).without(np.ones(box.shape, bool), box)
    expected = full.copy()
    expected[:, :, :15] = False
    np.testing.assert_array_equal(rest.on(grid.shape), expected)


def test_mask_and_box_must_agree():
    with pytest.raises(InputError, match="does not fill"):
        LesionMask(Box((0, 0, 0), (2, 2, 2)), np.zeros((3, 3, 3), bool))


def test_source_is_the_outline_then_the_first_positive_click(grid):
    clicks = (Click("T2", (0, 0, 0), positive=False), Click("T1", (0, 0, 0)), Click("T0", (0, 0, 0)))
    assert Lesion(1, clicks=clicks).source_scan == "T1"
    outlined = SourceMask("T0", LesionMask.of(np.ones(grid.shape, bool)))
    assert Lesion(1, clicks=clicks, source_mask=outlined).source_scan == "T0"
    assert Lesion(1).source_scan is None


def test_a_reader_shows_a_lesion_by_a_click_else_by_a_box():
    box = BoxPrompt("T0", (-2.0, -4.0, 0.0), (2.0, 8.0, 6.0))
    no = Click("T0", (9.0, 9.0, 9.0), positive=False)
    assert Lesion(1, clicks=(no,), boxes=(box,)).point_on("T0") == (0.0, 2.0, 3.0)
    assert Lesion(1, clicks=(no, Click("T0", (1.0, 1.0, 1.0))), boxes=(box,)).point_on("T0") == (
        1.0,
        1.0,
        1.0,
    )
    assert Lesion(1, clicks=(no,), boxes=(box,)).point_on("T1") is None


@pytest.mark.parametrize(
    ("origin", "review", "reviewed", "readers"),
    [
        (Origin.PROPAGATED, Review.PROPOSED, False, False),
        (Origin.SOURCE, Review.PROPOSED, False, True),
        (Origin.PROPAGATED, Review.ACCEPTED, True, True),
        (Origin.PROPAGATED, Review.EDITED, True, True),
    ],
)
def test_what_a_reader_vouches_for(origin, review, reviewed, readers):
    finding = Finding(1, "T0", Presence.PRESENT, origin, "T0", review)
    assert (finding.is_reviewed, finding.is_readers) == (reviewed, readers)


def test_ids_start_at_one():
    with pytest.raises(InputError, match="1 or more"):
        Lesion(0)
