"""What a reader is told that something has come to."""

from __future__ import annotations

from pathlib import Path

from napari_longiseg._napari.work.summary import export_summary
from napari_longiseg.session import review

NEAR = (0.0, 0.0, 0.0)


def test_an_export_counts_all_rows_that_nobody_has_reviewed(session, study, make_finding):
    session.open(study)
    session.set_known(make_finding(study, 1, "T0", NEAR))
    assert export_summary(session, Path("out")) == "Results are in out. 6 of 6 rows were not reviewed."
    review.accept(session, 1, "T0")
    assert export_summary(session, Path("out")) == "Results are in out. 5 of 6 rows were not reviewed."
    for lesion, scan in ((1, "T1"), (1, "T2"), (2, "T0"), (2, "T1"), (2, "T2")):
        review.not_evaluable(session, lesion, scan)
    assert export_summary(session, Path("out")) == "Results are in out."
