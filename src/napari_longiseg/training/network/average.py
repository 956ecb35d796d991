"""A running average of a network's weights, which does better than the last of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[Tensor, ...] | list[Tensor]


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """A copy of the network that follows it slowly; call ``update_parameters`` after every step.

    The average reaches over few steps at first, so that the random start is soon forgotten.
    """

    def follow(average: Tensors, weights: Tensors, done: Tensor | int) -> None:
        count = float(done)
        keep = min(decay, (1 + count) / (10 + count))
        torch._foreach_lerp_(average, weights, 1 - keep)

    copy = AveragedModel(network, multi_avg_fn=follow)
    return copy.requires_grad_(False)
