"""Diffeomorphic deformation: a smooth stationary velocity, climbed along the slope of the local correlation.

The deformation is the flow of a velocity (log-demons: Vercauteren et al., 2008; Arsigny et al., 2006). Half
of it, forwards and backwards, takes the lattice half way to either scan; so it never folds, its inverse is
the flow of the negative velocity, and exchanging the scans gives exactly that inverse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.resample import Float32
from napari_longiseg.registration._torch.adam import Adam
from napari_longiseg.registration._torch.lattice import Lattice, gradient
from napari_longiseg.registration._torch.lncc import RADIUS, WEIGH_EVERY, LocalCorrelation
from napari_longiseg.registration._torch.spline import SplineField, empty_field
from napari_longiseg.registration._torch.volume import sample, separable
from napari_longiseg.registration.transforms import Displacement

CONTROLS = 4.0
"""Spacing of the velocity's control points, in nodes of the lattice."""
SQUARINGS = 3
"""The flow of an eighth of the velocity, by the midpoint rule, is composed with itself three times."""
FADE = 4.0
"""Control points beyond the outermost that a velocity reaches."""
FLOOR = 2e-3
"""Slopes of the correlation per mm and control point that count as none."""


@dataclass(frozen=True)
class Recipe:
    """How to fit a velocity.

    Attributes
    ----------
    iterations : int
        How many steps.
    rate : float
        Length of a step in nodes; it falls to nothing over the second half.
    stiffness : float
        Weight of the squared differences between neighbouring control points.
    """

    iterations: int = 40
    rate: float = 0.15
    stiffness: float = 0.4


class Scene(Protocol):
    """Both scans, seen from the lattice half way."""

    lattice: Lattice

    def look(self, forth: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
        """Source and target intensities (Z, Y, X).

        Parameters
        ----------
        forth, back : (3, Z, Y, X)
            Displacements (mm) of the nodes towards the target and towards the source.
        """
        ...

    def weight(self, forth: Tensor, back: Tensor) -> Tensor:
        """(Z, Y, X): 1 where the scans are to be compared."""
        ...


class Velocity:
    """A velocity on control points, and the flows that it makes on a lattice.

    Parameters
    ----------
    lattice : Lattice
        Where the scans are compared.
    start : SplineField, optional
        What to start from: a velocity on other control points.
    extends : bool
        Whether it goes on beyond the lattice; otherwise it fades to nothing at its border.
    """

    def __init__(self, lattice: Lattice, start: SplineField | None = None, *, extends: bool) -> None:
        self.lattice = lattice
        self._coarse = lattice.halved()
        spacing = CONTROLS * lattice.spacing_mm
        self.field = empty_field(lattice.low, lattice.high, spacing, extends)
        if start is not None:
            self.field = start.on(self.field)
        self.coefficients = lattice.tensor(self.field.coefficients)
        self._fine = self._matrices(lattice)
        self._thin = self._matrices(self._coarse)
        self._between = lattice.between()
        self._gather = [m.T.contiguous() for m in self._fine]
        self._spread = CONTROLS**3

    def half_flows(self) -> tuple[Tensor, Tensor]:
        """Displacements (mm) of the lattice's nodes by half the flow, forth and back, (3, Z, Y, X) each."""
        half = separable(self.coefficients, self._thin) / 2
        forth, back = (_flow_of(velocity, self._coarse) for velocity in (half, -half))
        return separable(forth, self._between), separable(back, self._between)

    def slope(self, force: Tensor, stiffness: float) -> Tensor:
        """What a force on every node (3, Z, Y, X) and the stiffness mean for the control points."""
        slope = separable(force, self._gather) / self._spread
        return slope + stiffness * _bending(self.coefficients) / self.field.spacing_mm**2

    def displacement(self) -> Displacement:
        """Half the flow as a map of points, with its inverse."""
        nodes = self._coarse if self.field.extends else self._faded()
        half = separable(self.coefficients, self._matrices(nodes)) / 2
        forth, back = (
            np.asarray(_flow_of(velocity, nodes).cpu().numpy(), dtype=np.float32)
            for velocity in (half, -half)
        )
        return Displacement(forth, _grid_of(nodes), back, order=3)

    def fitted(self) -> SplineField:
        """The velocity with the coefficients as they are now."""
        values: Float32 = self.coefficients.cpu().numpy()
        return self.field.with_coefficients(values)

    def _matrices(self, lattice: Lattice) -> list[Tensor]:
        return [lattice.tensor(matrix) for matrix in self.field.matrices(lattice.axes_mm())]

    def _faded(self) -> Lattice:
        """Every other node, and so many more that nothing moves at the border."""
        reach = FADE * self.field.spacing_mm
        low, high = self.lattice.low - reach, self.lattice.high + reach
        return Lattice.over(low, high, self._coarse.spacing_mm, self.lattice.device)


def fit_flow(scene: Scene, velocity: Velocity, recipe: Recipe, tick: Callable[[float], None]) -> None:
    """Improve a velocity in place.

    Parameters
    ----------
    scene : Scene
        The two scans.
    velocity : Velocity
        On the scene's lattice.
    recipe : Recipe
        How.
    tick : callable
        Hears the fraction done.
    """
    lattice = scene.lattice
    measure = LocalCorrelation(lattice.shape, RADIUS, lattice.device)
    adam = Adam(velocity.coefficients, FLOOR)
    for step in range(recipe.iterations):
        tick(step / recipe.iterations)
        forth, back = velocity.half_flows()
        if step % WEIGH_EVERY == 0:
            measure.weigh(scene.weight(forth, back))
        source, target = scene.look(forth, back)
        _, slope_s, slope_t = measure.slopes(source, target)
        force = slope_t * gradient(target, lattice.spacing_mm)
        force -= slope_s * gradient(source, lattice.spacing_mm)
        slope = velocity.slope(force / 2, recipe.stiffness)
        adam.climb(slope, recipe.rate * lattice.spacing_mm * min(1.0, 2 * (1 - step / recipe.iterations)))


def _flow_of(velocity: Tensor, lattice: Lattice) -> Tensor:
    """The flow (3, Z, Y, X; mm) of a velocity at the nodes, by scaling and squaring."""
    at = indices(lattice)
    flow: Tensor = (
        sample(velocity, at + velocity / (2 ** (SQUARINGS + 1) * lattice.spacing_mm)) / 2**SQUARINGS
    )
    for _ in range(SQUARINGS):
        flow = flow + sample(flow, at + flow / lattice.spacing_mm)
    return flow


def _grid_of(lattice: Lattice) -> Grid:
    """A lattice as a grid."""
    z, y, x = (float(v) for v in lattice.origin)
    return Grid(lattice.shape, (lattice.spacing_mm,) * 3, (z, y, x))


def indices(lattice: Lattice) -> Tensor:
    """(3, Z, Y, X) index of every node."""
    axes = [torch.arange(n, dtype=torch.float32, device=lattice.device) for n in lattice.shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


def _bending(values: Tensor) -> Tensor:
    """Sum of the differences to the six neighbours, (C, Z, Y, X); none across the border."""
    total = torch.zeros_like(values)
    for axis in (1, 2, 3):
        step = values.diff(dim=axis)
        last = values.shape[axis] - 1
        total.narrow(axis, 0, last).add_(step)
        total.narrow(axis, 1, last).sub_(step)
    return total
