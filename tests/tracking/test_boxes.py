"""A box around a lesion: it prompts any segmenter, and what is outlined stays inside."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import BoxPrompt, Click, Lesion, Origin, Presence
from napari_longiseg.segmentation.base import SegmenterInfo, VoiResult
from napari_longiseg.tracking.options import TrackOptions
from napari_longiseg.tracking.track import Tracker

AROUND = BoxPrompt("T0", (-9.0, -9.0, -9.0), (9.0, 9.0, 9.0))


FREE = SegmenterInfo("everything", ("click",), (20.0, 20.0, 20.0))


@dataclass(frozen=True)
class Everything:
    """Takes the whole VOI for the lesion."""

    info: SegmenterInfo = FREE

    def segment(self, requests):
        for request in requests:
            yield VoiResult(np.ones(request.grid.shape, np.float32))


@pytest.fixture
def outlined(study, shift):
    """The finding of one lesion on its source scan."""

    def outline(lesion, segmenter, options=None):
        tracker = Tracker(shift(), segmenter, options or TrackOptions())
        return next(tracker.track(study.with_lesions((lesion,))))

    return outline


def test_a_box_alone_is_a_prompt(outlined, study, segmenter, make_ball):
    found = outlined(Lesion(1, boxes=(AROUND,)), segmenter)
    truth = make_ball(study.scan("T0").grid, (0, 0, 0), 6)
    np.testing.assert_array_equal(found.mask.on(truth.shape), truth)
    assert found.origin is Origin.SOURCE
    (request,) = segmenter.seen
    assert request.clicks == (Click("T0", AROUND.middle_mm),)
    assert request.box_mm == (AROUND.low_mm, AROUND.high_mm)


def test_a_click_says_which_of_the_things_in_the_box(outlined, segmenter):
    click = Click("T0", (10.0, 20.0, -20.0))
    both = BoxPrompt("T0", (-10.0, -10.0, -26.0), (16.0, 26.0, 10.0))
    found = outlined(Lesion(1, clicks=(click,), boxes=(both,)), segmenter)
    np.testing.assert_allclose(found.point_mm, click.point_mm, atol=2)
    assert segmenter.seen[0].clicks == (click,)


def test_what_is_outlined_is_clipped_to_the_box_and_a_voxel_more(outlined, study):
    box = BoxPrompt("T0", (-4.0, -5.0, -6.0), (4.0, 5.0, 6.0))
    found = outlined(Lesion(1, boxes=(box,)), Everything())
    grid = study.scan("T0").grid
    first, last = grid.to_mm(found.mask.box.start), grid.to_mm(np.subtract(found.mask.box.stop, 1))
    np.testing.assert_allclose(first, (-6, -6, -7))
    np.testing.assert_allclose(last, (6, 6, 7))


@pytest.mark.parametrize("click", [(0.0, 0.0, 0.0), (6.0, 12.0, 12.0)])
def test_the_voi_covers_the_box(outlined, click):
    large = BoxPrompt("T0", (-16.0, -20.0, -20.0), (16.0, 20.0, 20.0))
    found = outlined(Lesion(1, clicks=(Click("T0", click),), boxes=(large,)), Everything())
    # Voxels of 2 mm x 1 mm x 1 mm whose centres lie between the corners, and one more on each side.
    assert found.mask.voxels.shape == (19, 43, 43)


@pytest.mark.parametrize(
    "fixed", [{"voi_voxels": (16, 24, 24)}, {"spacing_mm": (2.0, 2.0, 2.0), "voi_mm": (32.0, 24.0, 24.0)}]
)
def test_a_voi_of_fixed_size_lies_around_the_box(outlined, fixed):
    engine = Everything(replace(FREE, **fixed))
    lesion = Lesion(1, clicks=(Click("T0", (5.0, 5.0, 5.0)),), boxes=(AROUND,))
    found = outlined(lesion, engine)
    assert found.mask.voxels.shape == (11, 21, 21)


def test_a_box_that_the_engine_cannot_see_as_a_whole_is_refused(outlined):
    engine = Everything(replace(FREE, voi_voxels=(8, 16, 16)))
    with pytest.raises(InputError, match="box around lesion 1 on T0 is larger than what the segmenter"):
        outlined(Lesion(1, boxes=(AROUND,)), engine)


def test_a_box_outside_the_scan_is_refused(outlined, segmenter):
    outside = BoxPrompt("T0", (0.0, 0.0, 90.0), (10.0, 10.0, 110.0))
    with pytest.raises(
        InputError, match=r"middle of the box around lesion 1 at x, y, z = 100\.0.*outside scan T0"
    ):
        outlined(Lesion(1, boxes=(outside,)), segmenter)


def test_a_box_counts_more_than_a_distance(outlined, segmenter):
    """The lesion lies 8 mm from the middle."""
    beside = BoxPrompt("T0", (-9.0, 2.0, -9.0), (9.0, 26.0, 9.0))
    found = outlined(Lesion(1, boxes=(beside,)), segmenter, TrackOptions(max_distance_mm=2.0))
    assert found.presence is Presence.PRESENT


def test_boosting_stays_in_the_box(outlined):
    box = BoxPrompt("T0", (-4.0, -5.0, -6.0), (4.0, 5.0, 6.0))
    found = outlined(Lesion(1, boxes=(box,)), Everything(), TrackOptions(boosting=True))
    assert found.mask.voxels.shape == (7, 13, 15)


def test_on_another_scan_the_lesion_is_carried_over_as_ever(study, segmenter, shift):
    lesion = Lesion(1, boxes=(AROUND,))
    found = list(Tracker(shift(), segmenter).track(study.with_lesions((lesion,))))
    assert [(f.scan, f.origin) for f in found[1:]] == [("T1", Origin.PROPAGATED), ("T2", Origin.PROPAGATED)]
    assert [request.box_mm for request in segmenter.seen[1:]] == [None, None]
