"""Read one scan, whatever it is stored as."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.progress import Progress, silent
from napari_longiseg.core.scan import Scan
from napari_longiseg.io._hu import compact
from napari_longiseg.io.dicom import is_dicom_file, read_series
from napari_longiseg.io.images import is_image_file, read_image
from napari_longiseg.io.orientation import is_oblique, shear_degrees, straightened, to_working

_TILTED = (
    "The scan was taken with a tilted gantry ({:.1f} degrees) and was resampled on a straight grid for work; "
    "outlines are written on one with its slices, moved into line."
)


def load_scan(
    path: str | Path,
    *,
    scan_id: str,
    date: dt.date | None = None,
    series: str | int | None = None,
    progress: Progress = silent,
) -> Scan:
    """Read a CT scan and bring it on its LPS working grid.

    Parameters
    ----------
    path : path
        A NIfTI, NRRD or MetaImage file, a folder with one DICOM CT series, or one file of such a series.
    scan_id : str
        Id within the study.
    date : date, optional
        Day of the acquisition; by default the one that DICOM says.
    series : str or int, optional
        Which DICOM series, where there are several: its key, number, UID or description
        (:func:`napari_longiseg.io.dicom.list_series`).
    progress : Progress
        Called for each DICOM slice.

    Returns
    -------
    Scan
        int16 where all values are whole numbers in its range, else float32.

    Raises
    ------
    InputError, GeometryError
        One sentence that names the file and says what is wrong with it.
    """
    path = Path(path)
    if not path.exists():
        msg = f"There is no file or folder {path}."
        raise InputError(msg)
    if path.suffix.lower() == ".zarr":
        msg = f"{path}: OME-Zarr images cannot be read yet; convert it to NIfTI, NRRD or MetaImage."
        raise InputError(msg)
    notes: tuple[str, ...] = ()
    with readable(path):
        if path.is_dir() or (not is_image_file(path) and is_dicom_file(path)):
            found = read_series(path, series, progress)
            values, native, notes = found.values, found.grid, found.notes
            date = date or found.info.date
        elif series is not None:
            msg = f"{path} is no DICOM series; leave out the choice of series {series!r}."
            raise InputError(msg)
        else:
            values, native = read_image(path)
    image, grid = to_working(compact(values), native)
    if tilt := shear_degrees(native):
        notes = (*notes, _TILTED.format(tilt))
        native = straightened(native)
    elif is_oblique(native):
        notes = (*notes, "The scan is oblique and was resampled on a straight grid for work.")
    return Scan(scan_id, image, grid, native, date, path, notes)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn the system's refusal to read something below *path* into a sentence.

    Raises
    ------
    InputError
        In place of any OSError.
    """
    try:
        yield
    except OSError as error:
        msg = f"{error.filename or path} cannot be read: {error.strerror or error}."
        raise InputError(msg) from error
