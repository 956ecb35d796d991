"""A volume on which tissues are painted one over the other, with soft edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Box, Grid
from napari_longiseg.training.synthetic.fields import Coordinates, Field, noise
from napari_longiseg.training.synthetic.tissue import LOOKS, Tissue

Points = npt.NDArray[np.float64]
Region = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One coat of paint: a tissue with its coverage (0 to 255) in a region of the canvas."""

    tissue: Tissue
    region: Region
    alpha: npt.NDArray[np.uint8]


class Canvas:
    """Layers of tissue on the grid of the first date.

    Anatomy is described in standard millimetres: z to the head with 0 at the dome of the diaphragm, y to
    the back and x to the left with 0 in the middle of the body. The coordinates are bent a little by
    smooth noise, so that no organ is a perfect ellipsoid.

    Parameters
    ----------
    grid : Grid
        LPS grid in patient space.
    size : float
        Size of the patient; 1 for an adult.
    bend_mm : float
        How far the coordinates are bent, standard deviation in standard mm.

    Attributes
    ----------
    owner : (Z, Y, X) uint8
        The :class:`Tissue` that covers most of each voxel.
    hosts : dict of str to Field
        Signed distances (standard mm) to the organs that lesions may sit in, filled by the painters.
    """

    def __init__(self, grid: Grid, size: float, bend_mm: float, rng: np.random.Generator) -> None:
        self.grid = grid
        self.layers: list[Layer] = []
        self.edge_mm = float(np.cbrt(np.prod(grid.spacing_mm))) / size
        self._step = np.asarray(grid.spacing_mm) / size
        self._start = np.asarray(grid.origin_mm) / size
        self.owner = np.zeros(grid.shape, dtype=np.uint8)
        self.hosts: dict[str, Field] = {}
        z, y, x = (
            (s + d * np.arange(n)).astype(np.float32)
            for s, d, n in zip(self._start, self._step, grid.shape, strict=True)
        )
        straight = (z[:, None, None], y[None, :, None], x[None, None, :])
        cell = 45.0 / self._step
        self.coordinates: Coordinates = tuple(
            axis + np.float32(bend_mm) * noise(grid.shape, cell, rng) for axis in straight
        )

    @property
    def everywhere(self) -> Region:
        """The whole canvas as a region."""
        return Box((0, 0, 0), self.grid.shape).slices

    def region(self, low: Sequence[float], high: Sequence[float], margin: float = 14.0) -> Region:
        """The part of the canvas around a box in standard mm (z, y, x); the margin allows for the bend."""
        a = np.floor((np.asarray(low) - margin - self._start) / self._step).astype(int)
        b = np.ceil((np.asarray(high) + margin - self._start) / self._step).astype(int) + 1
        shape = np.asarray(self.grid.shape)
        z, y, x = (
            slice(int(i), int(max(i, j)))
            for i, j in zip(np.clip(a, 0, shape), np.clip(b, 0, shape), strict=True)
        )
        return z, y, x

    def at(self, region: Region) -> Coordinates:
        """Bent coordinates (z, y, x) of a region in standard mm."""
        z, y, x = self.coordinates
        return z[region], y[region], x[region]

    def unbend(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Straight standard mm of points (N, 3) given in bent ones, to first order."""
        p = np.asarray(points, dtype=np.float64)
        at = np.rint((p - self._start) / self._step).astype(int)
        z, y, x = np.clip(at, 0, np.asarray(self.grid.shape) - 1).T
        straight = self._start + np.stack([z, y, x], axis=1) * self._step
        return p - (np.stack([c[z, y, x] for c in self.coordinates], axis=1) - straight)

    def straight(self, region: Region) -> Coordinates:
        """Coordinates (z, y, x) of a region before bending, standard mm, broadcastable."""
        z, y, x = (
            (s + d * np.arange(r.start, r.stop)).astype(np.float32)
            for s, d, r in zip(self._start, self._step, region, strict=True)
        )
        return z[:, None, None], y[None, :, None], x[None, None, :]

    def sample(self, inside: npt.NDArray[np.bool_], count: int, rng: np.random.Generator) -> Points:
        """Random places (N, 3) in straight standard mm, N <= *count*, in a mask (Z, Y, X)."""
        voxels = np.flatnonzero(inside)
        if not len(voxels):
            return np.empty((0, 3))
        at = np.stack(np.unravel_index(rng.choice(voxels, min(count, len(voxels))), inside.shape), axis=1)
        return self._start + (at + rng.uniform(-0.5, 0.5, at.shape)) * self._step

    def paint(self, tissue: Tissue, distance: Field, region: Region, strength: float = 1.0) -> None:
        """Paint where a signed distance (standard mm, of the region's shape) is negative.

        The edge is one voxel wide, as the partial volume of a voxel is.
        """
        self.coat(tissue, np.clip(0.5 - distance / self.edge_mm, 0.0, 1.0) * strength, region)

    def coat(self, tissue: Tissue, cover: Field, region: Region) -> None:
        """Paint with a coverage of 0 to 1, of the region's shape."""
        alpha = np.rint(cover * 255.0).astype(np.uint8)
        tight = Box.of_mask(alpha)
        if tight.is_empty:
            return
        z, y, x = (
            slice(r.start + s.start, r.start + s.stop) for r, s in zip(region, tight.slices, strict=True)
        )
        alpha = np.ascontiguousarray(alpha[tight.slices])
        self.layers.append(Layer(tissue, (z, y, x), alpha))
        self.owner[z, y, x][alpha > 127] = tissue

    def compose(self, values: Mapping[Tissue, float]) -> Field:
        """Blend the layers, each with the value of its tissue; the ground is air."""
        out = np.full(self.grid.shape, values[Tissue.AIR], dtype=np.float32)
        for layer in self.layers:
            below = out[layer.region]
            below += (values[layer.tissue] - below) * (layer.alpha * np.float32(1.0 / 255.0))
        return out

    def texture(self, size: float, rng: np.random.Generator) -> Field:
        """HU to add to the composed image: the grain of each tissue, part of the anatomy."""
        step = np.asarray(self.grid.spacing_mm)
        fine = self.compose({t: look.fine for t, look in LOOKS.items()})
        fine *= noise(self.grid.shape, 2.6 * size / step, rng)
        coarse = self.compose({t: look.coarse for t, look in LOOKS.items()})
        coarse *= noise(self.grid.shape, 10.0 * size / step, rng)
        return fine + coarse
