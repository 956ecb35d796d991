"""Random changes to what a network sees, on whatever device the batch lies.

LongiNet (2025), section 2.5: rotations, noise, scale, shift, gamma and blur. Open there and decided here: the
order (as listed in :class:`~napari_longiseg.training.config.Augmentation`), that a case is turned about the
VOI's centre in voxels, as nnU-Net does, and that each scan of a pair is changed apart from the other.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from napari_longiseg.training.config import Augmentation, Draw


def augmented(
    stream: Tensor, mask: Tensor, windows: int, how: Augmentation, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Change one scan of every case in a batch.

    Parameters
    ----------
    stream : (B, C, Z, Y, X)
        What the network sees of the scan.
    mask : (B, Z, Y, X)
        The lesion on it, 0 or 1; it is turned along.
    windows : int
        The first channels that are images; the others are turned only.
    generator : torch.Generator
        On the batch's device.
    """
    if how.rotation_degrees:
        stream, mask = _turned(stream, mask, how.rotation_degrees, generator)
    image, others = stream[:, :windows], stream[:, windows:]
    if how.smooth_sigma:
        image = _smoothed(image, how.smooth_sigma, generator)
    if how.gamma:
        image = image.clamp_min(0) ** _drawn(image, how.gamma, 1.0, generator)
    if how.scale:
        image = image * _drawn(image, how.scale, 1.0, generator)
    if how.shift:
        image = image + _drawn(image, how.shift, 0.0, generator)
    if how.noise_sd:
        noise = torch.randn(image.shape, generator=generator, device=image.device)
        image = image + noise * _drawn(image, how.noise_sd, 0.0, generator)
    return torch.cat((image, others), dim=1), mask


def _turned(stream: Tensor, mask: Tensor, draw: Draw, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Turn cases about the middle of the VOI; what comes in from outside is as its border."""
    chosen = _chosen(stream, draw, generator)[:, :, None, None, None]
    size = torch.tensor(stream.shape[:1:-1], device=stream.device, dtype=torch.float32)  # x, y, z
    # grid_sample counts each axis from -1 to 1, however long it is.
    matrix = _rotations(stream, draw, generator) * size / size[:, None]
    theta = torch.cat((matrix, torch.zeros_like(matrix[:, :, :1])), dim=2)
    both = torch.cat((stream, mask[:, None].to(stream.dtype)), dim=1)
    grid = functional.affine_grid(theta, list(both.shape), align_corners=False)
    found = functional.grid_sample(both, grid, padding_mode="border", align_corners=False)
    turned = torch.where(chosen, found, both)
    return turned[:, :-1], (turned[:, -1] >= 0.5).to(mask.dtype)


def _rotations(stream: Tensor, draw: Draw, generator: torch.Generator) -> Tensor:
    """Random rotations, (B, 3, 3)."""
    cases = len(stream)
    share = torch.rand(cases, 3, generator=generator, device=stream.device)
    angles = (draw.low + (draw.high - draw.low) * share) * (math.pi / 180)
    whole = torch.eye(3, device=stream.device).repeat(cases, 1, 1)
    for axis in range(3):
        one, two = (axis + 1) % 3, (axis + 2) % 3
        part = torch.eye(3, device=stream.device).repeat(cases, 1, 1)
        part[:, one, one] = part[:, two, two] = angles[:, axis].cos()
        part[:, two, one] = angles[:, axis].sin()
        part[:, one, two] = -part[:, two, one]
        whole = whole @ part
    return whole


def _smoothed(image: Tensor, draw: Draw, generator: torch.Generator) -> Tensor:
    """Blur cases, each with a sigma of its own; the sum of shifted images is fast for such small ones."""
    chosen = _chosen(image, draw, generator)[:, :, None, None, None]
    sigma = _uniform(image, draw, generator)
    reach = math.ceil(3 * draw.high)
    shifts = torch.arange(-reach, reach + 1, device=image.device)
    kernel = torch.exp(-(shifts**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum(1, keepdim=True))[..., None, None, None, None]
    blurred = image
    for axis in (2, 3, 4):
        edges = [0, 0] * (4 - axis) + [reach, reach] + [0, 0] * (axis - 2)
        padded = functional.pad(blurred, edges, mode="replicate")
        length = image.shape[axis]
        parts = [kernel[:, i] * padded.narrow(axis, i, length) for i in range(2 * reach + 1)]
        blurred = torch.stack(parts).sum(0)
    return torch.where(chosen, blurred, image)


def _drawn(image: Tensor, draw: Draw, neutral: float, generator: torch.Generator) -> Tensor:
    """A number for each case, (B, 1, 1, 1, 1); the neutral one for those that stay as they are."""
    chosen = _chosen(image, draw, generator)
    values = torch.where(chosen, _uniform(image, draw, generator), neutral)
    return values[..., None, None, None]


def _chosen(batch: Tensor, draw: Draw, generator: torch.Generator) -> Tensor:
    """Which cases are changed, (B, 1)."""
    return torch.rand(len(batch), 1, generator=generator, device=batch.device) < draw.probability


def _uniform(batch: Tensor, draw: Draw, generator: torch.Generator) -> Tensor:
    """(B, 1)."""
    share = torch.rand(len(batch), 1, generator=generator, device=batch.device)
    return draw.low + (draw.high - draw.low) * share
