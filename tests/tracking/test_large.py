from dataclasses import replace

import numpy as np
import pytest

from napari_longiseg.core.geometry import Box
from napari_longiseg.core.lesion import Finding, LesionMask, Origin, Presence
from napari_longiseg.core.scan import Scan
from napari_longiseg.tracking import large
from napari_longiseg.tracking.edits import merged, redrawn
from napari_longiseg.tracking.findings import with_mask
from napari_longiseg.tracking.large import is_large, is_measured, with_mask_soon

LEFT, RIGHT = (-8.0, 36.0, 18.0), (-8.0, 36.0, 28.0)


@pytest.fixture
def scan(grid):
    return Scan("T1", np.full(grid.shape, 40, np.int16), grid)


@pytest.fixture
def ball(scan, make_ball):
    return lambda centre: LesionMask.of(make_ball(scan.grid, centre, 7))


@pytest.fixture
def draft() -> Finding:
    return Finding(1, "T1", Presence.NOT_FOUND, Origin.SOURCE, "T1")


def test_a_small_outline_is_measured_at_once(scan, ball, draft):
    mask = ball(LEFT)
    assert not is_large(mask)
    one, other = with_mask_soon(draft, mask, scan), with_mask(draft, mask, scan)
    assert (one.point_mm, one.measurements) == (other.point_mm, other.measurements)
    assert is_measured(one)
    assert is_measured(draft)


def test_how_large_is_large():
    box = Box((0, 0, 0), (64, 64, 64))
    assert not is_large(LesionMask(box, np.ones(box.shape, dtype=bool)))
    box = Box((0, 0, 0), (64, 64, 65))
    assert is_large(LesionMask(box, np.ones(box.shape, dtype=bool)))


def test_a_large_one_is_there_without_being_measured(scan, ball, draft, monkeypatch):
    mask = ball(LEFT)
    monkeypatch.setattr(large, "LARGE", 10)
    for point in (None, RIGHT, (500.0, 0.0, 0.0)):
        found = with_mask_soon(replace(draft, point_mm=point), mask, scan)
        assert (found.presence, found.mask, found.measurements) == (Presence.PRESENT, mask, None)
        assert not is_measured(found)
        assert mask.on(scan.grid.shape)[scan.grid.nearest_voxel(found.point_mm)]
    kept = with_mask_soon(replace(draft, point_mm=LEFT), mask, scan)
    assert kept.point_mm == LEFT


def test_edits_leave_large_outlines_to_be_measured(scan, ball, draft, monkeypatch):
    known, other = with_mask(draft, ball(LEFT), scan), with_mask(replace(draft, lesion=2), ball(RIGHT), scan)
    monkeypatch.setattr(large, "LARGE", 10)
    assert redrawn(known, ball(RIGHT), scan).measurements is None
    both, gone = merged(known, other, scan)
    assert both.measurements is None
    assert both.mask.voxels.sum() == known.mask.union(other.mask).voxels.sum()
    assert gone.merged_into == 1
