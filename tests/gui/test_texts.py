from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_longiseg._qt.matrix.cells import cell
from napari_longiseg._qt.texts import (
    cell_tip,
    change_text,
    lesion_text,
    scan_text,
    study_text,
)
from napari_longiseg.core.geometry import Box
from napari_longiseg.core.lesion import (
    Finding,
    Lesion,
    LesionMask,
    Measurements,
    Origin,
    Presence,
    Review,
)
from napari_longiseg.core.proposal import Proposal

ENDS = ((0.0, 0.0, 0.0), (0.0, 0.0, 14.0))
DRAFT = Finding(
    1, "T1", Presence.NOT_FOUND, Origin.PROPAGATED, "T0", reason="Nothing there.", uncertainty_mm=1.2
)
EXPECTED = Proposal(1, "T1", (0.0, 0.0, 0.0), "T0", 3.6, "deformable")


def present(volume_ml: float, **changes) -> Finding:
    size = Measurements(volume_ml, 14.04, 9.0, 35.4, ENDS, ENDS)
    return replace(DRAFT, presence=Presence.PRESENT, measurements=size, reason="", **changes)


ACCEPTED = {"review": Review.ACCEPTED}
SOURCE = present(2.0, scan="T0", origin=Origin.SOURCE, **ACCEPTED)


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (None, "-"),
        (EXPECTED, "○ ±4 mm"),
        (replace(EXPECTED, uncertainty_mm=None, doubt="Far off."), "○ expected\ndoubtful"),
        (replace(EXPECTED, verified=True), "○✓ ±4 mm"),
        (DRAFT, "◐∅ not found"),
        (replace(DRAFT, presence=Presence.OUT_OF_VIEW), "◐⇥ out of view"),
        (replace(DRAFT, presence=Presence.RESOLVED, review=Review.EDITED), "✎✕ resolved"),
        (replace(DRAFT, presence=Presence.NOT_EVALUABLE, **ACCEPTED), "✓? not evaluable"),
        (replace(DRAFT, presence=Presence.PRESENT, merged_into=2), "◐⇒2 merged into 2"),
        (present(1.0), "◐ 1.00 ml -50 %\n14.0 mm 0 %"),
        (present(112.34, **ACCEPTED), "✓ 112.3 ml +5517 %\n14.0 mm 0 %"),
        (present(2.004, origin=Origin.NEW, **ACCEPTED), "✓✚ 2.00 ml 0 %\n14.0 mm 0 %"),
        (present(1.0, split_from=3, review=Review.EDITED), "✎⇐3 1.00 ml -50 %\n14.0 mm 0 %"),
        (SOURCE, "✓ 2.00 ml\n14.0 mm"),
    ],
)
def test_cells(known, text):
    assert cell(known, SOURCE, waiting=False).text == text


def test_what_is_marked_only_says_so():
    assert cell(None, None, waiting=False, marked=True).text == "✛ marked"
    assert cell_tip(None, None, waiting=False, marked=True) == "Marked here: Track outlines it."
    assert cell(None, None, waiting=True, marked=True).text == "…"
    assert cell(DRAFT, SOURCE, waiting=False, marked=True) == cell(DRAFT, SOURCE, waiting=False)


@pytest.mark.parametrize(
    ("known", "text"), [(None, "…"), (EXPECTED, "… ○ ±4 mm"), (present(1.0), "… 1.00 ml -50 %\n14.0 mm 0 %")]
)
def test_cells_that_wait(known, text):
    assert cell(known, SOURCE, waiting=True).text == text
    assert cell_tip(known, None, waiting=True).startswith("Being found now.")


def test_a_change_needs_a_size_on_the_source_scan():
    assert cell(present(1.0), None, waiting=False).change_pct is None
    assert cell(present(1.0), DRAFT, waiting=False).change_pct is None
    assert cell(DRAFT, SOURCE, waiting=False).change_pct is None, "nobody has said that it is gone"
    assert cell(replace(DRAFT, **ACCEPTED), SOURCE, waiting=False).change_pct == -100


def test_points_and_findings_are_reviewed_until_a_reader_has_seen_them():
    unreviewed = EXPECTED, replace(EXPECTED, verified=True), DRAFT
    reviewed = None, replace(DRAFT, **ACCEPTED)
    assert all(cell(known, SOURCE, waiting=False).unreviewed for known in unreviewed)
    assert not any(cell(known, SOURCE, waiting=False).unreviewed for known in reviewed)


def test_a_doubtful_outline_is_marked_until_it_is_accepted():
    mask = LesionMask(Box((0, 0, 0), (1, 1, 1)), np.ones((1, 1, 1), dtype=bool))
    unsure = replace(present(1.0), mask=mask, confidence=0.43, segmenter="region")
    shown = cell(unsure, SOURCE, waiting=False)
    assert shown.text == "◐! 1.00 ml -50 %\n14.0 mm 0 %"
    assert shown.state == "present, doubtful, proposed"
    assert "Confidence 0.43 of region." in cell_tip(unsure, None, waiting=False).splitlines()
    assert cell(replace(unsure, **ACCEPTED), SOURCE, waiting=False).glyphs == "✓"


def test_tips_of_findings():
    assert cell_tip(None, None, waiting=False) == "Not tracked yet."
    assert cell_tip(DRAFT, -100.0, waiting=False).splitlines() == [
        "Not found, not reviewed yet.",
        "Found from another scan.",
        "Point carried over from T0, ± 1.2 mm.",
        "Nothing there.",
    ]
    tip = cell_tip(present(1.0, registration="rigid", **ACCEPTED), -50.0, waiting=False)
    assert tip.startswith("Present, accepted.")
    assert "Volume 1.00 ml, -50 % against T0" in tip
    assert "short axis 9.0 mm" in tip
    assert "Mean 35 HU" in tip
    assert "by rigid, ± 1.2 mm" in tip
    assert "Split from lesion 3." in cell_tip(present(1.0, split_from=3), None, waiting=False)
    merged = replace(DRAFT, presence=Presence.PRESENT, merged_into=2)
    assert cell_tip(merged, None, waiting=False).startswith("Merged into lesion 2, not reviewed")


def test_tips_of_proposals():
    assert cell_tip(EXPECTED, None, waiting=False).splitlines() == [
        "Expected here; the outline comes when the point is accepted.",
        "Point carried over from T0 by deformable, ± 3.6 mm.",
    ]
    verified = replace(EXPECTED, verified=True, doubt="Far off.", uncertainty_mm=None, registration="")
    assert cell_tip(verified, None, waiting=False).splitlines() == [
        "The point is accepted; the outline is still to come.",
        "Point carried over from T0.",
        "Far off.",
    ]


def test_changes_have_a_sign():
    assert [change_text(pct) for pct in (3.2, -0.4, -20.0)] == ["+3 %", "0 %", "-20 %"]


def test_headers(study):
    assert scan_text(study.scans[0]) == "T0\n2024-01-10"
    undated = replace(study.scans[0], date=None)
    assert scan_text(undated) == "T0"
    assert study_text(None) == "No study is open."
    assert study_text(study) == "P01 · 3 scans · 2024-01-10 to 2024-05-10"
    assert study_text(type(study)("P", (undated,))) == "P · 1 scan"
    assert lesion_text(Lesion(4)) == "Lesion 4"
    assert lesion_text(Lesion(4, "node")) == "node"
