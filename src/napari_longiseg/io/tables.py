"""The lesion table: one row per lesion and scan, the same in files, terminal and panel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.lesion import Finding, Lesion
from napari_longiseg.core.measure import change_pct
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.core.series import sizes
from napari_longiseg.io.points import to_xyz

Value = str | int | float | dt.date | None
Row = dict[str, Value]

COLUMNS = (
    *("patient", "lesion", "name", "scan", "date", "presence", "review", "origin", "x_mm", "y_mm", "z_mm"),
    *("proposed_x_mm", "proposed_y_mm", "proposed_z_mm", "volume_ml", "long_axis_mm", "short_axis_mm"),
    *("mean_hu", "volume_change_pct", "long_axis_change_pct", "merged_into", "split_from", "confidence"),
    *("uncertainty_mm", "registration", "segmenter", "source_scan", "reason"),
)
"""Of ``lesions.csv``, in this order."""

DIGITS: Mapping[str, int] = {
    **{name: 3 for name in COLUMNS if name.endswith("_mm")},
    **{name: 1 for name in COLUMNS if name.endswith(("_pct", "_hu"))},
    "volume_ml": 4,
    "confidence": 3,
}
"""Decimals of the columns that hold fractions."""

WHOLE = ("lesion", "merged_into", "split_from")
"""Columns that hold lesion ids."""


def lesion_rows(study: Study, findings: Iterable[Finding]) -> list[Row]:
    """The whole table, by lesion and then in the order of the scans.

    Raises
    ------
    InputError
        When a lesion has no finding on a scan, or more than one, or a finding belongs to no lesion or scan
        of the study.
    """
    by_pair: dict[tuple[int, str], Finding] = {}
    for finding in findings:
        if (finding.lesion, finding.scan) in by_pair:
            msg = f"Lesion {finding.lesion} has more than one finding on scan {finding.scan}."
            raise InputError(msg)
        by_pair[finding.lesion, finding.scan] = finding
    rows: list[Row] = []
    for lesion in sorted(study.lesions, key=lambda one: one.id):
        for scan in study.scans:
            if (lesion.id, scan.id) not in by_pair:
                msg = f"Lesion {lesion.id} has no finding on scan {scan.id}."
                raise InputError(msg)
            finding = by_pair[lesion.id, scan.id]
            rows.append(
                lesion_row(
                    study.patient, lesion, scan, finding, by_pair.get((lesion.id, finding.source_scan))
                )
            )
    if len(rows) < len(by_pair):
        strange = sorted(by_pair.keys() - {(row["lesion"], row["scan"]) for row in rows})[0]
        msg = f"The study has no lesion {strange[0]} on a scan {strange[1]}, but there is a finding of it."
        raise InputError(msg)
    return rows


def lesion_row(patient: str, lesion: Lesion, scan: Scan, finding: Finding, source: Finding | None) -> Row:
    """One row with the keys :data:`COLUMNS`; None where there is no value (:func:`.core.series.sizes`).

    Parameters
    ----------
    patient : str
        Of the study.
    lesion, scan, finding
        What the row is about.
    source : Finding or None
        The same lesion on its source scan, which changes refer to.
    """
    volume, long_axis, short_axis, hu = sizes(finding)
    before_volume, before_axis, _, _ = sizes(source) if source else (None,) * 4
    row: Row = {
        "patient": patient,
        "lesion": lesion.id,
        "name": lesion.name,
        "scan": scan.id,
        "date": scan.date,
        "presence": str(finding.presence),
        "review": str(finding.review),
        "origin": str(finding.origin),
        **_coordinates("", finding.point_mm),
        **_coordinates("proposed_", finding.proposed_mm),
        "volume_ml": volume,
        "long_axis_mm": long_axis,
        "short_axis_mm": short_axis,
        "mean_hu": hu,
        "volume_change_pct": change_pct(volume, before_volume),
        "long_axis_change_pct": change_pct(long_axis, before_axis),
        "merged_into": finding.merged_into,
        "split_from": finding.split_from,
        "confidence": finding.confidence,
        "uncertainty_mm": finding.uncertainty_mm,
        "registration": finding.registration,
        "segmenter": finding.segmenter,
        "source_scan": finding.source_scan,
        "reason": finding.reason,
    }
    return {name: _rounded(name, row[name]) for name in COLUMNS}


def _coordinates(prefix: str, point_mm: Point | None) -> Row:
    values: tuple[float | None, ...] = to_xyz(point_mm) if point_mm else (None,) * 3
    return {f"{prefix}{axis}_mm": value for axis, value in zip("xyz", values, strict=True)}


def _rounded(name: str, value: Value) -> Value:
    if isinstance(value, float) and name in DIGITS:
        return round(value, DIGITS[name]) + 0.0  # no negative zero
    return value
