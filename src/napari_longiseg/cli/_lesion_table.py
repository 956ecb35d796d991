"""The lesion x scan table in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from napari_longiseg.cli._console import number, print_table
from napari_longiseg.io.tables import Row, Value


def print_lesions(rows: Sequence[Row]) -> None:
    """Print lesion rows as :func:`napari_longiseg.io.tables.lesion_rows` makes them."""
    columns = ("lesion", "scan", "presence", "ml", "change %", "long mm", "short mm", "mean HU")
    lesions, scans = ({row[name] for row in rows} for name in ("lesion", "scan"))
    title = f"{rows[0]['patient']}: {len(lesions)} lesions on {len(scans)} scans" if rows else "No lesions"
    print_table(title, columns, [_cells(row) for row in rows])


def _cells(row: Row) -> tuple[str, ...]:
    return (
        f"{row['lesion']} {row['name']}".strip(),
        f"{row['scan']} {row['date'] or ''}".strip(),
        f"merged into {row['merged_into']}" if row["merged_into"] else str(row["presence"]),
        _figure(row["volume_ml"], 2),
        _figure(row["volume_change_pct"], 0),
        _figure(row["long_axis_mm"], 1),
        _figure(row["short_axis_mm"], 1),
        _figure(row["mean_hu"], 0),
    )


def _figure(value: Value, digits: int) -> str:
    return number(None if value is None else float(str(value)), digits)
