"""Between SimpleITK's images and transforms and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Array, Grid, as_point, as_shape
from napari_longiseg.io.points import from_xyz, to_xyz


def simple_itk() -> Any:  # noqa: ANN401 - SimpleITK has no types
    """SimpleITK, imported on first use."""
    import SimpleITK

    return SimpleITK


def grid_of(image: Any) -> Grid:  # noqa: ANN401 - SimpleITK has no types
    """The grid of the first three axes of a SimpleITK image, or of a reader's header, axes in array order.

    ITK's direction has rows x, y, z and one column per index axis i, j, k; ours is the same matrix with
    both orders reversed.
    """
    dimensions = image.GetDimension()
    rows = np.asarray(image.GetDirection()).reshape(dimensions, dimensions)[2::-1, 2::-1]
    return Grid(
        shape=as_shape(image.GetSize()[2::-1]),
        spacing_mm=from_xyz(image.GetSpacing()[:3]),
        origin_mm=from_xyz(image.GetOrigin()[:3]),
        direction=(as_point(rows[0]), as_point(rows[1]), as_point(rows[2])),
    )


def itk_image(array: npt.NDArray[Any], grid: Grid) -> Any:  # noqa: ANN401 - SimpleITK has no types
    """A SimpleITK image of an array (Z, Y, X) on its grid."""
    image = simple_itk().GetImageFromArray(array)
    image.SetSpacing(to_xyz(grid.spacing_mm))
    image.SetOrigin(to_xyz(grid.origin_mm))
    image.SetDirection(np.asarray(grid.direction)[::-1, ::-1].ravel().tolist())
    return image


def matrix_of(transform: Any) -> Array:  # noqa: ANN401 - SimpleITK has no types
    """Homogeneous matrix (4, 4) in the order x, y, z of an affine SimpleITK transform of any kind."""
    matrix = np.eye(4)
    matrix[:3, 3] = start = np.asarray(transform.TransformPoint((0.0, 0.0, 0.0)))
    for column, axis in enumerate(np.eye(3)):
        matrix[:3, column] = np.asarray(transform.TransformPoint(axis.tolist())) - start
    return matrix
