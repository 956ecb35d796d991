"""How far points land from where they belong.

``python benchmarks/registration.py [STUDY ...]``: study folders with ``study.json`` and ``gt_<scan>.nii.gz``
beside it, in which every lesion is mapped between all scans that show it; and, with ``--synthetic``, pairs
made of each study's first scan, moved, bent and breathed in a known way, with another grid and field of view.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path

import numpy as np
from scipy import ndimage

from napari_longiseg.core.components import deepest_point
from napari_longiseg.core.geometry import Array, Box, Grid, as_point, as_shape
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._spline import SplineField, empty_field
from napari_longiseg.registration.base import map_near
from napari_longiseg.registration.deformable import DeformableRegistration

SAMPLE = Path(__file__).parent.parent / "sample_data"
COLUMNS = (
    "pair", "n", "before", "mean", "median", "p95", "max", "whole", "centres", "inside", "wall s", "CPU s",
    "point s",
)  # fmt: skip
"""Errors in mm: ``whole`` without the refinement, ``centres`` from centre to centre of the lesions."""


@dataclass(frozen=True)
class Pair:
    """Two scans with points that belong together, LPS mm in the order (z, y, x)."""

    name: str
    source: Scan
    target: Scan
    points_mm: Array
    truth_mm: Array
    centres_mm: Array | None = None
    """Centres of the lesions on the source; the points are their deepest voxels."""
    is_inside: Callable[[int, Array], bool] | None = None
    refine: bool = True


def study_pairs(folder: Path) -> Iterator[Pair]:
    """All ordered pairs of a study's scans, with the lesions that both show."""
    from napari_longiseg.io.manifest import load_study
    from napari_longiseg.io.scans import load_scan

    study = load_study(folder / "study.json")
    truth = {s.id: load_scan(folder / f"gt_{s.id}.nii.gz", scan_id=s.id) for s in study.scans}
    for source, target in permutations(study.scans, 2):
        gt_s, gt_t = truth[source.id], truth[target.id]
        both = sorted((set(np.unique(gt_s.image)) & set(np.unique(gt_t.image))) - {0})
        yield Pair(
            f"{study.patient} {source.id}>{target.id}",
            source,
            target,
            np.array([_deepest(gt_s, label) for label in both]),
            np.array([_centre(gt_t, label) for label in both]),
            np.array([_centre(gt_s, label) for label in both]),
            lambda i, q, gt=gt_t, both=both: gt.image[gt.grid.nearest_voxel(q)] == both[i],
        )


def synthetic_pairs(scan: Scan) -> Iterator[Pair]:
    """A scan and itself moved, in both directions; truth is exact but for the interpolation."""
    kinds = {
        "smooth": Motion(1),
        "rough, 3 mm slices": Motion(2, field_mm=6.0, scale_mm=25.0, spacing_mm=(3.0, 1.2, 1.2)),
        "30 % cropped": Motion(3, crop=0.3, shift_mm=80.0),
        "half, 5 mm slices": Motion(4, crop=-0.5, shift_mm=-300.0, spacing_mm=(5.0, 1.5, 1.5)),
    }
    for name, motion in kinds.items():
        moved, back = motion.apply(scan)
        points = _places(moved, scan, back)
        there = back(points)
        yield Pair(f"{scan.id} {name}, back", moved, scan, points, there, refine=False)
        yield Pair(f"{scan.id} {name}", scan, moved, there, points, refine=False)


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
    """

    seed: int
    field_mm: float = 4.0
    scale_mm: float = 35.0
    breath_mm: float = 12.0
    crop: float = 0.0
    shift_mm: float = 0.0
    spacing_mm: tuple[float, float, float] = (2.0, 1.4, 1.4)

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
            hu = ndimage.map_coordinates(scan.image, index, np.float32, order=1, cval=-1024)
            image[z] = np.rint(hu + rng.normal(0, 20, len(hu))).reshape(grid.shape[1:])
        return Scan(f"{scan.id} moved", image, grid), back

    def _back(self, scan: Scan, rng: np.random.Generator) -> Callable[[Array], Array]:
        low, high = scan.grid.bounds_mm()
        centre = (low + high) / 2
        angles = np.deg2rad(rng.uniform(-3, 3, 3))
        turn = np.array([[0, -angles[0], angles[1]], [angles[0], 0, -angles[2]], [-angles[1], angles[2], 0]])
        matrix = np.eye(3) + turn + np.diag(rng.uniform(-0.02, 0.02, 3))
        step = rng.uniform(-15, 15, 3)
        diaphragm = low[0] + rng.uniform(0.35, 0.65) * (high[0] - low[0])
        field = _random_field(low - 60, high + 60, self.field_mm, self.scale_mm, rng)

        def back(points_mm: Array) -> Array:
            points = np.asarray(points_mm) - [self.shift_mm, 0.0, 0.0]
            moved = (points - centre) @ matrix.T + centre + step + field(points)
            bump = np.exp(-(((points[:, 0] - diaphragm) / 70) ** 2))
            moved[:, 0] += (
                self.breath_mm * bump * np.clip(1.2 - ((points[:, 1] - centre[1]) / 150) ** 2, 0, 1)
            )
            return moved

        return back


def measure(pair: Pair, method: DeformableRegistration) -> tuple[tuple[object, ...], Array, Array]:
    """A row of the table, and every point's error and its expectation in mm."""
    wall, cpu = time.perf_counter(), _cpu()
    point_map = method.align(pair.source, pair.target, silent)
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    found = point_map(pair.points_mm)
    whole = np.linalg.norm(found - pair.truth_mm, axis=1)
    expected = point_map.uncertainty_mm(pair.points_mm)
    one = time.perf_counter()
    centres = "-"
    if pair.refine:
        near = [map_near(point_map, as_point(p)) for p in pair.points_mm]
        found = np.array([m([p])[0] for m, p in zip(near, pair.points_mm, strict=True)])
        expected = np.array([m.uncertainty_mm([p])[0] for m, p in zip(near, pair.points_mm, strict=True)])
        if pair.centres_mm is not None:
            mapped = np.array([m([c])[0] for m, c in zip(near, pair.centres_mm, strict=True)])
            centres = f"{np.linalg.norm(mapped - pair.truth_mm, axis=1).mean():.2f}"
    one = (time.perf_counter() - one) / len(found)
    error = np.linalg.norm(found - pair.truth_mm, axis=1)
    before = np.linalg.norm(pair.points_mm - pair.truth_mm, axis=1).mean()
    inside = "-"
    if pair.is_inside:
        inside = f"{np.mean([pair.is_inside(i, q) for i, q in enumerate(found)]):.2f}"
    figures = (before, error.mean(), np.median(error), np.percentile(error, 95), error.max(), whole.mean())
    times = (wall, cpu, one)
    row = (
        pair.name,
        len(error),
        *(f"{v:.2f}" for v in figures),
        centres,
        inside,
        *(f"{v:.1f}" for v in times),
    )
    return row, error, expected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", type=Path, default=[SAMPLE])
    parser.add_argument("--synthetic", action="store_true", help="move each study's first scan in known ways")
    options = parser.parse_args()
    method = DeformableRegistration()
    print(("{:<38}" + "{:>9}" * 12).format(*COLUMNS))
    errors, expectations = [], []
    for folder in options.studies:
        for pair in _pairs(folder, options.synthetic):
            row, error, expected = measure(pair, method)
            errors.append(error)
            expectations.append(expected)
            print(("{:<38}" + "{:>9}" * 12).format(*row), flush=True)
    error, expected = np.concatenate(errors), np.concatenate(expectations)
    known = np.isfinite(expected)
    print(f"all points: mean {error.mean():.2f}, median {np.median(error):.2f}, max {error.max():.2f} mm")
    rank = [np.argsort(np.argsort(v[known])) for v in (error, expected)]
    print(
        f"expected error: mean {expected[known].mean():.2f} mm, "
        f"rank correlation {np.corrcoef(rank)[0, 1]:.2f}, "
        f"error within twice the expected {np.mean(error[known] <= 2 * expected[known]):.2f}"
    )


def _pairs(folder: Path, synthetic: bool) -> Iterator[Pair]:
    if not synthetic:
        yield from study_pairs(folder)
        return
    from napari_longiseg.io.manifest import load_study

    study = load_study(folder / "study.json")
    yield from synthetic_pairs(replace(study.scans[0], id=study.patient))


def _deepest(labels: Scan, label: int) -> Array:
    box = Box.of_mask(labels.image == label)
    return np.asarray(deepest_point(labels.image[box.slices] == label, labels.grid.crop(box)))


def _centre(labels: Scan, label: int) -> Array:
    return labels.grid.to_mm(np.argwhere(labels.image == label)).mean(axis=0)


def _places(moved: Scan, still: Scan, back: Callable[[Array], Array]) -> Array:
    """Some 200 points of the moved scan in the body, near edges, which the other scan shows as well."""
    coarse = ndimage.gaussian_filter(moved.image[::2, ::2, ::2].astype(np.float32), 1.5)
    edges = (coarse > -950) & (ndimage.gaussian_gradient_magnitude(coarse, 1.0) > 15)
    points = moved.grid.to_mm(np.argwhere(edges) * 2)
    points = np.random.default_rng(0).choice(points, 300, replace=False)
    shown = np.ones(len(points), dtype=bool)
    for grid, places in ((moved.grid, points), (still.grid, back(points))):
        low, high = grid.bounds_mm()
        shown &= ((places > low + 15) & (places < high - 15)).all(axis=1)
    return points[shown]


def _random_field(
    low: Array, high: Array, size_mm: float, scale_mm: float, rng: np.random.Generator
) -> SplineField:
    field = empty_field(low, high, 12.0, extends=True)
    noise = rng.standard_normal(field.coefficients.shape)
    noise = ndimage.gaussian_filter(noise, (0, *[scale_mm / 12.0] * 3))
    noise *= size_mm / noise.std(axis=(1, 2, 3), keepdims=True)
    return replace(field, coefficients=noise.astype(np.float32))


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
