"""Transforms that other programs have written: ITK's files, RAS matrices, displacement fields, DICOM."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_longiseg.core.errors import InputError
from napari_longiseg.io._dicom.registration import read_registration
from napari_longiseg.io._transform.folder import find_transforms
from napari_longiseg.io._transform.itk import HDF5_MARK, TEXT_MARK, read_itk_transform
from napari_longiseg.io._transform.steps import FieldStep, FileTransform, LinearStep, chained
from napari_longiseg.io._transform.vector_fields import Axes, Content, read_field
from napari_longiseg.io.dicom import is_dicom_file
from napari_longiseg.io.images import is_image_file
from napari_longiseg.io.scans import readable

__all__ = [
    "Axes",
    "Content",
    "FieldStep",
    "FileTransform",
    "LinearStep",
    "chained",
    "find_transforms",
    "read_field",
    "read_matrix",
    "read_transform",
    "write_matrix",
]

LARGEST_TEXT = 4096
"""Bytes of a file that may be a matrix of 16 numbers."""


def read_transform(
    path: str | Path,
    *,
    axes: Axes = "lps",
    content: Content = "displacements",
    source: Path | None = None,
    target: Path | None = None,
) -> FileTransform:
    """Read a transform of points from a source scan to a target scan.

    ITK's transforms (text, HDF5, MATLAB) and displacement fields map points of the image that was fixed to
    the one that moved; matrices of 4 x 4 numbers, as ITK-SNAP, Convert3D and greedy write them, too, in RAS.

    Parameters
    ----------
    path : path
        The file; its contents tell what it is.
    axes, content
        How to read a displacement field, see :func:`~napari_longiseg.io._transform.vector_fields.read_field`.
    source, target : Path, optional
        Where the scans were read from. Only DICOM registrations look there, for the frames of reference.

    Raises
    ------
    InputError
        A file that is missing, damaged, 2-D, of an unknown kind, or that cannot be inverted; one sentence,
        naming the file.
    """
    path = Path(path)
    if not path.is_file():
        msg = f"There is no file {path}."
        raise InputError(msg)
    with readable(path):
        if is_image_file(path):
            return FileTransform((read_field(path, axes, content),))
        if is_dicom_file(path):
            return read_registration(path, source, target)
        if suffix := _itk_suffix(_start(path)):
            return FileTransform(read_itk_transform(path, suffix))
        return FileTransform((read_matrix(path),))


def read_matrix(path: str | Path) -> LinearStep:
    """Read four rows of four numbers in RAS, as ITK-SNAP, Convert3D and greedy write an affine transform.

    Raises
    ------
    InputError
        When the file holds something else, or a matrix that cannot be inverted.
    """
    try:
        numbers = np.array(_start(Path(path)).decode("utf-8-sig").split(), dtype=np.float64)
        if numbers.size != 16:
            raise ValueError
    except ValueError as error:
        msg = (
            f"{path} is no transform that can be read: neither one of ITK's, nor a matrix of 4 x 4 numbers, "
            "nor a displacement field, nor a DICOM registration."
        )
        raise InputError(msg) from error
    try:
        return LinearStep.of_xyz(numbers, ras=True)
    except InputError as error:
        msg = f"{path} cannot be used: {error}."
        raise InputError(msg) from error


def write_matrix(path: str | Path, step: LinearStep) -> None:
    """Write an affine transform as :func:`read_matrix` reads it."""
    np.savetxt(path, step.rows_xyz(ras=True), fmt="%.12g")


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_TEXT)


def _itk_suffix(start: bytes) -> str:
    """What ITK calls the format of a file that begins like this; empty where it is none of ITK's."""
    if start.startswith(TEXT_MARK):
        return ".tfm"
    if start.startswith(HDF5_MARK):
        return ".h5"
    # MATLAB 4: five numbers, then the name of the first variable, which ITK names after the transform.
    return ".mat" if b"Transform" in start[20:64] and b"\0" in start[:20] else ""
