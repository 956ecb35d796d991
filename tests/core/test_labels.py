import numpy as np

from napari_longiseg.core.geometry import Box
from napari_longiseg.core.labels import label_volume, labels_within
from napari_longiseg.core.lesion import Finding, LesionMask, Origin, Presence


def finding(lesion, mask, point):
    return Finding(
        lesion, "T0", Presence.PRESENT, Origin.SOURCE, "T0", point_mm=point, mask=LesionMask.of(mask)
    )


def test_overlap_goes_to_the_nearer_point(grid, make_ball):
    a, b = (-10.0, 30.0, 20.0), (-10.0, 30.0, 28.0)
    ball_a, ball_b = make_ball(grid, a, 6), make_ball(grid, b, 6)
    forward = label_volume([finding(1, ball_a, a), finding(2, ball_b, b)], grid)
    backward = label_volume([finding(2, ball_b, b), finding(1, ball_a, a)], grid)
    np.testing.assert_array_equal(forward, backward)
    np.testing.assert_array_equal(forward > 0, ball_a | ball_b)
    assert forward[grid.nearest_voxel((-10, 30, 23))] == 1
    assert forward[grid.nearest_voxel((-10, 30, 25))] == 2


def test_painted_in_place_and_cleared(grid, make_ball):
    out = np.full(grid.shape, 9, np.uint16)
    same = label_volume([finding(3, make_ball(grid, (-10, 30, 20), 5), (-10, 30, 20))], grid, out=out)
    assert same is out
    assert set(np.unique(out)) == {0, 3}


def test_absent_lesions_leave_no_mark(grid):
    absent = Finding(1, "T0", Presence.NOT_FOUND, Origin.PROPAGATED, "T1")
    assert not label_volume([absent], grid).any()


def test_a_box_is_painted_as_the_whole_is(grid, make_ball):
    a, b = (-10.0, 30.0, 20.0), (-10.0, 30.0, 28.0)
    findings = [finding(1, make_ball(grid, a, 6), a), finding(2, make_ball(grid, b, 6), b)]
    box = Box((6, 10, 12), (11, 18, 30))
    part = labels_within(findings, grid, box)
    np.testing.assert_array_equal(part, label_volume(findings, grid)[box.slices])
    assert set(np.unique(part)) == {0, 1, 2}
