"""The pixels of sorted CT slices in HU, through SimpleITK (GDCM)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import AIR_HU
from napari_longiseg.io._dicom.headers import SliceHeader
from napari_longiseg.io._hu import compact
from napari_longiseg.io._itk import simple_itk

PADDING_HU = -1000.0
"""Padding that stands for more than this is a mistake of the header: it would cut holes into the body."""


def read_pixels(slices: Sequence[SliceHeader], progress: Progress) -> npt.NDArray[Any]:
    """HU of the slices (slice, row, column), int16 where nothing is lost by it, else float32.

    Slope and intercept may differ from slice to slice, so each is read by itself; a series reader would
    cast all of them to the type of the first one. Pixel padding becomes air.

    Raises
    ------
    InputError
        When a slice is damaged.
    """
    volume = np.empty((len(slices), *slices[0].size), dtype=np.int16)
    opened: tuple[Path, npt.NDArray[Any]] | None = None
    for number, header in enumerate(slices):
        progress("Reading DICOM slices", number / len(slices))
        if opened is None or opened[0] != header.path:
            opened = header.path, _frames(header.path)
        frames = opened[1]
        index = header.frame or 0
        if frames.shape[1:] != header.size or index >= len(frames):
            msg = f"The DICOM file {header.path} holds other images than its header says."
            raise InputError(msg)
        values = compact(_with_air(frames[index], header))
        if values.dtype != volume.dtype and volume.dtype == np.int16:
            volume = volume.astype(np.float32)
        volume[number] = values
    return volume


def _frames(path: Path) -> npt.NDArray[Any]:
    """All images of a file, rescaled to HU, as (frame, row, column)."""
    sitk = simple_itk()
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    try:
        values: npt.NDArray[Any] = sitk.GetArrayFromImage(reader.Execute())
    except RuntimeError as error:
        msg = f"The pixels of the DICOM file {path} cannot be read; get a new copy of it."
        raise InputError(msg) from error
    return values if values.ndim == 3 else values[None]


def _with_air(values: npt.NDArray[Any], header: SliceHeader) -> npt.NDArray[Any]:
    """The slice with air where its header says that nothing was measured."""
    if header.padding is None:
        return values
    low, high = sorted(header.slope * v + header.intercept for v in header.padding)
    if high > PADDING_HU:
        return values
    outside = (values >= low - 1e-3) & (values <= high + 1e-3)
    return np.where(outside, np.asarray(AIR_HU, dtype=values.dtype), values) if outside.any() else values
