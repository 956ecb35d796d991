"""How the learning rate goes over a training."""

from __future__ import annotations


def rate_factor(step: int, steps: int, warmup_steps: int, warmup_factor: float, power: float) -> float:
    """What the learning rate is multiplied by at a step.

    At first constant and small, so that weights that were taken over are not lost to those that start anew;
    then polynomial (LongiNet, 2025, section 2.5).

    Parameters
    ----------
    step : int
        From 0.
    steps, warmup_steps : int
        Of the whole training, and those of them at the smaller rate.
    """
    if step < warmup_steps:
        return warmup_factor
    left: float = (1 - min(step, steps) / steps) ** power
    return left
