"""How well a network does on the cases that were set aside."""

from __future__ import annotations

import torch
from torch import Tensor


def case_scores(found: Tensor, target: Tensor) -> Tensor:
    """Sums over the cases of a batch, to be added up over batches and devices.

    Parameters
    ----------
    found, target : (B, Z, Y, X)
        Masks, 0 or 1.

    Returns
    -------
    (4,)
        Dice of lesions that are there, their number, how many of the absent ones something was found for,
        and their number.
    """
    found, target = found.bool().flatten(1), target.bool().flatten(1)
    own, true = found.sum(1), target.sum(1)
    there = true > 0
    dice = 2 * (found & target).sum(1) / (own + true).clamp_min(1)
    return torch.stack(
        [(dice * there).sum(), there.sum(), ((own > 0) & ~there).sum(), (~there).sum()]
    ).float()


def mean_scores(sums: Tensor) -> dict[str, float]:
    """Means over cases.

    ``dice`` counts 1 where nothing was to be found nor was, and 0 where something was found nevertheless;
    ``dice_present`` is that of lesions that are there; ``false_found`` the share of the absent ones for which
    something was found. What there are no cases for is left out.
    """
    dice, present, false_found, absent = sums.tolist()
    means = {"dice": (dice + absent - false_found) / max(present + absent, 1)}
    if present:
        means["dice_present"] = dice / present
    if absent:
        means["false_found"] = false_found / absent
    return means
