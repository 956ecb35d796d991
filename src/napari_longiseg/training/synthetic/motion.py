"""How the patient lies and breathes on another day: an exact, invertible map of points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from napari_longiseg.core.geometry import Array, Grid
from napari_longiseg.training.synthetic.fields import bspline_weights

TOLERANCE_MM = 1e-5
"""How exactly the map is inverted."""
STEEPEST = 0.65
"""Largest gradient of the displacement; below 1 the map can be inverted by fixed-point iteration."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Carries points of one scan to the first scan, and back.

    ``first = middle + R^T (p - middle - shift) + spline(p) + breath(p)``, with points in LPS mm, order
    (z, y, x). The spline is a cubic B-spline on a lattice; breathing is a displacement up or down that is
    largest at the diaphragm and fades towards the chest wall and the spine.

    Attributes
    ----------
    middle_mm, shift_mm : (3,) float64
        Centre of rotation, and the translation of the body.
    rotation : (3, 3) float64
        R, from the first scan to this one.
    lattice_mm : (3,) float64
        Position of lattice node (0, 0, 0).
    pitch_mm : float
        Distance between lattice nodes.
    nodes : (3, nz, ny, nx) float64
        B-spline coefficients in mm for the components z, y, x.
    breath_mm : (3,) float64
        Displacement (z, y, x) at the middle of the breathing.
    dome_mm, dome_width_mm : (3,) float64
        Middle and reach of the breathing.
    """

    middle_mm: Array
    shift_mm: Array
    rotation: Array
    lattice_mm: Array
    pitch_mm: float
    nodes: Array
    breath_mm: Array
    dome_mm: Array
    dome_width_mm: Array

    def to_first(self, points_mm: npt.ArrayLike) -> Array:
        """Points (N, 3) of this scan on the first scan."""
        p = np.asarray(points_mm, dtype=np.float64).reshape(-1, 3)
        rigid = (p - self.middle_mm - self.shift_mm) @ self.rotation + self.middle_mm
        first: Array = rigid + np.concatenate(
            [self._bent(p[i : i + 4096]) for i in range(0, len(p), 4096)] or [p]
        )
        return first

    def from_first(self, points_mm: npt.ArrayLike) -> Array:
        """Points (N, 3) of the first scan on this scan, to :data:`TOLERANCE_MM`."""
        q = np.asarray(points_mm, dtype=np.float64).reshape(-1, 3)
        p = (q - self.middle_mm) @ self.rotation.T + self.middle_mm + self.shift_mm
        for _ in range(200):
            error = q - self.to_first(p)
            p = p + error @ self.rotation.T
            if not len(q) or np.abs(error).max() < TOLERANCE_MM:
                break
        return p

    def _bent(self, p: Array) -> Array:
        """Displacement (N, 3) by spline and breath."""
        wz, wy, wx = (
            bspline_weights((p[:, i] - self.lattice_mm[i]) / self.pitch_mm, self.nodes.shape[i + 1])
            for i in range(3)
        )
        bent = np.einsum("czyx,nx->nczy", self.nodes, wx, optimize=True)
        bent = np.einsum("nczy,ny->ncz", bent, wy, optimize=True)
        fade = np.exp(-(((p - self.dome_mm) / self.dome_width_mm) ** 2)).prod(axis=1)
        moved: Array = np.einsum("ncz,nz->nc", bent, wz, optimize=True) + fade[:, None] * self.breath_mm
        return moved

    def on_grid(self, grid: Grid) -> npt.NDArray[np.float32]:
        """First-scan coordinates (3, Z, Y, X) of all voxels of an LPS grid: the same map, by axes."""
        axes = [
            o + s * np.arange(n) for o, s, n in zip(grid.origin_mm, grid.spacing_mm, grid.shape, strict=True)
        ]
        wz, wy, wx = (
            bspline_weights((a - m) / self.pitch_mm, n)
            for a, m, n in zip(axes, self.lattice_mm, self.nodes.shape[1:], strict=True)
        )
        fades = [
            np.exp(-(((a - m) / w) ** 2))
            for a, m, w in zip(axes, self.dome_mm, self.dome_width_mm, strict=True)
        ]
        fade = np.einsum("z,y,x->zyx", *fades).astype(np.float32)
        z, y, x = (a - m - s for a, m, s in zip(axes, self.middle_mm, self.shift_mm, strict=True))
        out = np.empty((3, *grid.shape), dtype=np.float32)
        for i in range(3):
            plane = np.tensordot(wy, np.tensordot(self.nodes[i], wx, axes=(2, 1)), axes=(1, 1))  # (Y, nz, X)
            out[i] = np.tensordot(wz.astype(np.float32), plane.astype(np.float32), axes=(1, 1))
            out[i] += fade * np.float32(self.breath_mm[i])
            a, b, c = self.rotation[:, i]
            out[i] += (self.middle_mm[i] + a * z).astype(np.float32)[:, None, None]
            out[i] += ((b * y)[:, None] + (c * x)[None, :]).astype(np.float32)
        return out


def still(middle_mm: Array) -> Motion:
    """The first scan: nothing has moved."""
    zero = np.zeros(3)
    return Motion(middle_mm, zero, np.eye(3), zero, 1.0, np.zeros((3, 1, 1, 1)), zero, zero, np.ones(3))


def random_motion(
    field: Grid,
    middle_mm: Array,
    size: float,
    deformation_mm: float,
    breath_mm: float,
    rng: np.random.Generator,
) -> Motion:
    """Another day: rotated by some degrees, shifted by 10 to 20 mm, breathed and deformed.

    Parameters
    ----------
    field : Grid
        Field of view of the first scan.
    middle_mm : (3,) float64
        Top of the diaphragm in the middle of the body, LPS mm.
    size : float
        Size of the patient; all lengths shrink with it.
    deformation_mm : float
        Standard deviation of the smooth deformation; made less where it would fold.
    breath_mm : float
        Largest excursion of the diaphragm.
    """
    pitch = 62.0 * size
    low, high = field.bounds_mm()
    start = low - 3.0 * pitch
    count = np.ceil((high - start) / pitch).astype(int) + 4
    # a cubic B-spline of independent nodes has about 0.33 of their standard deviation in three dimensions
    nodes = rng.standard_normal((3, *count)) * (deformation_mm * size / 0.33)
    direction = rng.standard_normal(3) * (0.7, 1.0, 1.0)
    shift = direction / np.linalg.norm(direction) * rng.uniform(10.0, 20.0) * size
    turn = Rotation.from_rotvec(np.deg2rad(rng.uniform(-1.0, 1.0, 3) * (3.5, 2.0, 2.0)))
    up = rng.choice((-1.0, 1.0)) * rng.uniform(min(5.0, breath_mm), breath_mm) * size
    motion = Motion(
        middle_mm=middle_mm, shift_mm=shift, rotation=turn.as_matrix(),
        lattice_mm=start, pitch_mm=pitch, nodes=nodes,
        breath_mm=np.array([-up, 0.12 * up, 0.0]),
        dome_mm=middle_mm + np.array([-5.0, -12.0, 0.0]) * size,
        dome_width_mm=np.array([95.0, 75.0, 140.0]) * size,
    )  # fmt: skip
    return _unfolded(motion, field)


def _unfolded(motion: Motion, field: Grid) -> Motion:
    """The same motion, weakened until no gradient in and around the field is steeper than allowed."""
    low, high = field.bounds_mm()
    reach = 0.15 * (high - low)
    axes = [np.linspace(a, b, 16) for a, b in zip(low - reach, high + reach, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    base = motion._bent(points)
    columns = [(motion._bent(points + step) - base) / 0.5 for step in 0.5 * np.eye(3)]
    steepest = float(np.linalg.norm(np.stack(columns, axis=-1), ord=2, axis=(1, 2)).max())
    weaker = min(1.0, STEEPEST / max(steepest, 1e-9))
    return Motion(
        motion.middle_mm, motion.shift_mm, motion.rotation, motion.lattice_mm, motion.pitch_mm,
        motion.nodes * weaker, motion.breath_mm * weaker, motion.dome_mm, motion.dome_width_mm,
    )  # fmt: skip
