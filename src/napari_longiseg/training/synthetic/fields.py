"""Shapes and noise as scalar fields: signed distances in mm (negative inside) and smooth random fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Field = npt.NDArray[Any]
"""Floats, as a rule 32 bits wide."""
Coordinates = tuple[Field, Field, Field]
"""z, y, x in mm, each (Z, Y, X) or broadcastable to it."""


def noise(shape: Sequence[int], cell: npt.ArrayLike, rng: np.random.Generator) -> Field:
    """Smooth random field of mean 0 and standard deviation 1.

    Parameters
    ----------
    shape : (3,) int
        Of the result.
    cell : (3,) float
        Size of the grains in voxels; random values on a lattice of this pitch, interpolated by cubic
        B-splines. Below 1.5 voxels the field is white.
    """
    steps = np.maximum(np.asarray(cell, dtype=np.float64), 1.0)
    if steps.max() < 1.5:
        return rng.standard_normal(tuple(shape), dtype=np.float32)
    lattice = [int(np.ceil(n / c)) + 4 for n, c in zip(shape, steps, strict=True)]
    field: Field = rng.standard_normal(lattice, dtype=np.float32)
    for axis, (n, c) in enumerate(zip(shape, steps, strict=True)):
        positions = np.arange(n) / c + 1.5
        weights = bspline_weights(positions, lattice[axis]).astype(np.float32)
        field = np.moveaxis(np.tensordot(weights, field, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray((field - field.mean()) / max(float(field.std()), 1e-6))


def bspline_weights(positions: npt.ArrayLike, nodes: int) -> npt.NDArray[np.float64]:
    """Cubic B-spline weights (N, nodes) of lattice nodes 0, 1, ... at continuous lattice positions (N,)."""
    t = np.abs(np.asarray(positions, dtype=np.float64)[:, None] - np.arange(nodes))
    near = 2.0 / 3.0 - t**2 * (1.0 - t / 2.0)
    far = np.clip(2.0 - t, 0.0, None) ** 3 / 6.0
    weights: npt.NDArray[np.float64] = np.where(t < 1.0, near, far)
    return weights


def ellipsoid(c: Coordinates, centre: Sequence[float], radii: Sequence[float]) -> Field:
    """Signed distance to an axis-parallel ellipsoid (first-order estimate); arguments in (z, y, x)."""
    z, y, x = (a - m for a, m in zip(c, centre, strict=True))
    rz, ry, rx = radii
    k0 = np.sqrt((z / rz) ** 2 + (y / ry) ** 2 + (x / rx) ** 2)
    k1 = np.sqrt((z / rz**2) ** 2 + (y / ry**2) ** 2 + (x / rx**2) ** 2)
    d: Field = k0 * (k0 - 1.0) / np.maximum(k1, 1e-4)
    return d


def capsule(c: Coordinates, a: Sequence[float], b: Sequence[float], ra: float, rb: float) -> Field:
    """Signed distance to a rod from *a* to *b* (z, y, x) whose radius goes from *ra* to *rb*."""
    ab = np.subtract(b, a)
    length2 = max(float(ab @ ab), 1e-6)
    pz, py, px = (q - m for q, m in zip(c, a, strict=True))
    t = np.clip((pz * ab[0] + py * ab[1] + px * ab[2]) / length2, 0.0, 1.0)
    d = np.sqrt((pz - t * ab[0]) ** 2 + (py - t * ab[1]) ** 2 + (px - t * ab[2]) ** 2)
    rod: Field = d - (ra + t * (rb - ra))
    return rod


def smooth_max(a: Field, b: Field, width: float) -> Field:
    """Intersection of two shapes with the common edge rounded over *width* mm."""
    h = np.clip(width - np.abs(a - b), 0.0, None) / width
    rounded: Field = np.maximum(a, b) + h * h * (width / 4.0)
    return rounded


def smooth_min(a: Field, b: Field, width: float) -> Field:
    """Union of two shapes with the common groove filled over *width* mm."""
    return -smooth_max(-a, -b, width)


def blur(image: Field, sigma_voxels: Sequence[float] | float) -> Field:
    """Gaussian blur in float32."""
    return np.asarray(ndimage.gaussian_filter(image, sigma_voxels, mode="nearest", truncate=3.0))
