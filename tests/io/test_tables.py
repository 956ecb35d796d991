"""The lesion table: one row per lesion and scan, whatever was found."""

import datetime as dt
from dataclasses import replace

import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import Finding, Lesion, Measurements, Origin, Presence, Review
from napari_longiseg.core.scan import Study
from napari_longiseg.io.tables import COLUMNS, lesion_rows

ENDS = ((0.0, 0.0, 0.0),) * 2


def finding(lesion, scan, volume=None, axis=None, presence=Presence.PRESENT, **kwargs):
    sizes = None if volume is None else Measurements(volume, axis, axis / 2, 41.26, ENDS, ENDS)
    origin = Origin.SOURCE if scan == "T0" else Origin.PROPAGATED
    given = {"point_mm": (3.0, 2.0, 1.0), "source_scan": "T0", "measurements": sizes, **kwargs}
    return Finding(lesion, scan, presence, origin, **given)


@pytest.fixture
def one(study) -> Study:
    return study.with_lesions((Lesion(4, "node"),))


def test_columns_are_those_of_the_format():
    design = (
        "patient, lesion, name, scan, date, presence, review, origin, x_mm, y_mm, z_mm, proposed_x_mm, "
        "proposed_y_mm, proposed_z_mm, volume_ml, long_axis_mm, short_axis_mm, mean_hu, volume_change_pct, "
        "long_axis_change_pct, merged_into, split_from, confidence, uncertainty_mm, registration, segmenter, "
        "source_scan, reason"
    )
    assert ", ".join(COLUMNS) == design


def test_a_full_row(one):
    found = [
        finding(4, "T0", 2.0, 10.0),
        finding(
            4,
            "T1",
            3.123456,
            12.34567,
            proposed_mm=(6.0, 5.0, 4.0004),
            confidence=0.87654,
            uncertainty_mm=1.23456,
            registration="deformable",
            segmenter="region",
            split_from=2,
        ),
        finding(4, "T2", 1.0, 5.0),
    ]
    row = lesion_rows(one, found)[1]
    assert row == {
        "patient": "P01",
        "lesion": 4,
        "name": "node",
        "scan": "T1",
        "date": dt.date(2024, 3, 10),
        "presence": "present",
        "review": "proposed",
        "origin": "propagated",
        "x_mm": 1.0,
        "y_mm": 2.0,
        "z_mm": 3.0,
        "proposed_x_mm": 4.0,
        "proposed_y_mm": 5.0,
        "proposed_z_mm": 6.0,
        "volume_ml": 3.1235,
        "long_axis_mm": 12.346,
        "short_axis_mm": 6.173,
        "mean_hu": 41.3,
        "volume_change_pct": 56.2,
        "long_axis_change_pct": 23.5,
        "merged_into": None,
        "split_from": 2,
        "confidence": 0.877,
        "uncertainty_mm": 1.235,
        "registration": "deformable",
        "segmenter": "region",
        "source_scan": "T0",
        "reason": "",
    }
    assert tuple(row) == COLUMNS


def sizes_of(row):
    names = ("volume_ml", "long_axis_mm", "short_axis_mm", "mean_hu", "volume_change_pct")
    return [row[name] for name in names]


@pytest.mark.parametrize(
    ("other", "sizes"),
    [
        (finding(4, "T1", presence=Presence.NOT_FOUND), [None] * 5),
        (finding(4, "T1", presence=Presence.NOT_FOUND, review=Review.ACCEPTED), [0, 0, 0, None, -100]),
        (finding(4, "T1", presence=Presence.RESOLVED), [0, 0, 0, None, -100]),
        (finding(4, "T1", presence=Presence.OUT_OF_VIEW), [None] * 5),
        (finding(4, "T1", presence=Presence.NOT_EVALUABLE), [None] * 5),
        (finding(4, "T1", merged_into=2), [None] * 5),
        (finding(4, "T1", presence=Presence.NOT_FOUND, merged_into=2), [None] * 5),
    ],
)
def test_rows_without_a_mask(one, other, sizes):
    rows = lesion_rows(one, [finding(4, "T0", 2.0, 10.0), other, finding(4, "T2", 1.0, 5.0)])
    assert sizes_of(rows[1]) == sizes
    assert rows[1]["merged_into"] == other.merged_into


def test_changes_refer_to_each_lesion_s_source(one):
    found = [
        finding(4, "T0", 4.0, 10.0, source_scan="T1"),
        finding(4, "T1", 2.0, 8.0, source_scan="T1"),
        finding(4, "T2", 1.0, 4.0, source_scan="T1"),
    ]
    rows = lesion_rows(one, found)
    assert [row["volume_change_pct"] for row in rows] == [100.0, 0.0, -50.0]
    assert [row["long_axis_change_pct"] for row in rows] == [25.0, 0.0, -50.0]


def test_no_change_where_the_source_was_not_found(one):
    found = [finding(4, "T0", presence=Presence.NOT_FOUND), finding(4, "T1", 1, 1), finding(4, "T2", 1, 1)]
    assert lesion_rows(one, found)[1]["volume_change_pct"] is None


def test_order_is_by_lesion_then_scan(study):
    both = study.with_lesions((Lesion(10), Lesion(9)))
    found = [finding(i, s, 1.0, 1.0) for s in ("T2", "T0", "T1") for i in (10, 9)]
    rows = lesion_rows(both, found)
    assert [(r["lesion"], r["scan"]) for r in rows] == [(i, s) for i in (9, 10) for s in ("T0", "T1", "T2")]


class TestRefusals:
    @pytest.fixture
    def found(self):
        return [finding(4, scan, 1.0, 1.0) for scan in ("T0", "T1", "T2")]

    def test_a_missing_finding(self, one, found):
        with pytest.raises(InputError, match="Lesion 4 has no finding on scan T2"):
            lesion_rows(one, found[:2])

    def test_two_findings(self, one, found):
        with pytest.raises(InputError, match="Lesion 4 has more than one finding on scan T1"):
            lesion_rows(one, [*found, found[1]])

    @pytest.mark.parametrize("strange", [{"lesion": 5}, {"scan": "T9"}])
    def test_a_strange_finding(self, one, found, strange):
        with pytest.raises(InputError, match=r"The study has no lesion . on a scan"):
            lesion_rows(one, [*found, replace(found[0], **strange)])
