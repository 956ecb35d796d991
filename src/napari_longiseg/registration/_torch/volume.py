"""Scans as small float volumes on the device, and how they are sampled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_longiseg.core.geometry import Array, Grid
from napari_longiseg.core.resample import Float32
from napari_longiseg.core.scan import Scan

LOW_HU, HIGH_HU = -1000.0, 400.0
"""What lies between counts: air to cancellous bone."""
SLAB = 24
"""Slices brought to the device at a time: little memory, and time to hear that the user cancelled."""


@dataclass(frozen=True, eq=False)
class Volume:
    """Intensities on a grid of LPS axes.

    Attributes
    ----------
    data : (Z, Y, X) float32 tensor
        0 at -1000 HU and below, 1 at 400 HU and above.
    spacing : (3,) float64
        mm, order (z, y, x).
    origin : (3,) float64
        Centre of voxel (0, 0, 0), LPS mm, order (z, y, x).
    """

    data: Tensor
    spacing: Array
    origin: Array

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels, order (z, y, x)."""
        z, y, x = self.data.shape
        return z, y, x

    def axes_mm(self) -> list[Array]:
        """Coordinates in mm of the voxel centres along each axis."""
        return [o + s * np.arange(n) for o, s, n in zip(self.origin, self.spacing, self.shape, strict=True)]

    def reduced(self, spacing_mm: float) -> Volume:
        """The same volume, averaged over cells of this edge length; itself where they are the same."""
        if spacing_mm == self.spacing[0]:
            return self
        size = np.asarray(self.shape) * self.spacing
        low = self.origin - self.spacing / 2
        axes = [_cells(a, a + n, spacing_mm) for a, n in zip(low, size, strict=True)]
        data = separable(self.data, _averages(self.axes_mm(), axes, spacing_mm, self.data.device))
        return Volume(data, np.full(3, spacing_mm), np.array([axis[0] for axis in axes]))


def load(scan: Scan, spacing_mm: float, device: torch.device, tick: Callable[[float], None]) -> Volume:
    """A whole scan, averaged over cells of this edge length; *tick* hears the fraction done."""
    low, high = scan.grid.bounds_mm()
    axes = [_cells(a, b, spacing_mm) for a, b in zip(low, high, strict=True)]
    return load_at(scan.image, scan.grid, axes, spacing_mm, device, tick)


def load_cube(image: Float32, grid: Grid, spacing_mm: float, device: torch.device) -> Volume:
    """A small image, averaged over cells of this edge length."""
    low, high = grid.bounds_mm()
    axes = [_cells(a, b, spacing_mm) for a, b in zip(low, high, strict=True)]
    return load_at(image, grid, axes, spacing_mm, device, lambda _: None)


def load_at(
    image: npt.NDArray[np.generic],
    grid: Grid,
    axes: list[Array],
    spacing_mm: float,
    device: torch.device,
    tick: Callable[[float], None],
) -> Volume:
    """Average an image over cells: the exact mean of its linear interpolation over each.

    An area average as in ``interpolate(mode="area")``, but without its uneven bins, which would shift
    structures by up to half a voxel.

    Parameters
    ----------
    image : (Z, Y, X)
        HU.
    grid : Grid
        Of the image; LPS.
    axes : list of (n,) float64
        Centres in mm of the cells along each axis.
    spacing_mm : float
        Edge length of the cells.
    device : torch.device
        Where to put the volume.
    tick : callable
        Hears the fraction done.
    """
    voxels: list[Array] = [
        o + s * np.arange(n, dtype=np.float64)
        for o, s, n in zip(grid.origin_mm, grid.spacing_mm, grid.shape, strict=True)
    ]
    along_z, along_y, along_x = _averages(voxels, axes, spacing_mm, device)
    shape = tuple(len(axis) for axis in axes)
    data = torch.zeros(shape, dtype=torch.float32, device=device)
    for start in range(0, len(image), SLAB):
        tick(start / len(image))
        slab = torch.from_numpy(np.array(image[start : start + SLAB], dtype=np.float32)).to(device)
        slab = slab.clamp_(LOW_HU, HIGH_HU).sub_(LOW_HU).div_(HIGH_HU - LOW_HU)
        slab = along_y @ (slab @ along_x.T)
        data += torch.tensordot(along_z[:, start : start + SLAB], slab, dims=1)
    return Volume(data, np.full(3, spacing_mm), np.array([axis[0] for axis in axes]))


def sample(channels: Tensor, index: Tensor) -> Tensor:
    """Trilinear values at continuous voxel indices; beyond the border, the border's.

    Parameters
    ----------
    channels : (C, Z, Y, X)
        What to sample.
    index : (3, z, y, x)
        Where, order (z, y, x).

    Returns
    -------
    (C, z, y, x)
    """
    points = torch.empty((*index.shape[1:], 3), dtype=index.dtype, device=index.device)
    for axis, n in enumerate(channels.shape[1:]):
        torch.mul(index[axis], 2.0 / (n - 1), out=points[..., 2 - axis])
    points = points.sub_(1.0).flatten(0, 2)
    # On the CPU grid_sample runs in parallel over the batch only, so every thread gets a batch of its own.
    parts = torch.get_num_threads() if channels.device.type == "cpu" else 1
    total = len(points)
    points = torch.nn.functional.pad(points, (0, 0, 0, -total % parts)).reshape(parts, -1, 1, 1, 3)
    values = torch.nn.functional.grid_sample(
        channels.expand(parts, *channels.shape), points, padding_mode="border", align_corners=True
    )
    return values.flatten(2).movedim(1, 0).flatten(1)[:, :total].reshape(-1, *index.shape[1:])


def separable(data: Tensor, matrices: list[Tensor]) -> Tensor:
    """Apply one matrix (n_out, n_in) per axis to the last three axes of (..., Z, Y, X)."""
    along_z, along_y, along_x = matrices
    data = along_y @ (data @ along_x.T)
    shape = data.shape
    flat = along_z @ data.reshape(*shape[:-3], shape[-3], shape[-2] * shape[-1])
    return flat.reshape(*shape[:-3], len(along_z), *shape[-2:])


def _cells(low: float, high: float, spacing_mm: float) -> Array:
    """Centres of the cells that fill an interval, as many as fit, in its middle."""
    count = max(round((high - low) / spacing_mm), 1)
    first = (low + high) / 2 - (count - 1) / 2 * spacing_mm
    return np.asarray(first + spacing_mm * np.arange(count))


def _averages(voxels: list[Array], cells: list[Array], width: float, device: torch.device) -> list[Tensor]:
    return [
        torch.as_tensor(_average(a, b, width), dtype=torch.float32, device=device)
        for a, b in zip(voxels, cells, strict=True)
    ]


def _average(voxels: Array, cells: Array, width: float) -> Array:
    """Matrix (cells, voxels): the mean over each cell of the linear interpolation between voxels."""
    step = voxels[1] - voxels[0] if len(voxels) > 1 else width

    def integral(mm: Array) -> Array:
        """Area of a hat of half width *step* up to here."""
        t = np.clip(mm / step, -1.0, 1.0)
        return np.asarray(0.5 + t - np.sign(t) * t**2 / 2)

    offset = cells[:, None] - voxels[None, :]
    weights = integral(offset + width / 2) - integral(offset - width / 2)
    # Cells that stick out count what lies inside; those far outside take the border.
    empty = weights.sum(axis=1) < 1e-6
    weights[empty, np.abs(offset[empty]).argmin(axis=1)] = 1.0
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
