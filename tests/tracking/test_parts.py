import numpy as np
import pytest

from napari_longiseg.core.geometry import Grid
from napari_longiseg.tracking.parts import part_at

ISOTROPIC = Grid((41, 41, 61), (1.0, 1.0, 1.0), (-20.0, -20.0, -30.0))
THICK = Grid((15, 58, 86), (2.8, 0.7, 0.7), (-20.0, -20.0, -30.0))


def overlap(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.mark.parametrize("grid", [ISOTROPIC, THICK], ids=["isotropic", "thick slices"])
@pytest.mark.parametrize(
    ("radii", "apart"), [((10, 10), 17), ((11, 6), 15), ((6, 11), 15)], ids=["equal", "large", "small"]
)
def test_two_overlapping_balls_are_cut_at_their_neck(grid, radii, apart, make_ball):
    here, there = (0.0, 0.0, -8.0), (0.0, 0.0, apart - 8.0)
    ours, theirs = make_ball(grid, here, radii[0]), make_ball(grid, there, radii[1])
    # The plane of the circle in which both surfaces meet.
    neck = -8.0 + (apart**2 + radii[0] ** 2 - radii[1] ** 2) / (2 * apart)
    x = grid.origin_mm[2] + np.arange(grid.shape[2]) * grid.spacing_mm[2]
    mask, this_side = ours | theirs, np.broadcast_to(x < neck, grid.shape)
    part = part_at(mask, grid, here, there)
    assert overlap(part, mask & this_side) > 0.97
    rest = part_at(mask, grid, there, here)
    assert overlap(rest, mask & ~this_side) > 0.97


def test_a_click_near_the_rim_stands_for_its_ball(make_ball):
    mask = make_ball(ISOTROPIC, (0, 0, -8), 10) | make_ball(ISOTROPIC, (0, 0, 9), 10)
    at_rim = part_at(mask, ISOTROPIC, (0.0, 9.0, -8.0), (0.0, 0.0, 9.0))
    np.testing.assert_array_equal(at_rim, part_at(mask, ISOTROPIC, (0.0, 0.0, -8.0), (0.0, 0.0, 9.0)))


def test_components_go_as_wholes(make_ball):
    ours, theirs = make_ball(ISOTROPIC, (0, 0, -12), 6), make_ball(ISOTROPIC, (0, 0, 12), 8)
    part = part_at(ours | theirs, ISOTROPIC, (0.0, 4.0, -12.0), (0.0, 0.0, 12.0))
    np.testing.assert_array_equal(part, ours)


def test_a_click_beside_the_mask_belongs_to_what_it_touches(make_ball):
    ours, theirs = make_ball(ISOTROPIC, (0, 0, -12), 6), make_ball(ISOTROPIC, (0, 0, 12), 8)
    beside = part_at(ours | theirs, ISOTROPIC, (0.0, 0.0, -19.0), (0.0, 0.0, 12.0))
    np.testing.assert_array_equal(beside, ours)
    assert part_at(ours | theirs, ISOTROPIC, (0.0, 0.0, -20.0), (0.0, 0.0, 12.0)) is None


def test_within_one_blob_the_nearer_point_counts(make_ball):
    ball = make_ball(ISOTROPIC, (0, 0, 0), 10)
    part = part_at(ball, ISOTROPIC, (0.0, 0.0, 6.0), (0.0, 0.0, 0.0))
    x = ISOTROPIC.origin_mm[2] + np.arange(ISOTROPIC.shape[2])
    np.testing.assert_array_equal(part, ball & (x > 3))


def test_the_same_point_twice_parts_nothing(make_ball):
    ball = make_ball(ISOTROPIC, (0, 0, 0), 10)
    assert not part_at(ball, ISOTROPIC, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)).any()
