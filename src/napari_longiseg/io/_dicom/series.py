"""Which series a folder holds, and which one is meant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_longiseg.core.errors import InputError
from napari_longiseg.io._dicom.headers import Headers, SliceHeader

_TOLERANCE = 1e-3
"""Direction cosines and pixel sizes (mm) that differ by less belong to one stack."""


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """One CT series, for a choice between several.

    Attributes
    ----------
    key : str
        What selects it and nothing else in its folder: its number, else its UID; with ``#1``, ``#2`` where
        one series holds several stacks.
    number : int or None
        DICOM's SeriesNumber.
    slices : int
        Number of images.
    date : date or None
        Day of the acquisition.
    patient : str
        DICOM's PatientID.
    """

    key: str
    number: int | None
    uid: str
    description: str
    slices: int
    date: dt.date | None
    patient: str

    def __str__(self) -> str:
        return f"{self.key} ({self.description or 'no description'}, {self.slices} slices)"


@dataclass(frozen=True, slots=True)
class Series:
    """The images of one series, in no order."""

    info: SeriesInfo
    slices: tuple[SliceHeader, ...]


def series_in(headers: Headers, folder: Path) -> list[Series]:
    """The series of a folder, each a stack of parallel slices of one size; lone images are left out.

    Raises
    ------
    InputError
        When there is none.
    """
    if not headers.slices:
        found = f"; it holds {', '.join(sorted(headers.others))}" if headers.others else ""
        msg = f"There is no DICOM CT series in {folder}{found}."
        raise InputError(msg)
    by_uid: dict[tuple[str, int | None, str], list[SliceHeader]] = {}
    for header in headers.slices:
        # Files stripped of their UIDs are told apart by number and description.
        rest = (None, "") if header.series_uid else (header.number, header.description)
        by_uid.setdefault((header.series_uid, *rest), []).append(header)
    numbers = [slices[0].number for slices in by_uid.values()]
    series: list[Series] = []
    for slices in by_uid.values():
        first = slices[0]
        unique = first.number is not None and numbers.count(first.number) == 1
        name = str(first.number) if unique else first.series_uid or first.description or "unnamed"
        parts = [part for part in _stacks(slices) if len(part) > 1]
        series += [
            _series(f"{name}#{i + 1}" if len(parts) > 1 else name, part) for i, part in enumerate(parts)
        ]
    if not series:
        msg = f"The CT images in {folder} make no series of at least 2 slices."
        raise InputError(msg)
    return sorted(series, key=lambda s: (s.info.number is None, s.info.number or 0, s.info.key))


def choose(series: Sequence[Series], wanted: str | int | None, folder: Path) -> Series:
    """The series that is meant: by key, else by number, UID or description; or the only one.

    Raises
    ------
    InputError
        When it is not there, or several could be meant; names them.
    """
    fitting = list(series)
    if wanted is not None:
        text = str(wanted).strip()
        fitting = [s for s in series if s.info.key == text] or [
            s for s in series if text in (str(s.info.number), s.info.uid, s.info.description)
        ]
    if len(fitting) == 1:
        return fitting[0]
    names = "; ".join(str(s.info) for s in fitting or series)
    if fitting:
        msg = (
            f"{folder} holds {len(fitting)} CT series; choose one with --series, or in study.json with "
            f'"series": {names}.'
        )
    else:
        msg = f"{folder} holds no CT series {wanted!r}; it has: {names}."
    raise InputError(msg)


def containing(series: Iterable[Series], path: Path) -> list[Series]:
    """The series that a file belongs to."""
    return [s for s in series if any(header.path == path for header in s.slices)]


def _series(key: str, slices: Sequence[SliceHeader]) -> Series:
    first = slices[0]
    info = SeriesInfo(
        key, first.number, first.series_uid, first.description, len(slices), first.date, first.patient
    )
    return Series(info, tuple(slices))


def _stacks(slices: Iterable[SliceHeader]) -> list[list[SliceHeader]]:
    """Slices that can lie in one volume: same orientation, size and pixel spacing; then by acquisition."""
    stacks: list[list[SliceHeader]] = []
    for header in slices:
        fitting = next((stack for stack in stacks if _parallel(stack[0], header)), None)
        if fitting is None:
            stacks.append([header])
        else:
            fitting.append(header)
    return [part for stack in stacks for part in _by_acquisition(stack)]


def _parallel(a: SliceHeader, b: SliceHeader) -> bool:
    return a.size == b.size and bool(
        np.allclose(
            (*a.row, *a.column, *a.spacing_mm), (*b.row, *b.column, *b.spacing_mm), rtol=0, atol=_TOLERANCE
        )
    )


def _by_acquisition(stack: list[SliceHeader]) -> list[list[SliceHeader]]:
    """Acquisitions apart where two of them have an image at the same place, else all together."""
    acquisitions: dict[str, list[SliceHeader]] = {}
    places: dict[tuple[float, ...], set[str]] = {}
    for header in stack:
        acquisitions.setdefault(header.acquisition, []).append(header)
        places.setdefault(tuple(np.round(header.position_mm, 2)), set()).add(header.acquisition)
    if all(len(found) == 1 for found in places.values()):
        return [stack]
    return list(acquisitions.values())
