"""Twelve degrees of freedom, climbed along the exact slope of the local correlation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from napari_longiseg.registration._torch.adam import Adam
from napari_longiseg.registration._torch.lncc import WEIGH_EVERY, LocalCorrelation
from napari_longiseg.registration._torch.warp import Warp
from napari_longiseg.registration._transform import Transform

ARM_MM = 100.0
"""At this distance from the centre a step of the matrix moves as far as a step of the shift."""

FLOOR = 1e-4
"""Slopes of the mean correlation per mm that count as none."""


def fit_affine(
    warp: Warp,
    start: Transform,
    body: torch.Tensor,
    radius: int,
    iterations: int,
    rate_mm: float,
    tick: Callable[[float], None],
) -> tuple[Transform, float]:
    """Improve an affine transform.

    Parameters
    ----------
    warp : Warp
        The two volumes.
    start : Transform
        Without fields.
    body : (Z, Y, X) tensor
        1 where the fixed volume is worth comparing.
    radius : int
        Of the correlation's boxes, in voxels.
    iterations : int
        How many steps.
    rate_mm : float
        Length of the first steps; it falls linearly.
    tick : callable
        Hears the fraction done.

    Returns
    -------
    transform, correlation
        The mean local correlation is that before the last step.
    """
    measure = LocalCorrelation(warp.fixed.data, radius)
    centre = warp.centre
    begin = np.concatenate([start(centre), start.matrix])
    change = torch.zeros((4, 3), dtype=torch.float64)
    adam = Adam(change, FLOOR)
    arms = [axis / ARM_MM for axis in warp.axes]
    transform, correlation = start, 0.0
    for step in range(iterations):
        tick(step / iterations)
        values = change.numpy()
        transform = Transform(centre, begin[0] + values[0], begin[1:] + values[1:].T / ARM_MM)
        places = warp.places(transform)
        if step % WEIGH_EVERY == 0:
            measure.weigh(body * warp.inside(places))
        image = warp.image(places)
        local, slope = measure.compare(image[0])
        force = slope * image[1:]
        moments = [force.sum(dim=(1, 2, 3))]
        for axis, arm in enumerate(arms):
            others = [d for d in (1, 2, 3) if d != axis + 1]
            moments.append(force.sum(dim=others) @ arm)
        correlation = measure.mean(local)
        adam.climb((torch.stack(moments) / measure.total).cpu().double(), rate_mm * (1 - step / iterations))
    values = change.numpy()
    return Transform(centre, begin[0] + values[0], begin[1:] + values[1:].T / ARM_MM), correlation
