"""What a training makes small: Dice and cross-entropy, also of coarse stages and of the baseline mask.

LongiNet (2025), section 2.5; what it leaves open is said at each function.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.losses.dice import DiceCELoss
from torch import Tensor
from torch.nn import functional


def segmentation_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Dice over the whole batch (a lesion that is gone has no Dice of its own) plus cross-entropy.

    Parameters
    ----------
    logits : (B, classes, Z, Y, X)
    target : (B, Z, Y, X)
        The class of each voxel.
    """
    # Half precision cannot hold the sums over a VOI.
    loss: Tensor = _DICE_CE(logits.float(), target[:, None].float())
    return loss


def supervised_loss(logits: Tensor | Sequence[Tensor], target: Tensor) -> Tensor:
    """The loss of one output, or of every decoder stage, the finest first.

    As in nnU-Net each coarser stage counts half as much, and the coarsest not at all.
    """
    if isinstance(logits, Tensor):
        return segmentation_loss(logits, target)
    weights = [0.5**stage for stage in range(len(logits))]
    if len(weights) > 1:
        weights[-1] = 0.0
    parts = [
        weight * segmentation_loss(stage, _nearest(target, stage))
        for weight, stage in zip(weights, logits, strict=True)
        if weight
    ]
    return torch.stack(parts).sum() / sum(weights)


def reconstruction_loss(levels: Sequence[Tensor], mask: Tensor) -> Tensor:
    """The mean loss of the baseline mask that is read off every encoder level.

    At coarse levels a voxel belongs to the lesion where any part of it does, so that small ones stay.

    Parameters
    ----------
    levels : sequence of (B, classes, z, y, x)
        Logits.
    mask : (B, Z, Y, X)
        0 or 1.
    """
    full = mask[:, None].float()
    parts = [
        segmentation_loss(level, functional.adaptive_max_pool3d(full, level.shape[2:])[:, 0])
        for level in levels
    ]
    return torch.stack(parts).mean()


def _nearest(target: Tensor, stage: Tensor) -> Tensor:
    if stage.shape[2:] == target.shape[1:]:
        return target
    return functional.interpolate(target[:, None].float(), stage.shape[2:], mode="nearest-exact")[:, 0]


_DICE_CE = DiceCELoss(softmax=True, to_onehot_y=True, batch=True)
