"""Displacement fields in image files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Array, Grid
from napari_longiseg.io._itk import grid_of, simple_itk
from napari_longiseg.io._nifti import not_finite
from napari_longiseg.io._transform.steps import FieldStep
from napari_longiseg.io.images import read_itk_image

Axes = Literal["lps", "ras"]
Content = Literal["displacements", "positions"]

NIFTI_DISPLACEMENTS = "1006"
"""NIfTI's intent of displacement vectors. NIfTI says that these are RAS, and ITK turns them as it reads; the
plain vectors (1007) that ITK and ANTs write it leaves as they are, LPS."""


def read_field(path: Path, axes: Axes = "lps", content: Content = "displacements") -> FieldStep:
    """Read a displacement field from a NIfTI, NRRD or MetaImage file of three values per voxel.

    Parameters
    ----------
    path : Path
        The values lie along a fourth or fifth dimension, or are the components of vectors.
    axes : {"lps", "ras"}
        Of the vectors; the grid's are those of the format. Without effect on a NIfTI file whose intent is
        "displacement vectors", which are RAS.
    content : {"displacements", "positions"}
        Whether the values are mm to go, or where to go to, in mm.

    Raises
    ------
    InputError
        One sentence, naming the file.
    """
    image = read_itk_image(path, _check_kind)
    intent = image.GetMetaData("intent_code") if image.HasMetaDataKey("intent_code") else ""
    values = simple_itk().GetArrayFromImage(image)
    if image.GetDimension() == 3:
        values = np.moveaxis(values, -1, 0)
    values = values.reshape(3, *values.shape[-3:])
    while image.GetDimension() > 3:
        image = image[(slice(None),) * (image.GetDimension() - 1) + (0,)]
    wrong = values.size - int(np.isfinite(values).sum())
    if wrong:
        raise InputError(not_finite(path, wrong))
    grid = grid_of(image)
    field = field_step(values, grid)
    if axes == "ras" and intent != NIFTI_DISPLACEMENTS:
        field.vectors[1:] *= -1.0  # y and x
    if content == "positions":
        _subtract_nodes(field)
    return field


def field_step(values: npt.NDArray[Any], lattice: Grid, box: Grid | None = None, order: int = 1) -> FieldStep:
    """A field of vectors (3, Z, Y, X), LPS mm, in the order of files; by default on all of its voxels."""
    vectors: Array = np.asarray(values)[::-1]
    return FieldStep(np.ascontiguousarray(vectors, dtype=np.float32), lattice, box or lattice, order)


def _subtract_nodes(field: FieldStep) -> None:
    """Turn places to go to into steps, component by component: a field may take much of the memory."""
    z, y, x = np.ogrid[tuple(slice(n) for n in field.lattice.shape)]
    for values, row, origin in zip(field.vectors, field.lattice.matrix, field.lattice.origin_mm, strict=True):
        values -= origin + row[0] * z + row[1] * y + row[2] * x


def _check_kind(path: Path, reader: Any) -> None:  # noqa: ANN401 - SimpleITK has no types
    """Refuse what does not hold three numbers for each voxel of a volume; looks at the header only."""
    size, components = reader.GetSize(), reader.GetNumberOfComponents()
    volume = len(size) == 3 and components == 3
    stacked = len(size) > 3 and components == 1 and int(np.prod(size[3:])) == 3
    if not (volume or stacked):
        msg = (
            f"{path} is no displacement field, which has 3 values per voxel of a 3-D volume; it is "
            f"{len(size)}-D with {components * int(np.prod(size[3:]))} per voxel."
        )
        raise InputError(msg)
