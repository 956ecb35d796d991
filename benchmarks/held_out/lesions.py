"""Which lesions a made study has: where, how large, of what, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inserted import GROWTH, KINDS, Background, Shape, Solid, coverage
from napari_longiseg.core.distance import distance_outside
from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Box, Point, as_point, as_shape, distance_mm
from napari_longiseg.segmentation._seed import noise_hu

Array = npt.NDArray[Any]

HOSTS = ("lung solid", "soft hypodense", "lung solid", "soft hyperdense")
"""Of :data:`inserted.KINDS`, in turn."""
DIAMETER_MM = (6.0, 40.0)
SLICES = 2.0
"""A lesion is no smaller than so many slices, as RECIST wants a lesion that is measured."""
CONTRAST_TO_NOISE = (2.5, 4.5)
"""A soft-tissue lesion has at least this contrast, in standard deviations of the scan's noise."""
GONE = 0.12
"""Chance that a lesion vanishes between two dates; it stays away then."""
APART_MM = 15.0
EDGE_MM = (32.0, 20.0, 20.0)
"""A lesion keeps this far from the edges of the scan, which may move out of view."""
HOST_SHARE, AROUND_MM = 0.9, 6.0
"""Of the place that a lesion takes, so much is of its host. In soft tissue that place and so much around it
are more even than the lesion's contrast, as a reader could hardly tell it from the rest otherwise.
"""
TRIES = 2000


@dataclass(frozen=True)
class Lobed:
    """One to three :class:`~inserted.Shape` grown together.

    Attributes
    ----------
    lobes : tuple of Shape
        The parts.
    offsets_mm : (N, 3) float32
        Their centres.
    """

    lobes: tuple[Shape, ...]
    offsets_mm: Array

    @property
    def reach_mm(self) -> float:
        """No point of it lies farther from its centre."""
        far = np.linalg.norm(self.offsets_mm, axis=1)
        return max(float(d) + lobe.reach_mm for d, lobe in zip(far, self.lobes, strict=True))

    @classmethod
    def random(cls, rng: np.random.Generator, radius_mm: float) -> Lobed:
        """A shape of about this radius."""
        count = int(rng.integers(1, 4))
        shares = [1.0 if count == 1 else 0.85, *rng.uniform(0.45, 0.7, count - 1)]
        steps = rng.normal(size=(count, 3))
        steps *= np.array([0.0, *rng.uniform(0.6, 0.9, count - 1)])[:, None] * radius_mm
        steps /= np.linalg.norm(steps / radius_mm, axis=1, keepdims=True).clip(1.0)
        lobes = tuple(Shape.random(rng, radius_mm * share) for share in shares)
        return cls(lobes, steps.astype(np.float32))

    def level(self, offset_mm: Array) -> Array:
        """Positive inside; shape (...) for offsets (..., 3)."""
        parts = [lobe.level(offset_mm - o) for lobe, o in zip(self.lobes, self.offsets_mm, strict=True)]
        return np.asarray(np.max(parts, axis=0))


@dataclass(frozen=True)
class Planned:
    """One lesion of a study.

    Attributes
    ----------
    kind : str
        Lung or soft.
    centre_mm : Point
        On the first scan, LPS, order (z, y, x).
    shape : Solid
        What it fills there.
    hu : float
        Its HU; its contrast to the host where it is *relative*.
    psf_mm, texture_hu : float
        Blur of its border and grain of its inside.
    growth : tuple of float
        Volume at every date as a factor of the first; 0 where it has vanished.
    """

    kind: str
    centre_mm: Point
    shape: Solid
    hu: float
    relative: bool
    psf_mm: float
    texture_hu: float
    growth: tuple[float, ...]


def plan(
    rng: np.random.Generator, back: Background, count: int, dates: int, thickest_mm: float
) -> list[Planned]:
    """Random lesions at places that suit them.

    Parameters
    ----------
    thickest_mm : float
        Thickest slices of the study.

    Raises
    ------
    InputError
        When there is no place for so many.
    """
    sigma = 3.0 / np.asarray(back.grid.spacing_mm)
    smooth = ndimage.gaussian_filter(back.image.astype(np.float32), sigma, truncate=3.0)
    square = ndimage.gaussian_filter(smooth**2, sigma, truncate=3.0)
    spread = np.sqrt(np.maximum(square - ndimage.gaussian_filter(smooth, sigma, truncate=3.0) ** 2, 0.0))
    hosts = [HOSTS[i % len(HOSTS)] for i in range(count)]
    places = {host: back.places(KINDS[host][0]) for host in set(hosts)}
    for host, found in places.items():
        if KINDS[host][2]:  # elsewhere no try would succeed
            places[host] = found[spread[tuple(found.T)] < np.abs(KINDS[host][1]).max() / 2]
    made: list[Planned] = []
    for host in hosts:
        made.append(_placed(rng, back, smooth, host, places[host], made, dates, thickest_mm))
    return made


def _placed(
    rng: np.random.Generator,
    back: Background,
    smooth: Array,
    host: str,
    places: Array,
    others: Sequence[Planned],
    dates: int,
    thickest_mm: float,
) -> Planned:
    smallest = max(DIAMETER_MM[0], SLICES * thickest_mm)
    low, high = back.grid.bounds_mm()
    for _ in range(TRIES if len(places) else 0):
        diameter = float(np.exp(rng.uniform(np.log(smallest), np.log(DIAMETER_MM[1]))))
        shape = Lobed.random(rng, diameter / 2)
        centre = as_point(back.grid.to_mm(rng.choice(places)))
        room = np.asarray(EDGE_MM) + shape.reach_mm
        if not ((centre > low + room) & (centre < high - room)).all():
            continue
        if any(
            distance_mm(centre, o.centre_mm) < shape.reach_mm + o.shape.reach_mm + APART_MM for o in others
        ):
            continue
        hu = _hu(rng, back, centre, host)
        if _fits(back, smooth, shape, centre, host, hu):
            psf, texture = rng.uniform(0.6, 1.1), rng.uniform(2, 10)
            kind, is_relative = host.split()[0], KINDS[host][2]
            return Planned(kind, centre, shape, hu, is_relative, psf, texture, _growth(rng, dates))
    msg = f"{back.name} has no place for {len(others) + 1} lesions; ask for fewer, or take another scan."
    raise InputError(msg)


def _fits(back: Background, smooth: Array, shape: Solid, centre: Point, host: str, hu: float) -> bool:
    """Whether a place is usable all over, of one host, and even enough for a contrast of *hu*."""
    (low, high), _, is_relative = KINDS[host]
    filled = coverage(shape, back.grid, centre, 1.1, 0.1) >= 0.5
    if not filled.any() or not back.usable[filled].all():
        return False
    if ((smooth[filled] > low) & (smooth[filled] < high)).mean() < HOST_SHARE:
        return False
    if not is_relative:
        return True
    margin = np.ceil(AROUND_MM / np.asarray(back.grid.spacing_mm)).astype(int)
    near = Box.of_mask(filled).grown(as_shape(margin)).clipped(back.grid.shape).slices
    around = distance_outside(filled[near], AROUND_MM, back.grid.spacing_mm) < AROUND_MM
    return bool(np.subtract(*np.percentile(smooth[near][around], (90, 10))) < abs(hu))


def _hu(rng: np.random.Generator, back: Background, centre: Point, host: str) -> float:
    _, limits, is_relative = KINDS[host]
    hu = float(rng.uniform(*limits))
    if not is_relative:
        return hu
    least = rng.uniform(*CONTRAST_TO_NOISE) * noise_hu(back.image, back.grid, centre)
    return float(np.copysign(max(abs(hu), least), hu))


def _growth(rng: np.random.Generator, dates: int) -> tuple[float, ...]:
    growth = [1.0]
    for _ in range(dates - 1):
        is_gone = growth[-1] == 0 or rng.random() < GONE
        growth.append(0.0 if is_gone else float(rng.choice(GROWTH[1:])))
    return tuple(growth)
