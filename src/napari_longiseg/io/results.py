"""The folder that a tracking run writes: masks, table and record."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.labels import label_volume
from napari_longiseg.core.lesion import Finding
from napari_longiseg.core.scan import Study
from napari_longiseg.io.images import read_labels, write_labels
from napari_longiseg.io.scans import readable
from napari_longiseg.io.tables import COLUMNS, DIGITS, WHOLE, Row, Value, lesion_rows

TABLE_NAME = "lesions.csv"
RUN_NAME = "run.json"
MASKS_NAME = "masks"


@dataclass(frozen=True, slots=True)
class Results:
    """A results folder.

    Attributes
    ----------
    rows : tuple of dict
        The lesion table, values typed as :func:`napari_longiseg.io.tables.lesion_rows` gives them.
    masks : mapping
        Scan id to its label image.
    run : mapping
        The record of the run.
    """

    rows: tuple[Row, ...]
    masks: Mapping[str, Path]
    run: Mapping[str, Any]

    def labels(self, scan_id: str) -> tuple[npt.NDArray[Any], Grid]:
        """The labels of one scan in the order of its file, and their grid.

        Raises
        ------
        InputError
            When there is no such mask, or it cannot be read.
        """
        if scan_id not in self.masks:
            msg = (
                f"The results have no mask of scan {scan_id!r}; there are {', '.join(self.masks) or 'none'}."
            )
            raise InputError(msg)
        return read_labels(self.masks[scan_id])


def check_output(folder: str | Path, *, overwrite: bool = False) -> None:
    """Refuse an output folder before the work begins.

    Raises
    ------
    InputError
        When it is a file, a folder with something in it and *overwrite* is not set, or where nothing can
        be written.
    """
    with _writing(Path(folder)):
        _check_output(Path(folder), overwrite)


def _check_output(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file; choose another output folder."
        raise InputError(msg)
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        msg = f"The output folder {folder} is not empty; choose another one, or allow overwriting."
        raise InputError(msg)
    nearest = next(place for place in (folder, *folder.resolve().parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        msg = f"The output folder {folder} cannot be made: {nearest} is not a folder that can be written to."
        raise InputError(msg)


def write_results(
    folder: str | Path,
    study: Study,
    findings: Iterable[Finding],
    run: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> None:
    """Write ``masks/<scan id>.nii.gz``, ``lesions.csv`` and ``run.json``.

    Everything is written apart first and moved in at the end, so that a failure leaves nothing half-written.

    Parameters
    ----------
    folder : path
        Made where it does not exist.
    study : Study
        Its scans and lesions.
    findings : iterable of Finding
        One per lesion and scan.
    run : mapping
        The record of the run; must fit JSON.
    overwrite : bool
        Replace the results of an earlier run; other files in the folder stay.

    Raises
    ------
    InputError
        As :func:`check_output` and :func:`~napari_longiseg.io.tables.lesion_rows`, or when the folder
        cannot be written.
    """
    folder = Path(folder)
    check_output(folder, overwrite=overwrite)
    found = list(findings)
    rows = lesion_rows(study, found)
    part = _part_of(folder.resolve())
    try:
        with _writing(folder):
            _write_part(part, study, found, rows, run)
            _move_in(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _part_of(folder: Path) -> Path:
    """Where to write first: within a folder that exists, for it may be a disk of its own; else beside it."""
    name = f".{uuid.uuid4().hex[:8]}.part"
    return folder / name if folder.is_dir() else folder.with_name(name)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn the system's refusal to write into a sentence."""
    try:
        yield
    except OSError as error:
        msg = f"The results cannot be written to {folder}: {error.strerror or error}."
        raise InputError(msg) from error


def _write_part(
    part: Path, study: Study, found: Sequence[Finding], rows: Sequence[Row], run: Mapping[str, Any]
) -> None:
    (part / MASKS_NAME).mkdir(parents=True)
    for scan in study.scans:
        labels = label_volume((f for f in found if f.scan == scan.id), scan.grid)
        write_labels(part / MASKS_NAME / f"{scan.id}.nii.gz", labels, scan)
    write_table(part / TABLE_NAME, rows)
    (part / RUN_NAME).write_text(json.dumps(dict(run), indent=1) + "\n", encoding="utf-8")


def read_results(folder: str | Path) -> Results:
    """Read what :func:`write_results` wrote.

    Raises
    ------
    InputError
        When something is missing or was written by something else.
    """
    folder = Path(folder)
    if not (folder / TABLE_NAME).is_file():
        msg = f"{folder} is not a results folder: it has no {TABLE_NAME}."
        raise InputError(msg)
    rows = read_table(folder / TABLE_NAME)
    run_path = folder / RUN_NAME
    try:
        run = json.loads(run_path.read_text(encoding="utf-8")) if run_path.is_file() else {}
    except ValueError as error:
        msg = f"{run_path} is not valid JSON."
        raise InputError(msg) from error
    masks = {path.name.removesuffix(".nii.gz"): path for path in (folder / MASKS_NAME).glob("*.nii.gz")}
    return Results(tuple(rows), dict(sorted(masks.items())), run)


def write_table(path: str | Path, rows: Sequence[Row]) -> None:
    """Write lesion rows as CSV (UTF-8, commas, a header line)."""
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([[_text(name, row[name]) for name in COLUMNS] for row in rows])


def read_table(path: str | Path) -> list[Row]:
    """Read lesion rows from CSV.

    Raises
    ------
    InputError
        When its columns are others, or a value is not of its column's kind.
    """
    path = Path(path)
    try:
        with readable(path), path.open(encoding="utf-8-sig", newline="") as file:
            header, *lines = csv.reader(file) if path.stat().st_size else [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path} is not a lesion table: it is not UTF-8 text with commas."
        raise InputError(msg) from error
    if tuple(header) != COLUMNS:
        msg = f"{path} does not have the columns of a lesion table."
        raise InputError(msg)
    rows: list[Row] = []
    for number, line in enumerate(lines, start=2):
        try:
            rows.append({name: _value(name, text) for name, text in zip(COLUMNS, line, strict=True)})
        except ValueError as error:
            msg = f"{path}: line {number} is not a row of a lesion table ({error})."
            raise InputError(msg) from error
    return rows


def _text(name: str, value: Value) -> str:
    if value is None:
        return ""
    return f"{value:.{DIGITS[name]}f}" if name in DIGITS else str(value)


def _value(name: str, text: str) -> Value:
    if name in WHOLE:
        return int(text) if text else None
    if name in DIGITS:
        return float(text) if text else None
    if name == "date":
        return dt.date.fromisoformat(text) if text else None
    return text


def _move_in(part: Path, folder: Path) -> None:
    """Put the finished files in their place; the record, last, says that all are there."""
    if not folder.exists():
        os.replace(part, folder)
        return
    old = folder / TABLE_NAME
    stale = {str(row["scan"]) for row in read_table(old)} if _is_table(old) else set()
    (folder / MASKS_NAME).mkdir(exist_ok=True)
    fresh = [path.relative_to(part) for path in part.rglob("*") if path.is_file()]
    for name in sorted(fresh, key=lambda p: p.name == RUN_NAME):
        os.replace(part / name, folder / name)
    for scan_id in stale - {name.name.removesuffix(".nii.gz") for name in fresh}:
        (folder / MASKS_NAME / f"{scan_id}.nii.gz").unlink(missing_ok=True)


def _is_table(path: Path) -> bool:
    try:
        return path.is_file() and bool(read_table(path))
    except InputError:
        return False
