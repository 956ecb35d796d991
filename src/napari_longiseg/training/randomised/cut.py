"""Cut a VOI out of random tissue, as one scan sees it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from napari_longiseg.models.architecture import Triple
from napari_longiseg.training.randomised.dice import Dice
from napari_longiseg.training.randomised.fields import smooth_fields


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Where a VOI lies.

    Attributes
    ----------
    start : (3,)
        Voxel index of the tissue that its first voxel sees.
    size : (3,)
        Its voxels.
    """

    start: Tensor
    size: Triple

    def to_voi(self, index: Tensor) -> Tensor:
        """From the tissue's voxel indices to the VOI's, where nothing is deformed."""
        return index - self.start


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """HU (Z, Y, X) float32 and mask (Z, Y, X) uint8."""

    image: Tensor
    mask: Tensor


def shifted(middle: Tensor, size: Triple, margin: int) -> Frame:
    """A VOI around a voxel index, as near as the margin of the tissue around it allows."""
    half = torch.tensor([(n - 1) / 2 for n in size], device=middle.device)
    return Frame((middle - half).clamp(0, 2 * margin), size)


def warped(
    dice: Dice, centre: Tensor, error: float, size: Triple, margin: int, spacing_mm: float
) -> tuple[Frame, Tensor, Tensor]:
    """A VOI of another date, a carried point in it, and how the tissue has moved.

    Parameters
    ----------
    centre : (3,)
        Voxel index of the lesion's centre in the tissue.
    error : float
        Deviation of the carried point along each axis, in voxels.

    Returns
    -------
    frame : Frame
        Around the carried point; now and then around the lesion's centre, as a second look is.
    field : (3, Z, Y, X)
        Displacement in voxels, none at the lesion's centre: that is what the registration knows.
    point : (3,)
        The carried point, in voxel indices of the VOI.
    """
    strength = dice.uniform(0, 2.5 / spacing_mm)
    field = smooth_fields(dice, 3, size, max(dice.uniform(12, 40) / spacing_mm, 5.0))
    field = (field * strength).clamp(-0.4 * margin, 0.4 * margin)
    carried = centre + (error * dice.normals(3)).clamp(-0.6 * margin, 0.6 * margin)
    frame = shifted(centre if dice.chance(0.35) else carried, size, margin)
    last = torch.tensor(size, device=carried.device) - 1
    z, y, x = frame.to_voi(centre).round().long().clamp_min(0).minimum(last)
    return frame, field - field[:, z, y, x][:, None, None, None], frame.to_voi(carried)


def cut(image: Tensor, share: Tensor, frame: Frame, field: Tensor | None = None) -> Cut:
    """What a VOI shows of tissue and lesion, both (Z, Y, X) with the margin around."""
    axes = (torch.arange(n, device=image.device) for n in frame.size)
    index = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1) + frame.start
    if field is not None:
        index = index + field.movedim(0, -1)
    shape = torch.tensor(image.shape, device=image.device)
    where = (2 * index + 1) / shape - 1
    both = torch.stack([image, share])[None]
    seen = functional.grid_sample(both, where.flip(-1)[None], padding_mode="border", align_corners=False)[0]
    return Cut(seen[0], (seen[1] >= 0.5).to(torch.uint8))
