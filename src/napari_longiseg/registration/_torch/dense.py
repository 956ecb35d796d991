"""Smooth displacements, climbed along the exact slope of the local correlation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from napari_longiseg.registration._spline import SplineField
from napari_longiseg.registration._torch.adam import Adam
from napari_longiseg.registration._torch.lncc import WEIGH_EVERY, LocalCorrelation
from napari_longiseg.registration._torch.volume import separable
from napari_longiseg.registration._torch.warp import Warp
from napari_longiseg.registration._transform import Transform
from napari_longiseg.registration.agreement import Agreement

FLOOR = 2e-3
"""Slopes of the correlation per mm and control point that count as none."""


@dataclass(frozen=True)
class Recipe:
    """How to fit a field.

    Attributes
    ----------
    iterations : int
        How many steps.
    radius : int
        Of the correlation's boxes, in voxels.
    rate : float
        Length of a step in voxels; it falls to nothing over the second half.
    stiffness : float
        Weight of the squared differences between neighbouring control points.
    """

    iterations: int = 40
    radius: int = 2
    rate: float = 0.15
    stiffness: float = 0.4


def fit_field(
    warp: Warp,
    start: Transform,
    field: SplineField,
    body: Tensor,
    recipe: Recipe,
    tick: Callable[[float], None],
) -> SplineField:
    """Fit displacements that are added to a transform.

    Parameters
    ----------
    warp : Warp
        The two volumes.
    start : Transform
        The transform so far.
    field : SplineField
        Where to start; its coefficients are not changed.
    body : (Z, Y, X) tensor
        1 where the fixed volume is worth comparing.
    recipe : Recipe
        How.
    tick : callable
        Hears the fraction done.

    Returns
    -------
    SplineField
        Fitted, on the same control points.
    """
    measure = LocalCorrelation(warp.fixed.data, recipe.radius)
    spread = warp.field_matrices(field)
    gather = [matrix.T.contiguous() for matrix in spread]
    coefficients = warp.tensor(field.coefficients).clone()
    adam = Adam(coefficients, FLOOR)
    base = warp.places(start)
    voxel_mm = float(warp.fixed.spacing.mean())
    voxels_per_control = (field.spacing_mm / voxel_mm) ** 3
    for step in range(recipe.iterations):
        tick(step / recipe.iterations)
        places = base + warp.steps(separable(coefficients, spread))
        if step % WEIGH_EVERY == 0:
            measure.weigh(body * warp.inside(places))
        image = warp.image(places)
        _, slope = measure.compare(image[0])
        force = separable(slope * image[1:], gather) / voxels_per_control
        force += recipe.stiffness * _bending(coefficients) / field.spacing_mm**2
        adam.climb(force, recipe.rate * voxel_mm * min(1.0, 2 * (1 - step / recipe.iterations)))
    return replace(field, coefficients=coefficients.cpu().numpy())


def agreement(warp: Warp, transform: Transform, body: Tensor, radius: int) -> Agreement:
    """How well two volumes agree after a transform, within the body and both fields of view."""
    places = warp.places(transform)
    weight = body * warp.inside(places)
    measure = LocalCorrelation(warp.fixed.data, radius)
    measure.weigh(weight)
    correlation, _ = measure.compare(warp.image(places)[0])
    known = correlation.where(weight > 0, torch.nan)
    return Agreement(known.cpu().numpy(), warp.fixed.origin, warp.fixed.spacing)


def _bending(values: Tensor) -> Tensor:
    """Sum of the differences to the six neighbours, (C, Z, Y, X); none across the border."""
    total = torch.zeros_like(values)
    for axis in (1, 2, 3):
        step = values.diff(dim=axis)
        last = values.shape[axis] - 1
        total.narrow(axis, 0, last).add_(step)
        total.narrow(axis, 1, last).sub_(step)
    return total
