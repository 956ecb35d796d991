"""The headers of the CT images in a folder, without their pixels."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.progress import Progress
from napari_longiseg.io.points import from_xyz

_TAGS = [
    *("SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "PatientID", "Modality"),
    *("ImageType", "AcquisitionNumber", "AcquisitionDate", "SeriesDate", "StudyDate", "NumberOfFrames"),
    *("Rows", "Columns", "PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient"),
    *("SamplesPerPixel", "PhotometricInterpretation", "PixelRepresentation", "BitsAllocated"),
    *("RescaleSlope", "RescaleIntercept", "PixelPaddingValue", "PixelPaddingRangeLimit"),
]

Dataset = Any
"""Of pydicom, whose attributes are made at run time."""

_CT_IMAGES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
"""SOP classes of CT images: single slices, enhanced, legacy converted."""


@dataclass(frozen=True, slots=True)
class SliceHeader:
    """What one CT slice says of itself; points and vectors in LPS, order (z, y, x).

    Attributes
    ----------
    frame : int or None
        Number of the slice within a multi-frame file.
    row, column : Point
        Unit vectors along which the row index and the column index grow.
    spacing_mm : (2,) float
        Between rows and between columns.
    padding : (2,) float or None
        Stored values between these, both included, lie outside the scanned field.
    """

    path: Path
    frame: int | None
    uid: str
    series_uid: str
    number: int | None
    description: str
    patient: str
    date: dt.date | None
    acquisition: str
    photometric: str
    size: tuple[int, int]
    spacing_mm: tuple[float, float]
    row: Point
    column: Point
    position_mm: Point
    slope: float
    intercept: float
    padding: tuple[float, float] | None


@dataclass
class Headers:
    """What a folder holds: CT slices, and the modalities of everything else that is DICOM."""

    slices: list[SliceHeader] = field(default_factory=list)
    others: set[str] = field(default_factory=set)


def is_dicom_file(path: Path) -> bool:
    """Whether a file carries the DICOM mark after its preamble."""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def read_headers(paths: Sequence[Path], progress: Progress) -> Headers:
    """Headers of all CT slices among these files; localizers and what is no image in space are left out.

    Raises
    ------
    InputError
        When a DICOM file is damaged.
    """
    found = Headers()
    for count, path in enumerate(paths):
        if count % 50 == 0:
            progress("Reading DICOM headers", count / len(paths))
        if not is_dicom_file(path):
            continue
        header = _header(path, _TAGS)
        if "Rows" not in header and _should_be_ct(header):
            raise InputError(_damaged(path))
        if "Rows" not in header or header.get("Modality") != "CT":
            found.others.add(str(header.get("Modality") or "unknown"))
            continue
        found.slices += _slices(path, header)
    return found


def _header(path: Path, tags: list[str] | None) -> Dataset:
    import pydicom

    try:
        return pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags)
    except Exception as error:  # pydicom raises whatever the damage leads to
        raise InputError(_damaged(path)) from error


def _damaged(path: Path) -> str:
    return f"The DICOM file {path} is damaged; get a new copy of it."


def _should_be_ct(header: Dataset) -> bool:
    """Whether a file without an image was cut off, by what its first lines announce."""
    announced = header.file_meta.get("MediaStorageSOPClassUID")
    return announced in _CT_IMAGES or (announced is None and "Modality" not in header)


def _slices(path: Path, header: Dataset) -> Iterator[SliceHeader]:
    if "LOCALIZER" in (header.get("ImageType") or ()) or int(header.get("SamplesPerPixel") or 1) != 1:
        return
    try:
        if int(header.get("NumberOfFrames") or 1) > 1:
            yield from _frames(path)
        elif header.get("ImagePositionPatient") and header.get("ImageOrientationPatient"):
            yield _slice(path, header, header, header, header)
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        msg = f"The DICOM file {path} lacks what places it in space ({error})."
        raise InputError(msg) from error


def _frames(path: Path) -> Iterator[SliceHeader]:
    """The slices of an enhanced CT file, from its functional groups (DICOM PS3.3, C.7.6.16)."""
    header = _header(path, None)
    per_frame = header.get("PerFrameFunctionalGroupsSequence")
    if not per_frame:
        return
    shared = header.SharedFunctionalGroupsSequence[0]
    for number, own in enumerate(per_frame):

        def group(name: str, own: Dataset = own) -> Dataset:
            return (own.get(name) or shared.get(name) or [{}])[0]

        position, orientation = group("PlanePositionSequence"), group("PlaneOrientationSequence")
        place = {**_dict(position), **_dict(orientation)}
        if "ImagePositionPatient" in place:
            measures, values = group("PixelMeasuresSequence"), group("PixelValueTransformationSequence")
            yield _slice(path, header, place, measures, values, number)


def _dict(item: Dataset) -> dict[str, Any]:
    names = ("ImagePositionPatient", "ImageOrientationPatient")
    return {name: item.get(name) for name in names if item.get(name)}


def _slice(
    path: Path,
    header: Dataset,
    place: Dataset,
    measures: Dataset,
    values: Dataset,
    frame: int | None = None,
) -> SliceHeader:
    """One slice; its place, pixel size and rescale may stand in functional groups of their own."""
    along_row = [float(v) for v in place.get("ImageOrientationPatient")]
    number = header.get("SeriesNumber")
    rows, columns = (float(v) for v in measures.get("PixelSpacing"))
    slope, intercept = values.get("RescaleSlope"), values.get("RescaleIntercept")
    return SliceHeader(
        path=path,
        frame=frame,
        uid=str(header.get("SOPInstanceUID") or ""),
        series_uid=str(header.get("SeriesInstanceUID") or ""),
        number=None if number is None else int(number),
        description=str(header.get("SeriesDescription") or "").strip(),
        patient=str(header.get("PatientID") or ""),
        date=_date(header),
        acquisition=str(header.get("AcquisitionNumber") or ""),
        photometric=str(header.get("PhotometricInterpretation") or ""),
        size=(int(header.Rows), int(header.Columns)),
        spacing_mm=(rows, columns),
        row=from_xyz(along_row[3:]),
        column=from_xyz(along_row[:3]),
        position_mm=from_xyz(place.get("ImagePositionPatient")),
        slope=1.0 if slope is None else float(slope),
        intercept=0.0 if intercept is None else float(intercept),
        padding=_padding(header),
    )


def _date(header: Dataset) -> dt.date | None:
    """Day of the acquisition, else of the series, else of the study; None where none is a date."""
    for name in ("AcquisitionDate", "SeriesDate", "StudyDate"):
        try:
            return dt.datetime.strptime(str(header.get(name) or ""), "%Y%m%d").date()
        except ValueError:
            continue
    return None


def _padding(header: Dataset) -> tuple[float, float] | None:
    """Lowest and highest stored value that marks padding, signed as the pixels are."""
    value = header.get("PixelPaddingValue")
    if value is None:
        return None
    limit = header.get("PixelPaddingRangeLimit")
    ends = [_signed(int(v), header) for v in (value, value if limit is None else limit)]
    return float(min(ends)), float(max(ends))


def _signed(value: int, header: Dataset) -> int:
    """A value that may have been written as the other of US and SS."""
    bits = int(header.get("BitsAllocated") or 16)
    value %= 1 << bits
    return value - (1 << bits) if header.get("PixelRepresentation") and value >> (bits - 1) else value
