"""Random lesions put into real CT scans: cases with known truth for the benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.geometry import Box, Grid, Point, as_point, as_shape
from napari_longiseg.core.metrics import centre_of_mass
from napari_longiseg.core.resample import resample
from napari_longiseg.core.scan import AIR_HU, Scan
from napari_longiseg.registration.transforms import Inverse
from napari_longiseg.training.randomised.backgrounds import inside_body

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

GROWTH = (0.0, 0.35, 0.7, 1.0, 1.6, 2.4)
ERROR_MM = (1.0, 2.0)
STRETCH = 1.3
"""A patient's movement makes no lesion longer by more than this factor."""
KINDS: dict[str, tuple[tuple[float, float], tuple[float, float], bool]] = {
    # host HU (mean over 3 mm), lesion HU, whether the latter is counted from the host
    "lung solid": ((-1000, -700), (-40, 90), False),
    "lung subsolid": ((-1000, -750), (-600, -350), False),
    "soft hypodense": ((5, 180), (-60, -25), True),
    "soft hyperdense": ((5, 180), (25, 60), True),
    "node in fat": ((-130, -60), (10, 80), False),
    "bone lytic": ((180, 900), (20, 80), False),
}


class Solid(Protocol):
    """What a lesion fills, as a function of the offset from its centre in mm."""

    @property
    def reach_mm(self) -> float:
        """No point of it lies farther from its centre."""

    def level(self, offset_mm: Array) -> Array:
        """Positive inside; shape (...) for offsets (..., 3)."""


@dataclass(frozen=True)
class Shape:
    """A random lesion: an ellipsoid with a wavy border, as a function of the offset from its centre in mm."""

    axes: Array  # (3, 3) float32, 1 / mm
    waves: Array
    phases: Array
    depth: float

    @property
    def reach_mm(self) -> float:
        """No point of it lies farther from its centre."""
        return float((1 + 8 * self.depth) / np.linalg.svd(self.axes, compute_uv=False).min())

    @classmethod
    def random(cls, rng: np.random.Generator, radius_mm: float) -> Shape:
        """A shape of about this radius."""
        turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        axes = turn / (radius_mm * rng.uniform(0.65, 1.35, 3))[:, None]
        waves = rng.normal(0, 2.2, (8, 3)) @ axes
        phases = rng.uniform(0, 2 * np.pi, 8).astype(np.float32)
        return cls(axes.astype(np.float32), waves.astype(np.float32), phases, rng.uniform(0.03, 0.10))

    def level(self, offset_mm: Array) -> Array:
        """Positive inside; shape (...) for offsets (..., 3)."""
        ripple = np.cos(offset_mm @ self.waves.T + self.phases).sum(axis=-1)
        return 1 - np.linalg.norm(offset_mm @ self.axes.T, axis=-1) + self.depth * ripple


def coverage(
    shape: Solid,
    grid: Grid,
    centre_mm: Point,
    scale: float,
    psf_mm: float,
    came: Callable[[Array], Array] | None = None,
) -> Array:
    """Share (0 to 1) of each voxel that the lesion fills, after the blur of the scanner.

    Where the patient has moved, *came* tells from which points (N, 3) those (N, 3) of the grid came; the
    centre is where the lesion was.
    """
    reach = shape.reach_mm * scale * (1.0 if came is None else STRETCH) + 4.0
    middle = np.asarray(centre_mm) if came is None else Inverse(came)([centre_mm])[0]
    low, high = (grid.to_index(middle + step) for step in (-reach, reach))
    box = Box(as_shape(np.floor(low)), as_shape(np.ceil(high) + 1)).clipped(grid.shape)
    near = grid.crop(box)
    points = near.to_mm(np.stack(np.indices(near.shape), axis=-1).reshape(-1, 3))
    filled = np.zeros(len(points), dtype=np.float32)
    for corner in np.ndindex(2, 2, 2):
        sample = points + (np.asarray(corner) - 0.5) / 2 * grid.spacing_mm
        offset = ((sample if came is None else came(sample)) - np.asarray(centre_mm)) / scale
        filled += shape.level(offset.astype(np.float32)) > 0
    share = np.zeros(grid.shape, dtype=np.float32)
    sigma = psf_mm / np.asarray(grid.spacing_mm)
    share[box.slices] = ndimage.gaussian_filter(filled.reshape(near.shape) / 8, sigma)
    return share


def painted(rng: np.random.Generator, image: Array, share: Array, hu: float, texture: float) -> Array:
    """An image with a lesion of this HU and grain in it, and with the noise of what was there.

    Parameters
    ----------
    image, share : (Z, Y, X)
        HU, and the share of each voxel that the lesion fills.
    """
    grain = ndimage.gaussian_filter(rng.normal(size=share.shape), 1.0) * texture * 4
    noise = np.clip(image - ndimage.gaussian_filter(image, 1.0), -40, 40)
    return np.asarray(image * (1 - share) + share * (hu + grain + noise))


@dataclass(frozen=True)
class Background:
    """A CT without lesions of its own at the places that may be used."""

    name: str
    image: Array
    grid: Grid
    usable: Mask

    def places(self, host: tuple[float, float]) -> Array:
        """Voxel indices (N, 3) whose surroundings have a mean HU within limits."""
        smooth = ndimage.gaussian_filter(
            self.image.astype(np.float32), 3.0 / np.asarray(self.grid.spacing_mm)
        )
        return np.argwhere(self.usable & (smooth > host[0]) & (smooth < host[1]))

    def on(self, rng: np.random.Generator, centre_mm: Point) -> Scan:
        """110 mm around a point on a random other grid, with more noise."""
        in_plane, slices = rng.uniform(0.75, 1.6), float(rng.choice([1.0, 1.5, 2.0, 3.0, 5.0]))
        spacing = np.array([slices, in_plane, in_plane])
        shape = as_shape(np.ceil(110 / spacing))
        origin = np.asarray(centre_mm) - (np.asarray(shape) - 1) / 2 * spacing + rng.uniform(-0.5, 0.5, 3)
        grid = Grid(shape, as_point(spacing), as_point(origin))
        blur = 0.4 * np.sqrt(np.maximum(spacing**2 - np.square(self.grid.spacing_mm), 0))
        low, high = self.grid.to_index(grid.bounds_mm())
        box = Box(as_shape(np.floor(low) - 3), as_shape(np.ceil(high) + 4)).clipped(self.grid.shape)
        crop = ndimage.gaussian_filter(
            self.image[box.slices].astype(np.float32), blur / np.asarray(self.grid.spacing_mm)
        )
        image = resample(crop, self.grid.crop(box), grid, fill=AIR_HU)
        noise = ndimage.gaussian_filter(rng.normal(size=shape), 0.6)
        return Scan(self.name, image + noise / noise.std() * rng.uniform(5, 25), grid)


def load(path: Path) -> tuple[Array, Grid]:
    """Image in HU and grid of a NIfTI file or a DICOM folder."""
    import SimpleITK as sitk

    if path.is_dir():
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(path)))
        volume = reader.Execute()
    else:
        volume = sitk.ReadImage(str(path))
    volume = sitk.DICOMOrient(volume, "LPS")
    image = sitk.GetArrayFromImage(volume)
    return image, Grid(as_shape(image.shape), volume.GetSpacing()[::-1], volume.GetOrigin()[::-1])


def background(path: Path) -> Background:
    """A CT; places near lesions that a file ``gt_<name>`` beside it shows are not used."""
    image, grid = load(path)
    usable = inside_body(image)
    truth = path.with_name(f"gt_{path.name}")
    if truth.exists():
        known = load(truth)[0] > 0
        usable &= ndimage.distance_transform_edt(~known, sampling=grid.spacing_mm) > 45
    return Background(path.name, image, grid, usable)


@dataclass(frozen=True, eq=False)
class Case:
    """One scan to outline a lesion on; ``truth`` is empty where it is gone."""

    kind: str
    stage: str
    scan: Scan
    truth: Mask
    click: Point


def cases(
    backgrounds: list[Background], count: int, seed: int, growths: Sequence[float] = GROWTH
) -> Iterator[tuple[Case, Case]]:
    """Pairs of a source scan and a later one, on which the lesion has one of these multiples of its volume.

    Equal seeds give equal sources, whatever the growths.
    """
    places = {kind: [back.places(host) for back in backgrounds] for kind, (host, _, _) in KINDS.items()}
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        kind = list(KINDS)[number % len(KINDS)]
        counts = np.array([len(p) for p in places[kind]])
        chosen = int(
            rng.choice(len(backgrounds), p=np.minimum(counts, 5000) / np.minimum(counts, 5000).sum())
        )
        centre = as_point(backgrounds[chosen].grid.to_mm(places[kind][chosen][rng.integers(counts[chosen])]))
        yield _pair(rng, backgrounds[chosen], kind, centre, growths)


def _pair(
    rng: np.random.Generator, back: Background, kind: str, centre: Point, growths: Sequence[float]
) -> tuple[Case, Case]:
    """The same lesion at two dates, on two grids."""
    _, lesion, relative = KINDS[kind]
    shape = Shape.random(rng, float(np.exp(rng.uniform(np.log(3.0), np.log(20.0)))))
    shift = rng.uniform(*lesion)
    growth = growths[int(rng.random() * len(growths))]
    psf, texture = rng.uniform(0.6, 1.1), rng.uniform(2, 10)
    made = []
    for stage, factor in (("source", 1.0), ("later", growth)):
        scan = back.on(rng, centre)
        share = coverage(shape, scan.grid, centre, max(factor, 0.05) ** (1 / 3), psf) * (factor > 0)
        near = coverage(shape, scan.grid, centre, 1.3, 0.1) > 0.5
        base = float(np.median(scan.image[near])) if relative and near.any() else 0.0
        image = painted(rng, scan.image, share, base + shift, texture)
        truth = share >= 0.5
        made.append(Case(kind, stage, Scan(back.name, image.astype(np.float32), scan.grid), truth, centre))
    source, later = made
    return clicked(rng, source, off_centre=True), clicked(rng, later, off_centre=False)


def clicked(rng: np.random.Generator, case: Case, off_centre: bool) -> Case:
    """A reader clicks anywhere in the inner half; a mapped point lies 1 to 2 mm off the centre."""
    if off_centre and case.truth.any():
        depth = ndimage.distance_transform_edt(np.pad(case.truth, 1), sampling=case.scan.grid.spacing_mm)
        inner = np.argwhere(depth[1:-1, 1:-1, 1:-1] >= 0.5 * depth.max())
        click = as_point(case.scan.grid.to_mm(rng.choice(inner)))
    else:
        step = rng.normal(size=3)
        centre = centre_of_mass(case.truth, case.scan.grid) or case.click
        click = as_point(np.asarray(centre) + step / np.linalg.norm(step) * rng.uniform(*ERROR_MM))
    return Case(case.kind, case.stage, case.scan, case.truth, click)
