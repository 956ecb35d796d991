"""The steps of a transform file as transforms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Array, Grid
from napari_longiseg.io.transforms import FieldStep, FileTransform, LinearStep
from napari_longiseg.registration.transforms import Affine, Chain, Displacement, Inverse, Transform


@dataclass(frozen=True, eq=False)
class Within:
    """A displacement inside a box; points outside it stay where they are, as ITK has it.

    Attributes
    ----------
    displacement : Displacement
        What happens inside.
    box : Grid
        The box, voxels taken as boxes.
    """

    displacement: Displacement
    box: Grid

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Mapped points (N, 3)."""
        points = np.array(np.atleast_2d(points_mm), dtype=np.float64)
        inside = self.box.contains(points)
        points[inside] = self.displacement(points[inside])
        return points

    @property
    def inverse(self) -> Inverse:
        """The way back."""
        return Inverse(self)


def chain_of(found: FileTransform) -> Chain:
    """The transform that a file holds."""
    return Chain(tuple(_transform(step) for step in found.steps))


def _transform(step: LinearStep | FieldStep) -> Transform:
    if isinstance(step, LinearStep):
        return Affine(step.matrix, step.offset)
    field = Within(Displacement(step.vectors, step.lattice, order=step.order), step.box)
    return field.inverse if step.is_backward else field
