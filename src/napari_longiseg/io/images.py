"""Image and label files: NIfTI, NRRD and MetaImage through SimpleITK, with the checks that it does not do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.resample import resample_labels
from napari_longiseg.core.scan import Scan
from napari_longiseg.io._itk import grid_of, itk_image, simple_itk
from napari_longiseg.io._metaimage import check_metaimage
from napari_longiseg.io._nifti import check_nifti, is_orthonormal, not_finite

_READERS = {
    ".nii": "NiftiImageIO",
    ".nii.gz": "NiftiImageIO",
    ".nrrd": "NrrdImageIO",
    ".nhdr": "NrrdImageIO",
    ".mha": "MetaImageIO",
    ".mhd": "MetaImageIO",
}
EXTENSIONS = tuple(_READERS)
"""File names that are taken for images, in lower case."""


def is_image_file(path: Path) -> bool:
    """Whether the name says that it is an image that can be read."""
    return path.name.lower().endswith(EXTENSIONS)


def read_image(path: str | Path) -> tuple[npt.NDArray[Any], Grid]:
    """Read a 3-D image of one number per voxel.

    Returns
    -------
    values : (K, J, I)
        In the order and the type of the file, rescaled as its header says.
    grid : Grid
        The file's own grid, in any orientation.

    Raises
    ------
    InputError
        A file that is missing, unknown, damaged, not 3-D, in colour, sheared, or with values that are not
        finite; one sentence, naming the file.
    """
    path = Path(path)
    image = read_itk_image(path, _check_kind)
    if image.GetDimension() == 4:  # one volume, as checked
        image = image[:, :, :, 0]
    grid = grid_of(image)
    values = simple_itk().GetArrayFromImage(image)
    _check_finite(path, values)
    return values, grid


def read_grid(path: str | Path) -> Grid:
    """The own grid of a 3-D image, from its header alone: nothing is said of its voxels.

    Raises
    ------
    InputError
        A file that is missing, unknown, not 3-D, in colour, or whose header is damaged.
    """
    path = Path(path)
    reader = _reader(path)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(_sheared(path) if "orthonormal" in str(error) else _damaged(path)) from error
    _check_kind(path, reader)
    return grid_of(reader)


def read_itk_image(path: Path, check_kind: Callable[[Path, Any], None]) -> Any:  # noqa: ANN401 - no types
    """Read a SimpleITK image of any kind that *check_kind* lets pass, by the reader with the header read.

    Raises
    ------
    InputError
        A file that is missing, unknown, damaged or sheared; one sentence, naming the file.
    """
    reader = _reader(path)
    if reader.GetImageIO() == "NiftiImageIO":
        check_nifti(path)
    elif reader.GetImageIO() == "MetaImageIO":
        check_metaimage(path)
    try:
        reader.ReadImageInformation()
        check_kind(path, reader)
        image = reader.Execute()
    except RuntimeError as error:
        if "orthonormal" in str(error):
            raise InputError(_sheared(path)) from error
        raise InputError(_damaged(path)) from error
    dimensions = image.GetDimension()
    axes = np.asarray(image.GetDirection()).reshape(dimensions, dimensions)[:3, :3]
    if not is_orthonormal(axes):
        raise InputError(_sheared(path))
    return image


def read_labels(path: str | Path) -> tuple[npt.NDArray[Any], Grid]:
    """Read a label image: whole numbers (K, J, I) in the order of the file, and its own grid.

    Raises
    ------
    InputError
        As :func:`read_image`, and for values that are negative or not whole.
    """
    values, grid = read_image(path)
    if values.dtype.kind == "f":
        whole = values.astype(np.int32)
        if not np.array_equal(whole, values):
            msg = f"{path} is not a label image: it holds values that are not whole numbers."
            raise InputError(msg)
        values = whole
    if values.min() < 0:
        msg = f"{path} is not a label image: it holds negative values."
        raise InputError(msg)
    return values, grid


def write_image(path: str | Path, array: npt.NDArray[Any], grid: Grid) -> None:
    """Write an array (Z, Y, X) on its grid, compressed; the name says the format.

    Raises
    ------
    InputError
        When the name has another extension, or the file cannot be written.
    """
    path = Path(path)
    writer = simple_itk().ImageFileWriter()
    writer.SetImageIO(_reader_of(path, must_exist=False))
    writer.SetFileName(str(path))
    writer.UseCompressionOn()
    try:
        writer.Execute(itk_image(array.astype(np.uint8) if array.dtype == bool else array, grid))
    except RuntimeError as error:
        msg = f"{path} cannot be written; check that its folder exists and that there is space."
        raise InputError(msg) from error


def write_labels(path: str | Path, labels: npt.NDArray[Any], scan: Scan) -> None:
    """Write labels (Z, Y, X) of a scan's working grid on the grid of the file that the scan came from.

    Eight bits a voxel where the labels allow it, else sixteen.

    Raises
    ------
    InputError
        When the labels do not fit the scan, or the file cannot be written.
    """
    if labels.shape != scan.grid.shape:
        msg = f"The labels have shape {labels.shape}, scan {scan.id} has {scan.grid.shape}."
        raise InputError(msg)
    small = np.uint8 if int(labels.max()) <= np.iinfo(np.uint8).max else np.uint16
    native = resample_labels(labels.astype(small), scan.grid, scan.native)
    write_image(path, native, scan.native)


def _reader(path: Path) -> Any:  # noqa: ANN401 - SimpleITK has no types
    """SimpleITK's reader of a file that is there."""
    reader = simple_itk().ImageFileReader()
    reader.SetImageIO(_reader_of(path))
    reader.SetFileName(str(path))
    return reader


def _reader_of(path: Path, must_exist: bool = True) -> str:
    """ITK's name of the format that a file name stands for."""
    if must_exist and not path.is_file():
        msg = f"There is no file {path}."
        raise InputError(msg)
    for extension in sorted(EXTENSIONS, key=len, reverse=True):
        if path.name.lower().endswith(extension):
            return _READERS[extension]
    msg = (
        f"{path} has an unknown extension; NIfTI (.nii, .nii.gz), NRRD (.nrrd, .nhdr), MetaImage "
        "(.mha, .mhd) and DICOM can be used."
    )
    raise InputError(msg)


def _check_kind(path: Path, reader: Any) -> None:  # noqa: ANN401 - SimpleITK has no types
    """Refuse what is not one 3-D volume of one number per voxel; looks at the header only."""
    size = reader.GetSize()
    if reader.GetNumberOfComponents() != 1:
        msg = f"{path} has {reader.GetNumberOfComponents()} values per voxel (colour or vectors), not one."
        raise InputError(msg)
    if len(size) == 2:
        msg = f"{path} is a 2-D image; a scan needs at least 2 slices."
        raise InputError(msg)
    volumes = int(np.prod(size[3:]))
    if len(size) > 4 or volumes > 1:
        msg = f"{path} is {len(size)}-D with {volumes} volumes; save the one to use as a 3-D image."
        raise InputError(msg)
    if min(size[:3]) < 2:
        msg = f"{path} has fewer than 2 slices; a scan needs at least 2."
        raise InputError(msg)


def _check_finite(path: Path, values: npt.NDArray[Any]) -> None:
    if values.dtype.kind != "f":
        return
    wrong = values.size - sum(int(np.isfinite(part).sum()) for part in values)
    if wrong:
        raise InputError(not_finite(path, wrong))


def _damaged(path: Path) -> str:
    return f"{path} cannot be read; it is damaged, or a file that belongs to it is missing."


def _sheared(path: Path) -> str:
    return f"{path}: the axes of its grid are not perpendicular; resample it on a straight grid."
