"""Real scans and synthetic patients as surroundings for random lesions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.scan import AIR_HU
from napari_longiseg.io.images import read_image, read_labels
from napari_longiseg.models.architecture import Triple
from napari_longiseg.training.randomised.dice import Dice
from napari_longiseg.training.randomised.fields import blurred
from napari_longiseg.training.randomised.tissue import Anatomy

HOST_HU: dict[str, tuple[float, float]] = {
    "lung": (-1000, -700),
    "soft": (5, 180),
    "fat": (-130, -60),
    "bone": (180, 900),
}
"""Mean HU over 3 mm of places that a lesion of each host may be put at."""
TISSUE_HU: dict[str, tuple[float, float]] = {
    "lung": (-1000, -550),
    "soft": (-25, 230),
    "fat": (-160, -25),
    "bone": (120, 2000),
}
"""HU of what belongs to the host around such a place."""
BLURS_MM = (0.0, 2.2, 3.2)
"""Voxels that each volume is prepared for, besides its own; coarser ones need a blur first."""
PLACES = 20000
TURN_DEGREES = 15.0


@dataclass(frozen=True, eq=False)
class Background:
    """A scan, prepared.

    Attributes
    ----------
    volumes : tuple of (1, 1, Z, Y, X)
        HU above air, for finer and coarser VOIs.
    spacing_mm : (3,)
        Order (z, y, x).
    places : dict of (N, 4)
        For each host, voxel indices and how far, in mm, the nearest lesion of the scan itself lies.
    """

    volumes: tuple[Tensor, ...]
    spacing_mm: Tensor
    places: dict[str, Tensor]

    @classmethod
    def of(cls, image: npt.NDArray[np.float32], grid: Grid, avoid: npt.NDArray[np.bool_]) -> Background:
        """Prepare a scan; *avoid* marks (Z, Y, X) the lesions that must not be seen."""
        spacing = torch.tensor(grid.spacing_mm, dtype=torch.float32)
        hu = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)) - AIR_HU
        volumes = []
        for target in BLURS_MM:
            sigma = 0.4 * (target**2 - spacing**2).clamp_min(0).sqrt() / spacing
            volumes.append(blurred(hu, (float(sigma[0]), float(sigma[1]), float(sigma[2])))[None, None])
        mean = ndimage.gaussian_filter(image, 3.0 / np.asarray(grid.spacing_mm))
        far = np.full(image.shape, np.inf, dtype=np.float32)
        if avoid.any():
            far = ndimage.distance_transform_edt(~avoid, sampling=grid.spacing_mm).astype(np.float32)
        rng = np.random.default_rng(0)
        places = {}
        for host, (low, high) in HOST_HU.items():
            inside = ndimage.binary_erosion((mean > low) & (mean < high) & inside_body(image), iterations=1)
            found = np.argwhere(inside)
            found = found[rng.permutation(len(found))[:PLACES]]
            places[host] = torch.from_numpy(np.column_stack([found, far[tuple(found.T)]]).astype(np.float32))
        return cls(tuple(volumes), spacing, places)

    def around(self, dice: Dice, size: Triple, spacing_mm: float, host: str) -> Anatomy | None:
        """Tissue around a random place of this host, turned, mirrored; None where there is no such place."""
        reach = 0.5 * spacing_mm * math.hypot(*size)
        places = self.places[host]
        places = places[places[:, 3] > reach]
        if not len(places):
            return None
        place = places[dice.integer(0, len(places) - 1), :3]
        matrix = _turn(dice) * spacing_mm / self.spacing_mm[:, None]
        axes = [torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in size]
        offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
        index = place + offsets @ matrix.T
        fits = [
            volume for volume, edge in zip(self.volumes, BLURS_MM, strict=True) if edge <= 1.15 * spacing_mm
        ]
        volume = fits[-1]
        shape = torch.tensor(volume.shape[2:], dtype=torch.float32)
        where = (2 * index + 1) / shape - 1
        hu = functional.grid_sample(volume, where.flip(-1)[None], align_corners=False)[0, 0] + AIR_HU
        low, high = TISSUE_HU[host]
        smooth = blurred(hu, (0.8, 0.8, 0.8))
        inside = ((smooth > low) & (smooth < high)).float()
        enhanced = 1 + 0.12 * dice.normal() * dice.chance(0.5)
        later = torch.where((hu > 20) & (hu < 300), 20 + (hu - 20) * enhanced, hu)
        return Anatomy(hu.to(dice.device), later.to(dice.device), inside.to(dice.device))


@lru_cache(maxsize=1)
def load_backgrounds(paths: tuple[Path, ...], patients: int, seed: int) -> tuple[Background, ...]:
    """Prepare scans and synthetic patients; they are kept for the next epoch.

    Raises
    ------
    InputError
        When a file cannot be read.
    """
    made = []
    for path in paths:
        image, grid = read_image(path)
        truth = path.with_name(f"gt_{path.name}")
        avoid = read_labels(truth)[0] > 0 if truth.exists() else np.zeros(image.shape, dtype=bool)
        made.append(Background.of(image.astype(np.float32), grid, avoid))
    return (*made, *(_patient(seed + number) for number in range(patients)))


def _patient(seed: int) -> Background:
    from napari_longiseg.training.synth import make_study
    from napari_longiseg.training.synthetic.options import SynthOptions

    options = SynthOptions(seed=seed, dates=1, shape=(170, 200, 200), spacing_mm=(2.0, 1.7, 1.7), lesions=())
    (scan,) = make_study(options).study.scans
    return Background.of(scan.image.astype(np.float32), scan.grid, np.zeros(scan.grid.shape, dtype=bool))


def inside_body(image: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Voxels (Z, Y, X) within the patient, away from the skin; lungs and bowel belong to it."""
    body = ndimage.binary_opening(image > -300, iterations=2)
    labels, count = ndimage.label(body)
    if count:
        body = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    filled = np.stack([ndimage.binary_fill_holes(part) for part in body])
    return np.asarray(ndimage.binary_erosion(filled, iterations=3))


def _turn(dice: Dice) -> Tensor:
    """A small rotation with a random mirroring along each axis, (3, 3)."""
    angles = [math.radians(dice.uniform(-TURN_DEGREES, TURN_DEGREES)) for _ in range(3)]
    turn = torch.eye(3)
    for axis, angle in enumerate(angles):
        one, two = (axis + 1) % 3, (axis + 2) % 3
        part = torch.eye(3)
        part[one, one] = part[two, two] = math.cos(angle)
        part[one, two], part[two, one] = -math.sin(angle), math.sin(angle)
        turn = turn @ part
    return turn * torch.tensor([-1.0 if dice.chance(0.5) else 1.0 for _ in range(3)])
