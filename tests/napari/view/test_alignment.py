from __future__ import annotations

import numpy as np

from napari_longiseg._napari.view.alignment import NO_SHIFT, display_shifts, frame_shift
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.scan import Scan, Study

SHAPE, SPACING = (20, 30, 30), (2.0, 1.0, 1.0)


def scan(scan_id: str, origin) -> Scan:
    return Scan(scan_id, np.zeros(SHAPE, np.int16), Grid(SHAPE, SPACING, origin))


def test_scans_that_lie_over_each_other_stay_where_they_are():
    assert frame_shift(scan("b", (3.0, 2.0, 1.0)), scan("a", (0.0, 0.0, 0.0))) == NO_SHIFT


def test_scans_far_from_each_other_are_centred():
    assert frame_shift(scan("b", (-1200.0, 5.0, 1.0)), scan("a", (100.0, 5.0, 1.0))) == (1300.0, 0.0, 0.0)


def test_the_lesion_is_brought_to_where_the_reader_clicked_it():
    study = Study("P", (scan("a", (0.0, 0.0, 0.0)), scan("b", (500.0, 0.0, 0.0)), scan("c", (1.0, 0.0, 0.0))))
    points = {"a": (10.0, 5.0, 5.0), "b": (507.0, 5.0, 5.0)}
    shifts = display_shifts(study, points, reference="b")
    assert shifts["b"] == (-500.0, 0.0, 0.0)
    assert shifts["a"] == (-3.0, 0.0, 0.0)
    assert shifts["c"] == NO_SHIFT


def test_without_a_lesion_only_the_frames_count():
    study = Study("P", (scan("a", (0.0, 0.0, 0.0)), scan("b", (5.0, 0.0, 0.0))))
    assert display_shifts(study, {}, None) == {"a": NO_SHIFT, "b": NO_SHIFT}
    assert display_shifts(study, {"b": (9.0, 0.0, 0.0)}, "a") == {"a": NO_SHIFT, "b": NO_SHIFT}
