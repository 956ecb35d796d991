from __future__ import annotations

from dataclasses import replace

import pytest

from napari_longiseg._qt.texts import finding_text, finding_tip, lesion_text, scan_text, study_text
from napari_longiseg.core.lesion import Finding, Lesion, Measurements, Origin, Presence

ENDS = ((0.0, 0.0, 0.0), (0.0, 0.0, 14.0))
DRAFT = Finding(
    1, "T1", Presence.NOT_FOUND, Origin.PROPAGATED, "T0", reason="Nothing there.", uncertainty_mm=1.2
)


def present(volume_ml: float) -> Finding:
    size = Measurements(volume_ml, 14.04, 9.0, 35.4, ENDS, ENDS)
    return replace(DRAFT, presence=Presence.PRESENT, measurements=size, reason="")


@pytest.mark.parametrize(
    ("finding", "waiting", "text"),
    [
        (None, False, "-"),
        (None, True, "…"),
        (DRAFT, False, "not found"),
        (replace(DRAFT, presence=Presence.OUT_OF_VIEW), False, "out of view"),
        (replace(DRAFT, merged_into=2), False, "merged\ninto 2"),
        (present(1.234), False, "1.23 ml\n14.0 mm"),
        (present(112.34), True, "112.3 ml\n14.0 mm"),
    ],
)
def test_cells(finding, waiting, text):
    assert finding_text(finding, waiting) == text


def test_tips():
    assert finding_tip(None) == "Not tracked yet."
    assert finding_tip(DRAFT).splitlines()[0] == "Not found (propagated, proposed)"
    assert "± 1.2 mm" in finding_tip(DRAFT)
    assert finding_tip(DRAFT).endswith("Nothing there.")
    assert "short axis 9.0 mm" in finding_tip(present(1.0))
    assert "Mean 35 HU" in finding_tip(present(1.0))


def test_headers(study):
    assert scan_text(study.scans[0]) == "T0\n2024-01-10"
    undated = replace(study.scans[0], date=None)
    assert scan_text(undated) == "T0"
    assert study_text(None) == "No study is open."
    assert study_text(study) == "P01 · 3 scans · 2024-01-10 to 2024-05-10"
    assert study_text(type(study)("P", (undated,))) == "P · 1 scan"
    assert lesion_text(Lesion(4)) == "Lesion 4"
    assert lesion_text(Lesion(4, "node")) == "node"
