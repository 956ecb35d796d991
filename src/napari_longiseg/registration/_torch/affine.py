"""Rigid and affine alignment, climbed along the exact slope of the local correlation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import linalg

from napari_longiseg.core.geometry import Array
from napari_longiseg.registration._torch.adam import Adam
from napari_longiseg.registration._torch.lattice import gradient, image
from napari_longiseg.registration._torch.lncc import RADIUS, WEIGH_EVERY, LocalCorrelation
from napari_longiseg.registration._torch.pair import Pair
from napari_longiseg.registration.transforms import Affine

ARM_MM = 100.0
"""At this distance from the centre a step of the matrix moves as far as a step of the shift."""
FLOOR = 1e-4
"""Slopes of the mean correlation per mm that count as none."""


def fit_affine(
    pair: Pair,
    start: Affine,
    iterations: int,
    rate_mm: float,
    tick: Callable[[float], None],
    *,
    rigid: bool = False,
) -> tuple[Affine, float]:
    """Improve an affine transform.

    With *H* the half of the transform at the start, it becomes ``H exp(d) H``; the generator *d* is
    fitted on the lattice half way, so that neither scan is the fixed one.

    Parameters
    ----------
    pair : Pair
        The two volumes.
    start : Affine
        Source to target.
    iterations : int
        How many steps.
    rate_mm : float
        Length of the first steps; it falls linearly.
    tick : callable
        Hears the fraction done.
    rigid : bool
        Rotation and shift only; *start* is rigid, too.

    Returns
    -------
    transform, correlation
        The mean local correlation is that before the last step.
    """
    half = half_of(start)
    lattice = pair.lattice(half)
    measure = LocalCorrelation(lattice.shape, RADIUS, lattice.device)
    change = torch.zeros((4, 3), dtype=torch.float64)
    adam = Adam(change, FLOOR)
    arms = [arm / ARM_MM for arm in lattice.arms()]
    correlation = 0.0
    for step in range(iterations):
        tick(step / iterations)
        forth = _exponential(change.numpy() / 2, lattice.centre)
        at_source = lattice.places(half.inverse.after(forth.inverse), pair.source)
        at_target = lattice.places(half.after(forth), pair.target)
        if step % WEIGH_EVERY == 0:
            measure.weigh(pair.weight(at_source, at_target))
        source, target = image(pair.source, at_source), image(pair.target, at_target)
        local, slope_s, slope_t = measure.slopes(source, target)
        force = slope_t * gradient(target, lattice.spacing_mm)
        force -= slope_s * gradient(source, lattice.spacing_mm)
        moments = [force.sum(dim=(1, 2, 3))]
        for axis, arm in enumerate(arms):
            others = [d for d in (1, 2, 3) if d != axis + 1]
            moments.append(force.sum(dim=others) @ arm)
        slope = (torch.stack(moments) / (2 * measure.total)).cpu().double()
        if rigid:
            slope[1:] = (slope[1:] - slope[1:].T) / 2
        correlation = measure.mean(local)
        adam.climb(slope, rate_mm * (1 - step / iterations))
    return half.after(_exponential(change.numpy(), lattice.centre)).after(half), correlation


def half_of(transform: Affine) -> Affine:
    """The transform that gives this one when it is applied twice."""
    whole = np.eye(4)
    whole[:3, :3], whole[:3, 3] = transform.matrix, transform.offset
    root = np.real(linalg.sqrtm(whole))
    return Affine(root[:3, :3], root[:3, 3])


def _exponential(change: Array, centre: Array) -> Affine:
    """The affine map that a generator leads to.

    Parameters
    ----------
    change : (4, 3) float64
        A shift in mm, and what a point moves by, in mm, for every ARM_MM along each axis.
    centre : (3,) float64
        Where the axes meet.
    """
    generator = np.zeros((4, 4))
    generator[:3, :3], generator[:3, 3] = change[1:].T / ARM_MM, change[0]
    whole = linalg.expm(generator)
    return Affine.about(centre, centre + whole[:3, 3], whole[:3, :3])
