"""Random scanners: slices, pixels, blur and noise."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_longiseg.training.randomised.dice import Dice
from napari_longiseg.training.randomised.fields import blurred

SLICES_MM = (0.7, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 5.0)


def scanned(dice: Dice, image: Tensor, spacing_mm: float, noise_hu: float) -> Tensor:
    """What a scanner makes of an image (Z, Y, X) in HU with isotropic voxels, brought back on these.

    Parameters
    ----------
    noise_hu : float
        Standard deviation of the noise in the scanner's own voxels.
    """
    psf = dice.uniform(0.3, 0.9) / spacing_mm
    image = blurred(image, (0.5 * psf, psf, psf))
    slices, pixels = dice.choice(SLICES_MM) / spacing_mm, dice.uniform(0.55, 1.6) / spacing_mm
    steps = zip(image.shape, (slices, pixels, pixels), strict=True)
    downs, ups = zip(*(_sampling(dice, size, step) for size, step in steps), strict=True)
    seen = _apply(image, downs)
    width = dice.uniform(0.3, 1.1)
    noise = blurred(dice.normals(*seen.shape), (0.0, width, width))
    seen = seen + noise / noise.std().clamp_min(1e-3) * noise_hu
    return _apply(seen, ups).clamp(-1024, 3000)


def _sampling(dice: Dice, size: int, step: float) -> tuple[Tensor, Tensor]:
    """Matrices that average *size* voxels into coarser ones of *step*, and interpolate back."""
    if step <= 1:
        same = torch.eye(size, device=dice.device)
        return same, same
    count = int(size / step) + 3
    centres = (torch.arange(count, device=dice.device) - 1 + dice.uniform(0, 1)) * step
    voxels = torch.arange(size, device=dice.device)
    overlap = (step / 2 + 0.5 - (voxels - centres[:, None]).abs()).clamp(0, 1)
    down = overlap / overlap.sum(1, keepdim=True).clamp_min(1e-6)
    near = (1 - (voxels[:, None] - centres).abs() / step).clamp_min(0)
    near = near * (overlap.sum(1) > 0.3 * min(step, 1.0))  # a slice outside has seen nothing
    return down, near / near.sum(1, keepdim=True).clamp_min(1e-6)


def _apply(image: Tensor, matrices: tuple[Tensor, ...]) -> Tensor:
    z, y, x = matrices
    image = torch.einsum("zi,ijk->zjk", z, image)
    image = torch.einsum("yj,zjk->zyk", y, image)
    return torch.einsum("xk,zyk->zyx", x, image)
