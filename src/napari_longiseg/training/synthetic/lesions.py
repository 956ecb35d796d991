"""Lesions: what they look like, and which voxels they take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Array, Box, Grid, as_shape
from napari_longiseg.training.synthetic.fields import Field, noise
from napari_longiseg.training.synthetic.tissue import Phase, Tissue

SMALLEST_VOXELS = 8
"""A lesion that is there has at least this many voxels."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A star-shaped body whose centroid is the origin and whose volume is that of a ball of radius 1.

    Attributes
    ----------
    bumps : (N, 3) float64
        Unit vectors (z, y, x) where the surface is pushed out or in.
    heights, widths : (N,) float64
        How far (in the logarithm of the radius), and how sharply.
    stretch : (3, 3) float64
        Turns and stretches the whole.
    offset : (3,) float64
        From the centroid to the point that all rays start from.
    """

    bumps: Array
    heights: Array
    widths: Array
    stretch: Array
    offset: Array

    def radii(self, rays: Array) -> Array:
        """Radius (N,) along unit vectors (N, 3), before stretching."""
        lift = np.exp(self.widths * (rays @ self.bumps.T - 1.0)) @ self.heights
        radii: Array = np.exp(lift)
        return radii

    def depth(self, offsets: Array) -> tuple[Array, Array]:
        """Where points lie, given relative to the centroid in units of the lesion's radius.

        Returns
        -------
        rho, length : (N,) float64
            Fraction of the way to the surface (1 on it), and the distance to the rays' origin.
        """
        v = (offsets - self.offset) @ np.linalg.inv(self.stretch).T
        length = np.linalg.norm(v, axis=1)
        rays = v / np.maximum(length, 1e-9)[:, None]
        return length / self.radii(rays), np.linalg.norm(offsets - self.offset, axis=1)


def random_shape(roughness: float, spikes: int, rng: np.random.Generator) -> Shape:
    """A smooth irregular body; *spikes* is the number of spiculae."""
    broad = _unit(rng.standard_normal((12, 3)))
    sharp = _unit(rng.standard_normal((spikes, 3)))
    heights = np.concatenate([rng.normal(0.0, roughness, 12), rng.uniform(0.3, 0.6, spikes)])
    widths = np.concatenate([rng.uniform(2.0, 7.0, 12), rng.uniform(35.0, 60.0, spikes)])
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    axes = np.exp(rng.normal(0.0, 0.8 * roughness, 3))
    raw = Shape(np.vstack([broad, sharp]), heights, widths, turn @ np.diag(axes) @ turn.T, np.zeros(3))
    rays = _sphere(4000)
    radii = raw.radii(rays)
    centroid = raw.stretch @ ((radii**4 / 4.0) @ rays / (radii**3 / 3.0).sum())
    unit = np.cbrt((radii**3).mean() * np.linalg.det(raw.stretch))
    return Shape(raw.bumps, heights, widths, raw.stretch / unit, -centroid / unit)


@dataclass(frozen=True, slots=True)
class Look:
    """HU of a lesion.

    Attributes
    ----------
    hu : dict of Phase to float
        Mean; relative to *host* where there is one.
    host : Tissue or None
        Whose HU the lesion's are relative to.
    core_hu : float or None
        HU of the core (necrotic, or the solid part of a subsolid nodule), where there is one.
    core : float
        Size of the core as a fraction of the radius.
    grain : float
        Standard deviation of the texture in HU.
    """

    hu: dict[Phase, float]
    host: Tissue | None = None
    core_hu: float | None = None
    core: float = 0.5
    grain: float = 8.0


def random_look(host: str, diameter_mm: float, rng: np.random.Generator) -> Look:
    """How a lesion in *host* looks: solid, subsolid, necrotic, hypodense, lytic or sclerotic."""
    kind = rng.uniform()
    necrotic = 22.0 if diameter_mm > 17.0 and kind > 0.4 else None
    if host == "lung":
        if kind < 0.18:
            return Look(
                dict.fromkeys(Phase, -590.0), core_hu=-60.0 if kind < 0.1 else None, core=0.45, grain=45.0
            )
        return Look({Phase.NATIVE: 35.0, Phase.ARTERIAL: 58.0, Phase.PORTAL: 66.0}, core_hu=necrotic)
    if host == "liver":
        dark = rng.uniform(0.85, 1.2)
        hu = {Phase.NATIVE: -22.0 * dark, Phase.ARTERIAL: -26.0 * dark, Phase.PORTAL: -50.0 * dark}
        return Look(hu, Tissue.LIVER, None if necrotic is None else 30.0, 0.45, 7.0)
    if host == "node":
        return Look(
            {Phase.NATIVE: 42.0, Phase.ARTERIAL: 78.0, Phase.PORTAL: 92.0}, core_hu=necrotic, grain=6.0
        )
    return Look(dict.fromkeys(Phase, 60.0 if kind < 0.6 else 680.0), grain=22.0)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One body on one scan: centre (LPS mm, z, y, x), radius in mm of the ball of its volume, turn (3, 3)."""

    shape: Shape
    look: Look
    centre_mm: Array
    radius_mm: float
    turn: Array


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """The voxels of one body: mask, coverage 0 to 1, and depth (1 on the surface), all of the box's shape."""

    box: Box
    mask: npt.NDArray[np.bool_]
    cover: Field
    rho: Field


def footprint(body: Body, grid: Grid) -> Footprint:
    """The voxels that a body takes; their number is that of its exact volume."""
    reach = np.ceil(2.4 * body.radius_mm / np.asarray(grid.spacing_mm)).astype(int) + 2
    box = Box.around(grid.to_index(body.centre_mm), as_shape(2 * reach + 1)).clipped(grid.shape)
    voxels = np.stack(np.meshgrid(*map(np.arange, box.start, box.stop), indexing="ij"), axis=-1).reshape(
        -1, 3
    )
    local = (grid.to_mm(voxels) - body.centre_mm) @ body.turn / body.radius_mm
    rho, length = body.shape.depth(local)
    wanted = 4.0 / 3.0 * np.pi * body.radius_mm**3 / 1000.0 / grid.voxel_ml
    count = min(max(round(wanted), SMALLEST_VOXELS), len(rho))
    surface = float(np.partition(rho, count - 1)[count - 1])
    mask = rho <= surface
    distance = length * body.radius_mm * (1.0 - surface / np.maximum(rho, 1e-3))
    edge = float(np.cbrt(np.prod(grid.spacing_mm)))
    cover = np.clip(0.5 - distance / edge, 0.0, 1.0).astype(np.float32)
    deep = (rho / surface).astype(np.float32)
    return Footprint(box, mask.reshape(box.shape), cover.reshape(box.shape), deep.reshape(box.shape))


def paint_body(
    image: Field,
    body: Body,
    place: Footprint,
    grid: Grid,
    phase: Phase,
    host_hu: float,
    rng: np.random.Generator,
) -> None:
    """Paint a body into an image (Z, Y, X) in HU."""
    look = body.look
    hu = look.hu[phase] + (host_hu if look.host is not None else 0.0)
    grain = 0.7 * noise(place.box.shape, 6.0 / np.asarray(grid.spacing_mm), rng)
    grain += 0.7 * noise(place.box.shape, 2.5 / np.asarray(grid.spacing_mm), rng)
    inside = hu + look.grain * grain
    if look.core_hu is not None:
        ragged = place.rho + 0.1 * grain
        inside += np.clip((look.core - ragged) / 0.12 + 0.5, 0.0, 1.0) * (look.core_hu - hu)
    region = image[place.box.slices]
    region += place.cover * (inside - region)


def _unit(vectors: Array) -> Array:
    unit: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return unit


def _sphere(count: int) -> Array:
    """Evenly spread unit vectors (a Fibonacci lattice)."""
    i = np.arange(count) + 0.5
    z = 1.0 - 2.0 * i / count
    turn = np.pi * (1.0 + np.sqrt(5.0)) * i
    flat = np.sqrt(1.0 - z**2)
    return np.stack([z, flat * np.sin(turn), flat * np.cos(turn)], axis=1)
