"""A real scan, and itself moved, bent and breathed in a known way on another grid and field of view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_longiseg.core.geometry import Array, Grid, as_point, as_shape
from napari_longiseg.core.scan import AIR_HU, Scan
from napari_longiseg.registration.transforms import Displacement, Inverse
from pairs.pair import Marks, Pair
from pairs.places import centre, deepest, random_points

NODES_MM = 12.0
EXACT_MM = 0.01


@dataclass(frozen=True)
class Motion:
    """A known movement of a patient between two scans.

    Attributes
    ----------
    seed : int
        Of everything random.
    field_mm, scale_mm : float
        Standard deviation and smoothness of the random displacements.
    breath_mm : float
        How far the diaphragm moves.
    crop : float
        Share of the field of view along z that is cut off, at the top; at the bottom where negative.
    shift_mm : float
        Of the patient coordinates along z.
    spacing_mm : (3,) float
        Of the new grid.
    noise_hu : float
        Standard deviation of the noise that is added.
    """

    seed: int
    field_mm: float = 4.0
    scale_mm: float = 35.0
    breath_mm: float = 12.0
    crop: float = 0.0
    shift_mm: float = 0.0
    spacing_mm: tuple[float, float, float] = (2.0, 1.4, 1.4)
    noise_hu: float = 20.0

    def apply(self, scan: Scan) -> tuple[Scan, Callable[[Array], Array]]:
        """The moved scan, and the map of its points back to the scan's."""
        rng = np.random.default_rng(self.seed)
        back = self._back(scan, rng)
        low, high = scan.grid.bounds_mm()
        height = high[0] - low[0]
        high[0] -= max(self.crop, 0.0) * height
        low[0] += max(-self.crop, 0.0) * height
        low[0], high[0] = low[0] + self.shift_mm, high[0] + self.shift_mm
        spacing = np.asarray(self.spacing_mm)
        grid = Grid(as_shape((high - low) // spacing), self.spacing_mm, as_point(low + spacing / 2))
        image = np.empty(grid.shape, np.int16)
        plane = np.stack(np.indices(grid.shape[1:]), axis=-1).reshape(-1, 2)
        for z in range(grid.shape[0]):
            points = grid.to_mm(np.column_stack([np.full(len(plane), z), plane]))
            index = scan.grid.to_index(back(points)).T
            hu = ndimage.map_coordinates(scan.image, index, np.float32, order=1, cval=AIR_HU)
            image[z] = np.rint(hu + rng.normal(0, self.noise_hu, len(hu))).reshape(grid.shape[1:])
        return Scan(f"{scan.id} moved", image, grid), back

    def _back(self, scan: Scan, rng: np.random.Generator) -> Callable[[Array], Array]:
        low, high = scan.grid.bounds_mm()
        middle = (low + high) / 2
        angles = np.deg2rad(rng.uniform(-3, 3, 3))
        turn = np.array([[0, -angles[0], angles[1]], [angles[0], 0, -angles[2]], [-angles[1], angles[2], 0]])
        matrix = np.eye(3) + turn + np.diag(rng.uniform(-0.02, 0.02, 3))
        step = rng.uniform(-15, 15, 3)
        diaphragm = low[0] + rng.uniform(0.35, 0.65) * (high[0] - low[0])
        field = _random_field(low - 60, high + 60, self.field_mm, self.scale_mm, rng)

        def back(points_mm: Array) -> Array:
            points = np.asarray(points_mm) - [self.shift_mm, 0.0, 0.0]
            moved = (points - middle) @ matrix.T + middle + step + field.at(points)
            bump = np.exp(-(((points[:, 0] - diaphragm) / 70) ** 2))
            across = np.clip(1.2 - ((points[:, 1] - middle[1]) / 150) ** 2, 0, 1)
            moved[:, 0] += self.breath_mm * bump * across
            return moved

        return back


KINDS = {
    "smooth": Motion(1),
    "rough, 3 mm slices": Motion(2, field_mm=6.0, scale_mm=25.0, spacing_mm=(3.0, 1.2, 1.2)),
    "30 % cropped": Motion(3, crop=0.3, shift_mm=80.0),
    "half, 5 mm slices": Motion(4, crop=-0.5, shift_mm=-300.0, spacing_mm=(5.0, 1.5, 1.5)),
}


def moved_pair(scan: Scan, truth: Scan, motion: Motion) -> Pair:
    """The scan as source, moved as target.

    Parameters
    ----------
    truth : Scan
        Labels of the lesions on the scan's grid; their centres and deepest voxels are compared.
    """
    target, back = motion.apply(scan)
    labels = [int(label) for label in np.unique(truth.image) if label]
    of_lesions = np.array([find(truth, label) for find in (centre, deepest) for label in labels])
    words = np.repeat(["centre", "deepest"], len(labels))
    lesions, body = (
        _exact(Marks.of(points, Inverse(back)(points), where), back).seen_by(scan.grid, target.grid)
        for points, where in ((of_lesions, words), (random_points(scan), "body"))
    )
    return Pair(scan, target, lesions, body)


def swapped(pair: Pair) -> Pair:
    """The other way round."""
    return Pair(pair.target, pair.source, pair.lesions.swapped(), pair.body.swapped())


def _exact(marks: Marks, back: Callable[[Array], Array]) -> Marks:
    """Those that were inverted; where the random field folds, some cannot be."""
    return marks.kept(np.linalg.norm(back(marks.target_mm) - marks.source_mm, axis=1) < EXACT_MM)


def _random_field(
    low: Array, high: Array, size_mm: float, scale_mm: float, rng: np.random.Generator
) -> Displacement:
    counts = np.ceil((high - low) / NODES_MM).astype(int) + 3
    noise = rng.standard_normal((3, *counts))
    noise = ndimage.gaussian_filter(noise, (0, *[scale_mm / NODES_MM] * 3))
    noise *= size_mm / noise.std(axis=(1, 2, 3), keepdims=True)
    origin = (low + high) / 2 - (counts - 1) / 2 * NODES_MM
    lattice = Grid(as_shape(counts), (NODES_MM,) * 3, as_point(origin))
    return Displacement(noise.astype(np.float32), lattice, order=3)
