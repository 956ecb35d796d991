"""The moving volume on the fixed volume's grid, with what the optimisers need of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_longiseg.core.geometry import Array
from napari_longiseg.registration._spline import SplineField
from napari_longiseg.registration._torch.volume import Volume, sample, separable, with_gradient
from napari_longiseg.registration._transform import Transform


class Warp:
    """Samples a moving volume at the places where a fixed volume's voxels go.

    Parameters
    ----------
    fixed, moving : Volume
        On one device.
    """

    def __init__(self, fixed: Volume, moving: Volume) -> None:
        self.fixed, self.moving = fixed, moving
        self._device = fixed.data.device
        self._channels = with_gradient(moving)
        self.axes = [self.tensor(axis - c) for axis, c in zip(fixed.axes_mm(), self.centre, strict=True)]

    @property
    def centre(self) -> Array:
        """Middle of the fixed volume (mm); coordinates count from here to keep float32 exact."""
        return np.asarray(self.fixed.origin + (np.asarray(self.fixed.shape) - 1) / 2 * self.fixed.spacing)

    def tensor(self, values: npt.NDArray[Any]) -> Tensor:
        """Float32 tensor on the volumes' device."""
        return torch.as_tensor(values, dtype=torch.float32, device=self._device)

    def places(self, transform: Transform) -> Tensor:
        """(3, Z, Y, X) continuous indices of the moving volume where the fixed voxels go."""
        matrix = self.tensor(transform.matrix / self.moving.spacing[:, None])
        start = transform.matrix @ (self.centre - transform.centre) + transform.shifted - self.moving.origin
        offset = self.tensor(start / self.moving.spacing)
        z, y, x = self.axes
        places = (
            (matrix[:, 0, None] * z)[:, :, None, None]
            + (matrix[:, 1, None] * y)[:, None, :, None]
            + ((matrix[:, 2, None] * x) + offset[:, None])[:, None, None, :]
        )
        for field in transform.fields:
            places = places + self.steps(self.displacements(field))
        return places

    def displacements(self, field: SplineField) -> Tensor:
        """(3, Z, Y, X) displacements in mm of the fixed voxels."""
        return separable(self.tensor(field.coefficients), self.field_matrices(field))

    def field_matrices(self, field: SplineField) -> list[Tensor]:
        """Weight (voxels, controls) of a field's control points on the fixed voxels, for each axis."""
        axes = self.fixed.axes_mm()
        if field.extends:
            axes = [np.clip(axis, *ends) for axis, *ends in zip(axes, field.low, field.high, strict=True)]
        return [self.tensor(matrix) for matrix in field.matrices(axes)]

    def steps(self, displacements: Tensor) -> Tensor:
        """Displacements in mm as steps of the moving volume's index, both (3, Z, Y, X)."""
        return displacements / self.tensor(self.moving.spacing)[:, None, None, None]

    def inside(self, places: Tensor) -> Tensor:
        """(Z, Y, X) float: 1 where the place lies in the moving volume."""
        last = self.tensor(np.asarray(self.moving.shape) - 0.5)[:, None, None, None]
        return ((places >= -0.5) & (places <= last)).all(dim=0).to(torch.float32)

    def image(self, places: Tensor) -> Tensor:
        """(4, Z, Y, X): moving intensities and their slopes per mm at places."""
        return sample(self._channels, places)
