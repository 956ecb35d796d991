"""Scans as the network wants them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from napari_longiseg.core.components import Mask
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._torch.volume import sample
from napari_longiseg.registration.transforms import Affine


@dataclass(frozen=True, slots=True)
class Window:
    """HU that become 0 and 1; what lies beyond is clamped."""

    low: float
    high: float


def network_input(
    scan: Scan, mask: Mask | None, window: Window, lattice: Grid, there: Affine, device: torch.device
) -> Tensor:
    """Intensities of a scan where the nodes of a lattice lie in it.

    As published: clamped, scaled to 0 ... 1, set to 0 outside the mask, and only then interpolated.

    Parameters
    ----------
    scan : Scan
        HU.
    mask : (Z, Y, X) bool or None
        On the scan's grid.
    window : Window
        What to clamp to.
    lattice : Grid
        Along the patient's axes.
    there : Affine
        From the lattice's space to the scan's, LPS mm.
    device : torch.device
        Where to put them.

    Returns
    -------
    (1, 1, Z, Y, X) float32
        On the lattice.
    """
    image = torch.from_numpy(np.array(scan.image, dtype=np.float32)).to(device)
    image = image.clamp_(window.low, window.high).sub_(window.low).div_(window.high - window.low)
    if mask is not None:
        image *= torch.from_numpy(mask).to(device)
    return sample(image[None], _places(scan.grid, lattice, there, device))[None]


def _places(grid: Grid, lattice: Grid, there: Affine, device: torch.device) -> Tensor:
    """(3, Z, Y, X) continuous indices of a grid where the nodes of a lattice lie in it."""
    to_index = np.linalg.inv(grid.matrix) @ there.matrix @ lattice.matrix
    first = grid.to_index(there(lattice.origin_mm))[0]
    # In double precision up to the last: over 512 voxels single precision is off by some 1e-4 of one.
    z, y, x = (
        torch.as_tensor(np.outer(to_index[:, axis], np.arange(n))) for axis, n in enumerate(lattice.shape)
    )
    start = torch.as_tensor(first)[:, None, None, None]
    places = z[:, :, None, None] + y[:, None, :, None] + x[:, None, None, :] + start
    return places.to(device, torch.float32)
