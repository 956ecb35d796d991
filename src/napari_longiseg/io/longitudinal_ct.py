"""The folder of the public data set Longitudinal-CT (autoPET/CT IV): what is there, before an image is read.

Küstner et al., "Longitudinal-CT" (2025), doi 10.57754/FDAT.qwsry-7t837. A patient has a baseline and a
follow-up, each in up to three body regions, and a table with one line per lesion::

    inputsTr/<patient>.csv                     targetsTr/<patient>_FU_mask_00.nii.gz
    inputsTr/<patient>_BL_img_00.nii.gz
    inputsTr/<patient>_BL_mask_00.nii.gz
    inputsTr/<patient>_BL_00.json              (clicks; read where there is no table)
    inputsTr/<patient>_FU_img_00.nii.gz
    inputsTr/<patient>_FU_00.json

In some releases the same files are called ``<patient>_BL_img_BL_img_00.nii.gz``,
``<patient>_BL_mask_BL_img_00.nii.gz`` and so on; both are read. Points are voxel indices of the file's own
grid, which turns them into patient space: ``read_grid(region.image).to_mm(lesion.centre_baseline)``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from napari_longiseg.core.errors import InputError
from napari_longiseg.io._longitudinal_table import ListedLesion, Topology, read_clicks, read_table
from napari_longiseg.io.images import is_image_file
from napari_longiseg.io.scans import readable

__all__ = ["ListedLesion", "ListedPatient", "Listing", "Region", "Topology", "list_longitudinal_ct"]

FOLDERS = ("inputsTr", "targetsTr")
_IMAGE = re.compile(r"(.+?)_(BL|FU)_(img|mask)_(?:\2_(?:img|mask)_)?(\d+)\.[^/]+", re.ASCII)
_CLICKS = re.compile(r"(.+?)_(BL|FU)_(\d+)\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class Region:
    """A body region on one date.

    Attributes
    ----------
    image, mask : Path or None
        The scan and its label image, whose labels are lesion ids; None where the file is missing.
    """

    image: Path | None = None
    mask: Path | None = None


@dataclass(frozen=True, slots=True)
class ListedPatient:
    """A patient's files.

    Attributes
    ----------
    baseline, followup : mapping
        Number of a body region to its files.
    lesions : tuple of ListedLesion
        In the order of the table.
    """

    id: str
    baseline: Mapping[int, Region]
    followup: Mapping[int, Region]
    lesions: tuple[ListedLesion, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds.

    Attributes
    ----------
    patients : tuple of ListedPatient
        By their ids.
    skipped : mapping
        Id of each patient that cannot be used to the reason, a sentence that names the file.
    """

    patients: tuple[ListedPatient, ...]
    skipped: Mapping[str, str]


@dataclass(slots=True)
class _Files:
    """What there is of one patient while a folder is gone through."""

    table: Path | None = None
    clicks: dict[tuple[str, int], Path] = field(default_factory=dict)
    images: dict[tuple[str, int, str], Path] = field(default_factory=dict)


def list_longitudinal_ct(folder: str | Path) -> Listing:
    """List the patients of a folder of Longitudinal-CT.

    A few bad files among those of hundreds of patients cost these patients alone: they are listed as
    skipped, with the reason. Lesions whose image or mask is missing stay in the list.

    Parameters
    ----------
    folder : path
        Holds ``inputsTr`` and ``targetsTr``.

    Raises
    ------
    InputError
        When there is no such folder, or none of its patients can be used.
    """
    folder = Path(folder)
    if not (folder / FOLDERS[0]).is_dir():
        msg = f"{folder} is no folder of Longitudinal-CT; name the one that holds inputsTr and targetsTr."
        raise InputError(msg)
    with readable(folder):
        found = _files(folder)
    patients, skipped = [], {}
    for patient, files in sorted(found.items()):
        try:
            lesions = _lesions(files)
        except InputError as error:
            skipped[patient] = str(error)
            continue
        patients.append(ListedPatient(patient, _regions(files, "BL"), _regions(files, "FU"), lesions))
    if not patients:
        reasons = [f"patient {patient}: {reason}" for patient, reason in skipped.items()]
        reason = reasons[0] if reasons else f"{folder / FOLDERS[0]} holds no files of patients."
        msg = f"No patient in {folder} can be used: {reason}"
        raise InputError(msg)
    return Listing(tuple(patients), skipped)


def _files(folder: Path) -> dict[str, _Files]:
    """The files of each patient, told apart by their names."""
    found: dict[str, _Files] = {}
    for path in sorted(p for name in FOLDERS if (folder / name).is_dir() for p in (folder / name).iterdir()):
        if path.name.startswith("."):
            continue
        if (match := _IMAGE.fullmatch(path.name)) and is_image_file(path):
            patient, date, kind, region = match.groups()
            found.setdefault(patient, _Files()).images[date, int(region), kind] = path
        elif match := _CLICKS.fullmatch(path.name):
            patient, date, region = match.groups()
            found.setdefault(patient, _Files()).clicks[date, int(region)] = path
        elif path.suffix.lower() == ".csv" and path.parent.name == FOLDERS[0]:
            found.setdefault(path.stem, _Files()).table = path
    return found


def _lesions(files: _Files) -> tuple[ListedLesion, ...]:
    if not any(kind == "img" for _, _, kind in files.images):
        there = files.table or next(iter([*files.clicks.values(), *files.images.values()]))
        msg = f"there is {there.name}, but no image."
        raise InputError(msg)
    if files.table:
        return read_table(files.table)
    if files.clicks:
        return read_clicks(files.clicks)
    msg = f"there is {next(iter(files.images.values())).name}, but neither a table (.csv) nor clicks (.json)."
    raise InputError(msg)


def _regions(files: _Files, date: str) -> dict[int, Region]:
    numbers = sorted({region for when, region, _ in files.images if when == date})
    return {
        region: Region(files.images.get((date, region, "img")), files.images.get((date, region, "mask")))
        for region in numbers
    }
