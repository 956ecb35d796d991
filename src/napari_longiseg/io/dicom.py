"""Read DICOM CT series: headers first, so that nothing is silently put together wrongly.

Readers that only sort by position squeeze a series with gaps, scramble one that holds a localizer, and
ignore the shear of a tilted gantry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_longiseg.core.errors import GeometryError, InputError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.progress import Progress, scaled, silent
from napari_longiseg.io._dicom.geometry import grid_of_slices, place, same_places, sorted_slices
from napari_longiseg.io._dicom.headers import SliceHeader, is_dicom_file, read_headers
from napari_longiseg.io._dicom.pixels import read_pixels
from napari_longiseg.io._dicom.series import Series, SeriesInfo, choose, containing, series_in

__all__ = ["DicomVolume", "SeriesInfo", "holds_dicom", "is_dicom_file", "list_series", "read_series"]


@dataclass(frozen=True, eq=False, slots=True)
class DicomVolume:
    """A series as it is stored.

    Attributes
    ----------
    values : (slice, row, column) int16 or float32
        HU.
    grid : Grid
        The series' own grid; sheared where the gantry was tilted.
    info : SeriesInfo
        Which series it is.
    notes : tuple of str
        What was left out.
    """

    values: npt.NDArray[Any]
    grid: Grid
    info: SeriesInfo
    notes: tuple[str, ...]


def list_series(folder: str | Path, progress: Progress = silent) -> list[SeriesInfo]:
    """The CT series below a folder, by number.

    Raises
    ------
    InputError
        When there is none, or a file is damaged.
    """
    return [series.info for series in _series_below(Path(folder), progress)]


def read_series(
    path: str | Path, series: str | int | None = None, progress: Progress = silent
) -> DicomVolume:
    """Read one CT series.

    Parameters
    ----------
    path : path
        A folder, searched with all folders below it; or one file of the series.
    series : str or int, optional
        Key, number, UID or description; needed where there are several.
    progress : Progress
        Called for each slice.

    Raises
    ------
    InputError
        When there is no CT series, several, or one that cannot be shown as HU.
    GeometryError
        When its slices do not make a straight volume without gaps.
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    found = _series_below(folder, scaled(progress, 0.0, 0.3))
    if path != folder:
        found = containing(found, path)
        if not found:
            msg = f"{path} is not a slice of a DICOM CT series."
            raise InputError(msg)
    chosen = choose(found, series, folder)
    name = f"Series {chosen.info.key} ({chosen.info.description or 'no description'}) in {folder}"
    _check_values(chosen, name)
    slices, notes = _without_duplicates(sorted_slices(chosen.slices), name)
    grid = grid_of_slices(slices, name)
    values = read_pixels(slices, scaled(progress, 0.3, 1.0))
    return DicomVolume(values, grid, chosen.info, notes)


def holds_dicom(folder: Path) -> bool:
    """Whether a folder has a DICOM file in it, not counting the folders below."""
    return any(is_dicom_file(path) for path in _files(folder.iterdir()))


def _series_below(folder: Path, progress: Progress) -> list[Series]:
    headers = read_headers(_files(folder.rglob("*")), progress)
    return series_in(headers, folder)


def _files(paths: Any) -> list[Path]:  # noqa: ANN401 - Path.rglob's type differs between versions
    return sorted(p for p in paths if p.is_file() and p.name != "DICOMDIR" and not p.name.startswith("."))


def _check_values(series: Series, name: str) -> None:
    """Refuse what cannot be turned into HU safely."""
    if any(header.photometric == "MONOCHROME1" for header in series.slices):
        msg = f"{name} is stored inverted (MONOCHROME1), which is not used for CT; export it again."
        raise InputError(msg)
    frames = [header for header in series.slices if header.frame is not None]
    if len({(header.path, header.slope, header.intercept) for header in frames}) > len(
        {header.path for header in frames}
    ):
        msg = f"{name} has frames with different rescale factors; export it as single slices."
        raise InputError(msg)


def _without_duplicates(
    slices: Sequence[SliceHeader], name: str
) -> tuple[list[SliceHeader], tuple[str, ...]]:
    """One slice per place, and a note where others were dropped.

    Raises
    ------
    GeometryError
        When two different images lie at the same place.
    """
    kept: list[SliceHeader] = []
    for group in same_places(slices):
        kept.append(group[0])
        if len(group) > 1 and len({_pixels_digest(header) for header in group}) > 1:
            msg = f"{name} has {len(group)} different images at {place(group[0])}; export one reconstruction."
            raise GeometryError(msg)
    dropped = len(slices) - len(kept)
    return kept, ((f"{dropped} duplicate slices were left out.",) if dropped else ())


def _pixels_digest(header: SliceHeader) -> tuple[int | None, str]:
    """Equal for two copies of the same stored image."""
    import pydicom

    stored = pydicom.dcmread(header.path, specific_tags=["PixelData"]).get("PixelData", b"")
    return header.frame, hashlib.blake2b(stored, digest_size=16).hexdigest()
