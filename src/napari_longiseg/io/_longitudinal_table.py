"""The lesions of one patient of Longitudinal-CT, from the table or from the clicks."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point
from napari_longiseg.io.points import from_xyz
from napari_longiseg.io.scans import readable

COLUMNS = ("lesion_id", "cog_bl", "img_id_bl", "cog_propagated", "cog_fu", "img_id_fu", "topology_class")
"""Without these a table cannot be used."""
EMPTY = ("", "nan", "none")
"""Cells without a value, in lower case."""
BOOLEANS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


class Topology(StrEnum):
    """What becomes of a lesion."""

    UNCHANGED = "UNCHANGED"
    DISAPPEARING = "DISAPPEARING"
    NEWLY_APPEARING = "NEWLYAPPEARING"
    MERGING = "MERGING"
    """With others it becomes one lesion, whose label is ``merged_into``."""
    SPLITTING = "SPLITTING"
    """It is a part of what ``split_from`` was."""


@dataclass(frozen=True, slots=True)
class ListedLesion:
    """One line of the table. Points are voxel indices of the region's file, in array order (k, j, i).

    Attributes
    ----------
    id : int
        Its label in the masks, but for lesions that merge or split.
    topology : Topology or None
        None where only clicks are known.
    region_baseline, region_followup : int or None
        The body regions it lies in.
    centre_baseline, centre_followup : Point or None
        Centre of gravity.
    propagated, backpropagated : Point or None
        Where registrations took its centre, to the follow-up and from there to the baseline. From clicks,
        the one on the follow-up counts as propagated.
    merged_into, split_from : int or None
        Labels on the follow-up and on the baseline.
    volume_baseline_ml, volume_followup_ml : float or None
        As the table says.
    site : str
        Organ.
    target : bool or None
        A target lesion of the reader.
    challenge : bool or None
        It was part of the challenge.
    unclear : bool
        The reader was not sure that it is the same lesion on both dates, or that it is gone.
    """

    id: int
    topology: Topology | None = None
    region_baseline: int | None = None
    region_followup: int | None = None
    centre_baseline: Point | None = None
    centre_followup: Point | None = None
    propagated: Point | None = None
    backpropagated: Point | None = None
    merged_into: int | None = None
    split_from: int | None = None
    volume_baseline_ml: float | None = None
    volume_followup_ml: float | None = None
    site: str = ""
    target: bool | None = None
    challenge: bool | None = None
    unclear: bool = False

    @property
    def label_baseline(self) -> int | None:
        """Its label in the baseline's mask; None where it has not appeared yet."""
        if self.topology is Topology.NEWLY_APPEARING:
            return None
        return self.split_from if self.topology is Topology.SPLITTING and self.split_from else self.id

    @property
    def label_followup(self) -> int | None:
        """Its label in the follow-up's mask; None where it is gone."""
        if self.topology is Topology.DISAPPEARING:
            return None
        return self.merged_into if self.topology is Topology.MERGING and self.merged_into else self.id


def read_table(path: Path) -> tuple[ListedLesion, ...]:
    """Read the table of a patient.

    Raises
    ------
    InputError
        When it cannot be read, lacks a column, or a cell cannot be understood; the sentence names the line.
    """
    try:
        with readable(path), path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                msg = f"{path} has no column {', '.join(missing)}; is it a table of Longitudinal-CT?"
                raise InputError(msg)
            lines = [(reader.line_num, cells) for cells in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path} is not a table: it is not UTF-8 text with commas."
        raise InputError(msg) from error
    lesions = []
    for number, cells in lines:
        try:
            lesions.append(_lesion({name: cell or "" for name, cell in cells.items() if name}))
        except InputError as error:
            raise InputError(f"{path}: line {number}: {error}") from error
    return tuple(lesions)


def read_clicks(files: Mapping[tuple[str, int], Path]) -> tuple[ListedLesion, ...]:
    """Read the clicks of a patient that has no table.

    Parameters
    ----------
    files : mapping
        Date (BL or FU) and body region to a file with Grand-Challenge's points of interest.

    Raises
    ------
    InputError
        When a file is no such list of points.
    """
    lesions: dict[int, ListedLesion] = {}
    for (date, region), path in sorted(files.items()):
        for number, point in _clicks(path).items():
            lesion = lesions.get(number, ListedLesion(number))
            if date == "BL":
                lesions[number] = replace(lesion, region_baseline=region, centre_baseline=point)
            else:
                lesions[number] = replace(lesion, region_followup=region, propagated=point)
    return tuple(lesions[number] for number in sorted(lesions))


def _lesion(cells: Mapping[str, str]) -> ListedLesion:
    number = _whole(cells, "lesion_id")
    if number is None or number < 1:
        msg = f"lesion_id must be 1 or more, not {cells['lesion_id']!r}."
        raise InputError(msg)
    topology = cells["topology_class"].strip().upper()
    if topology not in list(Topology):
        msg = f"topology_class must be one of {', '.join(Topology)}, not {cells['topology_class']!r}."
        raise InputError(msg)
    return ListedLesion(
        id=number,
        topology=Topology(topology),
        region_baseline=_whole(cells, "img_id_bl"),
        region_followup=_whole(cells, "img_id_fu"),
        centre_baseline=_point(cells, "cog_bl"),
        centre_followup=_point(cells, "cog_fu"),
        propagated=_point(cells, "cog_propagated"),
        backpropagated=_point(cells, "cog_backpropagated"),
        merged_into=_whole(cells, "merged_into"),
        split_from=_whole(cells, "split_from"),
        volume_baseline_ml=_ml(cells, "volume_bl"),
        volume_followup_ml=_ml(cells, "volume_fu"),
        site=cells.get("lesion_type", "").strip(),
        target=_boolean(cells, "target_lesion"),
        challenge=_boolean(cells, "use_for_challenge"),
        unclear=_boolean(cells, "linking_unclear") or False,
    )


def _text(cells: Mapping[str, str], column: str) -> str:
    text = cells.get(column, "").strip()
    return "" if text.lower() in EMPTY else text


def _number(text: str) -> float:
    """A finite number; nan where it is none."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _whole(cells: Mapping[str, str], column: str) -> int | None:
    """A whole number; pandas writes ``3.0`` where other cells of the column are empty."""
    if not (text := _text(cells, column)):
        return None
    value = _number(text)
    if not value.is_integer():
        msg = f"{column} must be a whole number, not {text!r}."
        raise InputError(msg)
    return int(value)


def _ml(cells: Mapping[str, str], column: str) -> float | None:
    """A volume in ml of a cell in mm³."""
    if not (text := _text(cells, column)):
        return None
    value = _number(text)
    if math.isnan(value):
        msg = f"{column} must be a number, not {text!r}."
        raise InputError(msg)
    return value / 1000


def _point(cells: Mapping[str, str], column: str) -> Point | None:
    """A point of a cell ``x y z``."""
    if not (text := _text(cells, column)):
        return None
    values = [_number(part) for part in text.split()]
    if len(values) != 3 or any(math.isnan(value) for value in values):
        msg = f"{column} must be three numbers, x y z, not {text!r}."
        raise InputError(msg)
    return from_xyz(values)


def _boolean(cells: Mapping[str, str], column: str) -> bool | None:
    if not (text := _text(cells, column)):
        return None
    if text.lower() not in BOOLEANS:
        msg = f"{column} must be True or False, not {text!r}."
        raise InputError(msg)
    return BOOLEANS[text.lower()]


def _clicks(path: Path) -> dict[int, Point]:
    """Lesion id to its click; the id is the last word of the point's name."""
    try:
        with readable(path):
            content = json.loads(path.read_text(encoding="utf-8-sig"))
        points: Sequence[Mapping[str, Sequence[float]]] = content["points"]
        return {int(str(one["name"]).split()[-1]): _xyz(one["point"]) for one in points}
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        msg = f"{path} is not a list of points of interest, each with the lesion's id as its name."
        raise InputError(msg) from error


def _xyz(values: Sequence[float]) -> Point:
    x, y, z = (float(value) for value in values)
    if not all(math.isfinite(value) for value in (x, y, z)):
        raise ValueError
    return from_xyz((x, y, z))
