"""The whole way from two scans to a transform: coarse to fine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from napari_longiseg.core.errors import RegistrationError
from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._torch.affine import fit_affine, half_of
from napari_longiseg.registration._torch.body import body_of, without_table
from napari_longiseg.registration._torch.flow import Recipe, Velocity, fit_flow
from napari_longiseg.registration._torch.lattice import image
from napari_longiseg.registration._torch.pair import Pair
from napari_longiseg.registration._torch.search import SEARCH_MM, shifts
from napari_longiseg.registration._torch.volume import load
from napari_longiseg.registration.transforms import Affine, Displacement

COARSE_MM, FINE_MM = 8.0, 4.0
LEVELS = ((COARSE_MM, 0.0, 0.15), (FINE_MM, 0.15, 1.0))
"""Spacings at which the velocity is fitted, and the share of the progress that each takes."""
MAX_SCALE = 1.25
"""How much larger one patient may be on another day. Measured: up to 1.10 on true pairs, breathing and half
of the scan cropped away included; 1.3 to 1.7 on most pairs of other patients or parts."""
MIN_EXTENT_MM = 36.0
"""Three cells of the search."""


def load_pair(
    source: Scan, target: Scan, spacing_mm: float, device: torch.device, progress: Progress
) -> Pair:
    """Both scans, averaged over cells, without their tables.

    Raises
    ------
    RegistrationError
        When a scan is too small.
    """
    volumes, bodies = [], []
    for number, scan in enumerate((source, target)):
        if min(scan.grid.size_mm) < MIN_EXTENT_MM:
            msg = f"Scan {scan.id} is too small to align: it needs {MIN_EXTENT_MM:.0f} mm along every axis."
            raise RegistrationError(msg)
        part = scaled(progress, number / 2, (number + 1) / 2)
        volume = load(scan, spacing_mm, device, _ticks(part, f"Reading {scan.id}"))
        bodies.append(body_of(volume))
        volumes.append(without_table(volume, bodies[-1]))
    return Pair(volumes[0], volumes[1], bodies[0], bodies[1], f"{source.id} and {target.id}")


def align_affine(pair: Pair, progress: Progress, stage: str, *, rigid: bool = False) -> Affine:
    """The best of the coarse shifts, made affine or rigid.

    Raises
    ------
    RegistrationError
        When nothing of the two scans can be laid over each other, or only by stretching one too far.
    """
    coarse = pair.reduced(SEARCH_MM)
    found = shifts(coarse.source, coarse.target)
    if not found:
        msg = f"{pair.scans} have no common part that could be aligned."
        raise RegistrationError(msg)
    tried = [
        fit_affine(coarse, shift, 12, 4.0, _ticks(progress, stage, n / 10, (n + 1) / 10), rigid=rigid)
        for n, shift in enumerate(found)
    ]
    best, _ = max(tried, key=lambda t: t[1])
    for level, start, stop in ((coarse, 0.3, 0.4), (pair.reduced(COARSE_MM), 0.4, 1.0)):
        tick = _ticks(progress, stage, start, stop)
        best, _ = fit_affine(level, best, 25, 2.0, tick, rigid=rigid)
    scales = np.linalg.svd(best.matrix, compute_uv=False)
    if scales.max() > MAX_SCALE or scales.min() < 1 / MAX_SCALE:
        msg = (
            f"{pair.scans} do not show the same part of one patient: one would have to be stretched by "
            f"{100 * (max(scales.max(), 1 / scales.min()) - 1):.0f} %."
        )
        raise RegistrationError(msg)
    return best


def align_flow(pair: Pair, affine: Affine, iterations: int, progress: Progress, stage: str) -> Displacement:
    """Half the flow that is left after an affine transform."""
    half = half_of(affine)
    fitted = None
    for spacing_mm, start, stop in LEVELS:
        scene = WholeScene(pair.reduced(spacing_mm), half)
        velocity = Velocity(scene.lattice, fitted, extends=True)
        fit_flow(scene, velocity, Recipe(iterations), _ticks(progress, stage, start, stop))
        fitted = velocity.fitted()
    return velocity.displacement()


class WholeScene:
    """Both scans on the lattice half way along an affine transform.

    Parameters
    ----------
    pair : Pair
        The scans.
    half : Affine
        From source points half way to the target.
    """

    def __init__(self, pair: Pair, half: Affine) -> None:
        self._pair = pair
        self.lattice = pair.lattice(half)
        self._at_source = self.lattice.places(half.inverse, pair.source)
        self._at_target = self.lattice.places(half, pair.target)
        self._to_source = self.lattice.tensor(half.inverse.matrix / pair.source.spacing[:, None])
        self._to_target = self.lattice.tensor(half.matrix / pair.target.spacing[:, None])

    def look(self, forth: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
        """Source and target intensities (Z, Y, X), nodes displaced (3, Z, Y, X; mm) to either side."""
        at_source, at_target = self._places(forth, back)
        return image(self._pair.source, at_source), image(self._pair.target, at_target)

    def weight(self, forth: Tensor, back: Tensor) -> Tensor:
        """(Z, Y, X): 1 in the body, 0 where one of the scans does not reach."""
        return self._pair.weight(*self._places(forth, back))

    def _places(self, forth: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
        at_source = self._at_source + torch.tensordot(self._to_source, back, dims=1)
        return at_source, self._at_target + torch.tensordot(self._to_target, forth, dims=1)


def _ticks(progress: Progress, stage: str, start: float = 0.0, stop: float = 1.0) -> Callable[[float], None]:
    """Report the fraction 0 to 1 of a step as *start* to *stop* of the whole."""
    part = scaled(progress, start, stop)
    return lambda fraction: part(stage, fraction)
