"""The common ground: a lattice half way between two scans, on which both are compared.

Neither scan is the fixed one. Both are sampled at the places where the lattice's nodes lie in them, so that
exchanging source and target exchanges the signs and nothing else (Avants et al., 2008; Ashburner, 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_longiseg.core.geometry import Array
from napari_longiseg.registration._torch.volume import Volume, sample
from napari_longiseg.registration.transforms import Affine


@dataclass(frozen=True, eq=False)
class Lattice:
    """Nodes of equal spacing along the patient's axes.

    Attributes
    ----------
    shape : (3,) int
        Number of nodes, order (z, y, x).
    spacing_mm : float
        Between nodes.
    origin : (3,) float64
        First node, LPS mm, order (z, y, x).
    device : torch.device
        Where the work is done.
    """

    shape: tuple[int, int, int]
    spacing_mm: float
    origin: Array
    device: torch.device

    @classmethod
    def over(cls, low: Array, high: Array, spacing_mm: float, device: torch.device) -> Lattice:
        """The nodes that fill a box (mm), an odd number along each axis."""
        z, y, x = (max(2 * round(n / 2) + 1, 5) for n in (high - low) / spacing_mm - 1)
        first = (low + high) / 2 - (np.array([z, y, x]) - 1) / 2 * spacing_mm
        return cls((z, y, x), spacing_mm, first, device)

    @property
    def low(self) -> Array:
        """Lowest coordinates (mm), nodes taken as boxes."""
        return np.asarray(self.origin - self.spacing_mm / 2)

    @property
    def high(self) -> Array:
        """Highest coordinates (mm), nodes taken as boxes."""
        return np.asarray(self.origin + (np.asarray(self.shape) - 0.5) * self.spacing_mm)

    @property
    def centre(self) -> Array:
        """The middle (mm); coordinates count from here to keep float32 exact."""
        return np.asarray(self.origin + (np.asarray(self.shape) - 1) / 2 * self.spacing_mm)

    def axes_mm(self) -> list[Array]:
        """Coordinates (mm) of the nodes along each axis."""
        return [o + self.spacing_mm * np.arange(n) for o, n in zip(self.origin, self.shape, strict=True)]

    def arms(self) -> list[Tensor]:
        """The same, counted from the middle, as tensors."""
        return [self.tensor(axis - c) for axis, c in zip(self.axes_mm(), self.centre, strict=True)]

    def halved(self) -> Lattice:
        """Every other node."""
        z, y, x = ((n + 1) // 2 for n in self.shape)
        return Lattice((z, y, x), 2 * self.spacing_mm, self.origin, self.device)

    def between(self) -> list[Tensor]:
        """Weight of every other node on all nodes, for each axis: the nodes, and the means between them."""
        return [self.tensor(_doubling((n + 1) // 2)) for n in self.shape]

    def points_mm(self) -> Array:
        """(N, 3) coordinates of all nodes."""
        return np.stack(np.meshgrid(*self.axes_mm(), indexing="ij"), axis=-1).reshape(-1, 3)

    def tensor(self, values: npt.ArrayLike) -> Tensor:
        """Float32 tensor on the device."""
        return torch.as_tensor(np.asarray(values), dtype=torch.float32, device=self.device)

    def places(self, transform: Affine, volume: Volume) -> Tensor:
        """(3, Z, Y, X) continuous indices of a volume where the nodes lie in it."""
        matrix = self.tensor(transform.matrix / volume.spacing[:, None])
        offset = self.tensor((transform(self.centre)[0] - volume.origin) / volume.spacing)
        z, y, x = self.arms()
        return (
            (matrix[:, 0, None] * z)[:, :, None, None]
            + (matrix[:, 1, None] * y)[:, None, :, None]
            + ((matrix[:, 2, None] * x) + offset[:, None])[:, None, None, :]
        )


def inside(places: Tensor, volume: Volume) -> Tensor:
    """(Z, Y, X) float: 1 where a place (3, Z, Y, X) lies in the volume."""
    last = torch.tensor([n - 0.5 for n in volume.shape], device=places.device)[:, None, None, None]
    return ((places >= -0.5) & (places <= last)).all(dim=0).to(torch.float32)


def image(volume: Volume, places: Tensor) -> Tensor:
    """(Z, Y, X) intensities at places (3, Z, Y, X)."""
    return sample(volume.data[None], places)[0]


def gradient(data: Tensor, spacing_mm: float) -> Tensor:
    """(3, Z, Y, X) slopes per mm of (Z, Y, X), by central differences."""
    out = torch.empty((3, *data.shape), dtype=data.dtype, device=data.device)
    for axis in range(3):
        inner = data.shape[axis] - 2
        into, up, down = (t.narrow(axis, s, inner) for t, s in ((out[axis], 1), (data, 2), (data, 0)))
        torch.sub(up, down, out=into).div_(2 * spacing_mm)
        for at, next_to in ((0, 1), (data.shape[axis] - 1, data.shape[axis] - 2)):
            out[axis].select(axis, at).copy_(out[axis].select(axis, next_to))
    return out


def _doubling(n: int) -> Array:
    """Weights (2 n - 1, n) of nodes on themselves and on the places half way between them."""
    matrix = np.zeros((2 * n - 1, n))
    at = np.arange(n)
    matrix[2 * at, at] = 1.0
    matrix[2 * at[:-1] + 1, at[:-1]] = matrix[2 * at[:-1] + 1, at[1:]] = 0.5
    return matrix
