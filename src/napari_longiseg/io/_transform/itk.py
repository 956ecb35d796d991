"""Transforms that ITK writes, taken apart into steps."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid, as_point, as_shape
from napari_longiseg.io._itk import grid_of, matrix_of, simple_itk
from napari_longiseg.io._transform.steps import FieldStep, LinearStep, Step
from napari_longiseg.io._transform.vector_fields import field_step

TEXT_MARK = b"#Insight Transform File"
HDF5_MARK = b"\x89HDF"
_CUBIC = 3

ItkTransform = Any
"""SimpleITK has no types."""


def read_itk_transform(path: Path, suffix: str) -> tuple[Step, ...]:
    """Read a transform in one of ITK's own formats.

    Affine transforms of every kind, displacement fields, cubic B-splines and composites of these. They map
    points of ITK's fixed image to its moving image.

    Parameters
    ----------
    path : Path
        The file.
    suffix : str
        What ITK goes by to tell the format: ``.tfm``, ``.mat`` or ``.h5``, whatever the file's own name is.

    Raises
    ------
    InputError
        One sentence, naming the file.
    """
    if suffix == ".tfm":
        _check_single(path)
    sitk = simple_itk()
    try:
        with tempfile.TemporaryDirectory() as folder:
            named = path
            if path.suffix.lower() != suffix:
                named = Path(folder) / f"transform{suffix}"
                shutil.copyfile(path, named)
            transform = sitk.ReadTransform(str(named))
    except RuntimeError as error:
        msg = f"{path} cannot be read as a transform: it is damaged, or of a kind that ITK does not know."
        raise InputError(msg) from error
    if transform.GetDimension() != 3:
        msg = f"{path} is a {transform.GetDimension()}-D transform; scans need a 3-D one."
        raise InputError(msg)
    try:
        return _steps(transform)
    except InputError as error:
        msg = f"{path} cannot be used: {error}."
        raise InputError(msg) from error


def _check_single(path: Path) -> None:
    """Refuse a list of transforms that is no composite: ITK would take the first and drop the others."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    kinds = [line for line in lines if line.startswith("Transform:")]
    if len(kinds) > 1 and "CompositeTransform" not in kinds[0]:
        msg = f"{path} lists {len(kinds)} transforms; save them as one composite transform."
        raise InputError(msg)


def _steps(transform: ItkTransform) -> tuple[Step, ...]:
    """The steps of a transform, first applied first; InputError without a file's name."""
    sitk = simple_itk()
    if transform.IsLinear():
        return (LinearStep.of_xyz(matrix_of(transform)),)
    transform = transform.Downcast()
    if isinstance(transform, sitk.CompositeTransform):
        # ITK applies the last of a composite first.
        parts = [transform.GetNthTransform(n) for n in reversed(range(transform.GetNumberOfTransforms()))]
        return tuple(step for part in parts for step in _steps(part))
    if isinstance(transform, sitk.DisplacementFieldTransform):
        field = transform.GetDisplacementField()
        return (field_step(np.moveaxis(sitk.GetArrayViewFromImage(field), -1, 0), grid_of(field)),)
    if isinstance(transform, sitk.BSplineTransform):
        return (_spline(transform),)
    msg = f"a {transform.GetName()} cannot be taken apart; save it as a displacement field"
    raise InputError(msg)


def _spline(transform: ItkTransform) -> FieldStep:
    """A cubic B-spline: its values at the control points, between which the same spline is put again."""
    if transform.GetOrder() != _CUBIC:
        msg = f"it is a B-spline of order {transform.GetOrder()}, and only cubic ones (order 3) are read"
        raise InputError(msg)
    sitk = simple_itk()
    images = transform.GetCoefficientImages()
    lattice = grid_of(images[0])
    coefficients = np.stack([sitk.GetArrayViewFromImage(image) for image in images])
    for axis in (1, 2, 3):
        # A uniform cubic B-spline is 1/6, 4/6, 1/6 at its nodes.
        coefficients = ndimage.convolve1d(coefficients, [1 / 6, 4 / 6, 1 / 6], axis=axis, mode="mirror")
    # ITK moves only points that four control points surround along every axis.
    cells = np.asarray(lattice.shape) - _CUBIC
    box = Grid(as_shape(cells), lattice.spacing_mm, as_point(lattice.to_mm([1.5] * 3)), lattice.direction)
    return field_step(coefficients, lattice, box, _CUBIC)
