"""The whole way from two scans to a transform: coarse to fine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from napari_longiseg.core.errors import RegistrationError
from napari_longiseg.core.geometry import Array
from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._spline import empty_field
from napari_longiseg.registration._torch.affine import fit_affine
from napari_longiseg.registration._torch.dense import Recipe, agreement, fit_field
from napari_longiseg.registration._torch.search import shifts
from napari_longiseg.registration._torch.volume import Volume, load
from napari_longiseg.registration._torch.warp import Warp
from napari_longiseg.registration._transform import Transform
from napari_longiseg.registration.agreement import Agreement

SEARCH_MM, COARSE_MM, FINE_MM = 12.0, 8.0, 4.0
LEVELS = ((COARSE_MM, 0.35, 0.45), (FINE_MM, 0.45, 1.0))
"""Voxel sizes at which displacements are fitted, and the share of the progress that each takes."""
RADIUS = 2
"""Of the correlation's boxes, in voxels of each level."""
CONTROLS = 4.0
"""Spacing of the control points, in voxels of each level."""
AIR = 0.05
"""Intensity (-930 HU) below which nothing is worth comparing: air around the body, but not lung."""
MIN_CORRELATION = 0.65
"""Mean local correlation at 4 mm of scans of one patient. Measured: 0.77 to 0.90 on true pairs, half of the
scan cropped away included; 0.45 to 0.59 on pairs of different patients. Nearer to the latter, since true
pairs may also differ in contrast phase and kernel."""
MIN_EXTENT_MM = 36.0
"""Three cells of the search."""


@dataclass(frozen=True)
class Alignment:
    """What aligning two scans gives.

    Attributes
    ----------
    transform : Transform
        From source to target points.
    agreement : Agreement
        How well the scans agree after it, on the source scan.
    """

    transform: Transform
    agreement: Agreement


def align_scans(
    source: Scan, target: Scan, device: torch.device, iterations: int, progress: Progress
) -> Alignment:
    """Align two scans.

    Raises
    ------
    RegistrationError
        When a scan is too small, or they do not show the same part of one patient.
    """
    for scan in (source, target):
        if min(scan.grid.size_mm) < MIN_EXTENT_MM:
            msg = f"Scan {scan.id} is too small to align: it needs {MIN_EXTENT_MM:.0f} mm along every axis."
            raise RegistrationError(msg)
    stage = f"Aligning {source.id} to {target.id}"
    fixed = load(source, FINE_MM, device, _part(progress, stage, 0.0, 0.1))
    moving = load(target, FINE_MM, device, _part(progress, stage, 0.1, 0.2))
    transform = _affine(fixed, moving, scaled(progress, 0.2, 0.35), stage)
    for spacing_mm, start, stop in LEVELS:
        warp = Warp(fixed.reduced(spacing_mm), moving.reduced(spacing_mm))
        low, high = bounds(warp.fixed)
        empty = empty_field(low, high, CONTROLS * spacing_mm, extends=True)
        tick = _part(progress, stage, start, stop)
        recipe = Recipe(iterations, RADIUS)
        transform = transform.plus(fit_field(warp, transform, empty, body(warp.fixed), recipe, tick))
    found = agreement(Warp(fixed, moving), transform, body(fixed), RADIUS)
    if not found.mean >= MIN_CORRELATION:
        msg = f"{source.id} and {target.id} do not show the same part of one patient, or too little of it."
        raise RegistrationError(msg)
    progress(stage, 1.0)
    return Alignment(transform, found)


def body(volume: Volume) -> Tensor:
    """(Z, Y, X): 1 at all that is not air, and next to it."""
    dense = volume.data.cpu().numpy() > AIR
    grown = ndimage.binary_dilation(dense).astype(np.float32)
    return torch.from_numpy(grown).to(volume.data.device)


def bounds(volume: Volume) -> tuple[Array, Array]:
    """Lowest and highest coordinates (mm) of a volume, voxels taken as boxes."""
    half = volume.spacing / 2
    return volume.origin - half, volume.origin + np.asarray(volume.shape) * volume.spacing - half


def _affine(fixed: Volume, moving: Volume, progress: Progress, stage: str) -> Transform:
    """The best of the coarse shifts, made affine."""
    fixed12, moving12 = fixed.reduced(SEARCH_MM), moving.reduced(SEARCH_MM)
    found = shifts(fixed12, moving12)
    if not found:
        msg = "The scans have no common part that could be aligned."
        raise RegistrationError(msg)
    warp = Warp(fixed12, moving12)
    weight = body(fixed12)
    tried = [
        fit_affine(warp, shift, weight, RADIUS, 25, 4.0, _part(progress, stage, n / 6, (n + 1) / 6))
        for n, shift in enumerate(found)
    ]
    best, _ = max(tried, key=lambda t: t[1])
    warp = Warp(fixed.reduced(COARSE_MM), moving.reduced(COARSE_MM))
    return fit_affine(warp, best, body(warp.fixed), RADIUS, 40, 2.0, _part(progress, stage, 0.5, 1.0))[0]


def _part(progress: Progress, stage: str, start: float, stop: float) -> Callable[[float], None]:
    """Report the fraction 0 to 1 of a step as *start* to *stop* of the whole."""
    part = scaled(progress, start, stop)
    return lambda fraction: part(stage, fraction)
