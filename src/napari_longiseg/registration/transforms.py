"""Maps of points as small frozen values: affine steps, displacements on a lattice, and chains of both.

Points have shape ``(N, 3)``: LPS millimetres in the order ``(z, y, x)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.geometry import Array, Grid, Point, Shape
from napari_longiseg.core.resample import Float32

INVERSION_STEPS = 50
INVERSION_MM = 1e-3
"""How exactly a displacement without a known inverse is inverted."""

State = Mapping[str, npt.NDArray[Any]]
"""Named arrays that something is made of; what a cache writes to a file."""


class Transform(Protocol):
    """Where points of one space lie in another."""

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Mapped points (N, 3) of points (N, 3)."""
        ...

    @property
    def inverse(self) -> Transform:
        """The way back."""
        ...


@dataclass(frozen=True, eq=False)
class Affine:
    """``q = matrix p + offset``.

    Attributes
    ----------
    matrix : (3, 3) float64
        Rotation, scale and shear, for points in the order (z, y, x).
    offset : (3,) float64
        mm.
    """

    matrix: Array
    offset: Array

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Mapped points (N, 3)."""
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        return np.asarray(points @ self.matrix.T + self.offset)

    @property
    def inverse(self) -> Affine:
        """The way back."""
        matrix = np.asarray(np.linalg.inv(self.matrix), dtype=np.float64)
        return Affine(matrix, -matrix @ self.offset)

    def after(self, first: Affine) -> Affine:
        """*first*, then this one."""
        return Affine(self.matrix @ first.matrix, self.matrix @ first.offset + self.offset)

    @classmethod
    def identity(cls) -> Affine:
        """Every point stays where it is."""
        return cls(np.eye(3), np.zeros(3))

    @classmethod
    def shift(cls, offset_mm: npt.ArrayLike) -> Affine:
        """Every point moves by the same vector (mm)."""
        return cls(np.eye(3), np.asarray(offset_mm, dtype=np.float64))

    @classmethod
    def about(cls, centre_mm: npt.ArrayLike, goes_mm: npt.ArrayLike, matrix: Array) -> Affine:
        """A linear map around a centre, which itself goes to *goes_mm*."""
        return cls(matrix, np.asarray(goes_mm, dtype=np.float64) - matrix @ np.asarray(centre_mm))


@dataclass(frozen=True, eq=False)
class Displacement:
    """``q = p + u(p)`` with *u* given at the nodes of a lattice; beyond its border, the border's.

    Attributes
    ----------
    vectors : (3, Z, Y, X) float32
        u at the nodes in mm; the first axis is the component, order (z, y, x).
    lattice : Grid
        Where the nodes lie; of any direction.
    backward : (3, Z, Y, X) float32 or None
        The displacement of the inverse at the same nodes, where it is known.
    order : int
        Of the spline between the nodes: 1 or 3.
    """

    vectors: Float32
    lattice: Grid
    backward: Float32 | None = None
    order: int = 1

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Mapped points (N, 3)."""
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        return points + self.at(points)

    def at(self, points_mm: Array) -> Array:
        """Displacements (N, 3) in mm at points (N, 3)."""
        last = np.asarray(self.lattice.shape)[:, None] - 1.0
        index = np.clip(self.lattice.to_index(points_mm).T, 0.0, last)
        steps = [
            ndimage.map_coordinates(c, index, np.float64, order=self.order, mode="mirror", prefilter=False)
            for c in self._coefficients
        ]
        return np.stack(steps, axis=1)

    @property
    def inverse(self) -> Displacement | Inverse:
        """The way back."""
        if self.backward is None:
            return Inverse(self)
        return Displacement(self.backward, self.lattice, self.vectors, self.order)

    @cached_property
    def _coefficients(self) -> Float32:
        if self.order < 2:
            return self.vectors
        filtered = [ndimage.spline_filter(c, self.order, np.float64, mode="mirror") for c in self.vectors]
        return np.stack(filtered).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Inverse:
    """A transform backwards, by iteration at every point.

    Attributes
    ----------
    inverse : Transform
        The transform forwards; near the identity, or it does not converge.
    """

    inverse: Transform

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Points (N, 3) that the transform forwards maps to these; the nearest ones where it folds."""
        goal = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        found, best = goal.copy(), np.full(len(goal), np.inf)
        trial, step = goal.copy(), np.ones((len(goal), 1))
        for _ in range(INVERSION_STEPS):
            miss = self.inverse(trial) - goal
            size = np.linalg.norm(miss, axis=1)
            better = size < best
            found[better], best[better] = trial[better], size[better]
            # Halving the step where it overshoots makes the iteration converge in steep places, too.
            step[~better] *= 0.5
            if (best < INVERSION_MM).all():
                break
            trial = np.where(better[:, None], trial - step * miss, found + (trial - found) * 0.5)
        return found


@dataclass(frozen=True, eq=False)
class Chain:
    """One transform after the other.

    Attributes
    ----------
    steps : tuple of Transform
        The first is applied first.
    """

    steps: tuple[Transform, ...]

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """Mapped points (N, 3)."""
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        for step in self.steps:
            points = step(points)
        return points

    @property
    def inverse(self) -> Chain:
        """The way back."""
        return Chain(tuple(step.inverse for step in reversed(self.steps)))


def pack(transform: Transform) -> dict[str, npt.NDArray[Any]]:
    """A chain of affine steps and displacements as named arrays.

    Raises
    ------
    TypeError
        When another kind of transform is among its steps.
    """
    steps = transform.steps if isinstance(transform, Chain) else (transform,)
    state: dict[str, npt.NDArray[Any]] = {"steps": np.array(len(steps))}
    for number, step in enumerate(steps):
        if isinstance(step, Affine):
            parts: dict[str, npt.NDArray[Any]] = {"matrix": step.matrix, "offset": step.offset}
        elif isinstance(step, Displacement):
            grid = step.lattice
            parts = {
                "vectors": step.vectors,
                "lattice": np.array([grid.spacing_mm, grid.origin_mm, *grid.direction]),
                "order": np.array(step.order),
            }
            if step.backward is not None:
                parts["backward"] = step.backward
        else:
            msg = f"{type(step).__name__} cannot be written as arrays."
            raise TypeError(msg)
        state |= {f"{number}.{name}": part for name, part in parts.items()}
    return state


def unpack(state: State) -> Chain:
    """The chain that :func:`pack` has made arrays of; KeyError or ValueError where it made none."""
    return Chain(tuple(_unpacked(state, f"{number}.") for number in range(int(state["steps"]))))


def _unpacked(state: State, at: str) -> Transform:
    if f"{at}matrix" in state:
        return Affine(state[f"{at}matrix"], state[f"{at}offset"])
    vectors, lattice = state[f"{at}vectors"], state[f"{at}lattice"]
    spacing, origin, *direction = (_point(row) for row in lattice)
    grid = Grid(_shape(vectors), spacing, origin, (direction[0], direction[1], direction[2]))
    return Displacement(vectors, grid, state.get(f"{at}backward"), int(state[f"{at}order"]))


def _point(row: Array) -> Point:
    z, y, x = (float(v) for v in row)
    return z, y, x


def _shape(vectors: Float32) -> Shape:
    _, z, y, x = vectors.shape
    return z, y, x
