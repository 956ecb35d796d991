"""Tables of landmarks: one line per landmark and scan."""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.landmark import Landmark
from napari_longiseg.io.points import from_xyz, to_xyz
from napari_longiseg.io.scans import readable

COLUMNS = ("scan", "name", "x_mm", "y_mm", "z_mm")
"""Of a table of landmarks; coordinates are LPS mm."""

Line = tuple[int, list[str]]
"""The number of a line, and its cells."""


def read_landmarks(path: str | Path, scans: Collection[str] | None = None) -> tuple[Landmark, ...]:
    """Read a table of landmarks: UTF-8, commas, a header line.

    Parameters
    ----------
    path : path
        A CSV file with at least the columns :data:`COLUMNS`, in any order.
    scans : collection of str, optional
        The ids that landmarks may be on; by default any.

    Raises
    ------
    InputError
        When it cannot be read, has no such columns, or one of its lines is no landmark, repeats one or
        is on another scan; the sentence names the line.
    """
    path = Path(path).expanduser()
    try:
        with readable(path), path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path} is not a table of landmarks: it is not UTF-8 text with commas."
        raise InputError(msg) from error
    places = _places(lines[0][1] if lines else [], path)
    found: dict[tuple[str, str], tuple[Landmark, int]] = {}
    for number, cells in lines[1:]:
        one = _landmark((number, cells), places, path)
        if scans is not None and one.scan not in scans:
            msg = f"{path}: line {number} is on scan {one.scan!r}, but the scans are {', '.join(scans)}."
            raise InputError(msg)
        if (one.scan, one.name) in found:
            first = found[one.scan, one.name][1]
            msg = f"{path}: line {number} repeats landmark {one.name!r} on {one.scan} of line {first}."
            raise InputError(msg)
        found[one.scan, one.name] = one, number
    return tuple(one for one, _ in found.values())


def write_landmarks(path: str | Path, landmarks: Iterable[Landmark]) -> None:
    """Write a table of landmarks in one step, coordinates to a thousandth of a mm.

    Raises
    ------
    InputError
        When it cannot be written; a file that was there before stays as it is.
    """
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for one in landmarks:
                writer.writerow([one.scan, one.name, *(f"{v:.3f}" for v in to_xyz(one.point_mm))])
        os.replace(part, path)
    except OSError as error:
        msg = f"The landmarks cannot be written to {path}: {error.strerror or error}."
        raise InputError(msg) from error
    finally:
        part.unlink(missing_ok=True)


def _places(header: list[str], path: Path) -> dict[str, int]:
    """Where each of our columns stands."""
    names = [name.strip().lower() for name in header]
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        msg = (
            f"{path}: line 1 must name the columns {', '.join(COLUMNS)}, separated by commas; "
            f"it lacks {', '.join(missing)}."
        )
        raise InputError(msg)
    twice = [column for column in COLUMNS if names.count(column) > 1]
    if twice:
        msg = f"{path}: line 1 names the column {twice[0]} more than once."
        raise InputError(msg)
    return {column: names.index(column) for column in COLUMNS}


def _landmark(line: Line, places: dict[str, int], path: Path) -> Landmark:
    number, cells = line
    texts = {column: cells[at].strip() if at < len(cells) else "" for column, at in places.items()}
    empty = [column for column, text in texts.items() if not text]
    if empty:
        msg = f"{path}: line {number} has no {empty[0]}."
        raise InputError(msg)
    try:
        return Landmark(texts["scan"], texts["name"], from_xyz([_number(texts[c], c) for c in COLUMNS[2:]]))
    except InputError as error:
        raise InputError(f"{path}: line {number}: {error}") from error


def _number(text: str, column: str) -> float:
    try:
        return float(text)
    except ValueError:
        msg = f"{column} must be a number with a decimal point, not {text!r}."
        raise InputError(msg) from None
