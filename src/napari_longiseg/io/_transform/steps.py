"""The parts of a transform that was read from a file, as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Array, Grid
from napari_longiseg.core.resample import Float32

SMALLEST_DETERMINANT = 1e-6
"""A matrix that shrinks volumes by more cannot be gone back by, and is no movement of a patient."""
_FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
"""Between LPS and RAS, for homogeneous points x, y, z, 1."""


@dataclass(frozen=True, eq=False, slots=True)
class LinearStep:
    """``q = matrix p + offset``, points LPS mm in the order (z, y, x).

    Attributes
    ----------
    matrix : (3, 3) float64
        Rotation, scale and shear.
    offset : (3,) float64
        mm.
    """

    matrix: Array
    offset: Array

    @property
    def inverse(self) -> LinearStep:
        """The way back."""
        matrix = np.asarray(np.linalg.inv(self.matrix), dtype=np.float64)
        return LinearStep(matrix, -matrix @ self.offset)

    @classmethod
    def of_xyz(cls, rows: npt.ArrayLike, *, ras: bool = False) -> LinearStep:
        """The step of a homogeneous matrix (4, 4) in the order of files, x, y, z.

        Parameters
        ----------
        rows : (4, 4)
            Maps column vectors (x, y, z, 1) in mm.
        ras : bool
            Whether x grows to the right and y to the front, as in NIfTI, instead of LPS.

        Raises
        ------
        InputError
            Without a file's name: a matrix that is no affine map, or cannot be inverted.
        """
        matrix = np.asarray(rows, dtype=np.float64).reshape(4, 4)
        matrix = _FLIP @ matrix @ _FLIP if ras else matrix
        if not np.isfinite(matrix).all() or not np.allclose(matrix[3], [0, 0, 0, 1], atol=1e-6):
            msg = "its matrix is not an affine one, whose last row is 0 0 0 1"
            raise InputError(msg)
        if abs(np.linalg.det(matrix[:3, :3])) < SMALLEST_DETERMINANT:
            msg = "its matrix flattens space, so that there is no way back"
            raise InputError(msg)
        return cls(matrix[2::-1, 2::-1], matrix[2::-1, 3])

    def rows_xyz(self, *, ras: bool = False) -> Array:
        """The homogeneous matrix (4, 4) that :meth:`of_xyz` takes."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.matrix[::-1, ::-1], self.offset[::-1]
        return np.asarray(_FLIP @ matrix @ _FLIP if ras else matrix)


@dataclass(frozen=True, eq=False, slots=True)
class FieldStep:
    """``q = p + u(p)`` inside a box; points outside it stay where they are.

    Attributes
    ----------
    vectors : (3, Z, Y, X) float32
        u at the nodes in mm, LPS; the first axis is the component, order (z, y, x).
    lattice : Grid
        Where the nodes lie, in any direction.
    box : Grid
        The box, voxels taken as boxes.
    order : int
        Of the spline through the nodes: 1 or 3.
    is_backward : bool
        Whether the step is the way back of this field.
    """

    vectors: Float32
    lattice: Grid
    box: Grid
    order: int = 1
    is_backward: bool = False

    @property
    def inverse(self) -> FieldStep:
        """The way back."""
        return replace(self, is_backward=not self.is_backward)


Step = LinearStep | FieldStep


@dataclass(frozen=True, eq=False, slots=True)
class FileTransform:
    """A transform as a file holds it.

    Attributes
    ----------
    steps : tuple of LinearStep or FieldStep
        The first is applied first.
    is_directed : bool
        Whether the file itself says that it goes from the source to the target scan.
    notes : tuple of str
        What had to be assumed, one sentence each.
    """

    steps: tuple[Step, ...]
    is_directed: bool = False
    notes: tuple[str, ...] = ()


def inverted(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The way back through all steps."""
    return tuple(step.inverse for step in reversed(steps))


def chained(transforms: Iterable[FileTransform]) -> FileTransform:
    """One transform after the other."""
    parts = tuple(transforms)
    return FileTransform(
        tuple(step for part in parts for step in part.steps),
        any(part.is_directed for part in parts),
        tuple(note for part in parts for note in part.notes),
    )
