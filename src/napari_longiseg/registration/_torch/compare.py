"""How well two scans agree after any transform."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from napari_longiseg.core.geometry import Array
from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._torch.body import AIR
from napari_longiseg.registration._torch.lattice import image, inside
from napari_longiseg.registration._torch.lncc import LocalCorrelation
from napari_longiseg.registration._torch.volume import Volume, load, separable
from napari_longiseg.registration.agreement import Agreement
from napari_longiseg.registration.transforms import Transform

COMPARE_MM = 4.0
FINE_RADIUS = 1
"""Of the correlation's boxes, in voxels: small ones, since fine structures are those of one patient alone."""
THINNED = 2
"""The transform is evaluated at every other voxel along each axis; it is smooth in between."""


def compare_scans(
    source: Scan, target: Scan, transform: Transform, device: torch.device, progress: Progress
) -> Agreement:
    """Local correlation of the target with the source, on the source scan."""
    stage = f"Comparing {source.id} with {target.id}"
    first, second = scaled(progress, 0.0, 0.5), scaled(progress, 0.5, 1.0)
    fixed = load(source, COMPARE_MM, device, lambda fraction: first(stage, fraction))
    moving = load(target, COMPARE_MM, device, lambda fraction: second(stage, fraction))
    return compare(fixed, moving, transform)


def compare(fixed: Volume, moving: Volume, transform: Transform) -> Agreement:
    """Local correlation of two volumes of one spacing, on the first."""
    places = places_of(fixed, moving, transform)
    weight = inside(places, moving) * (fixed.data > AIR)
    measure = LocalCorrelation(fixed.shape, FINE_RADIUS, fixed.data.device)
    measure.weigh(weight)
    correlation = measure.correlation(fixed.data, image(moving, places))
    known = correlation.where(weight > 0, torch.nan)
    return Agreement(known.cpu().numpy(), fixed.origin, fixed.spacing)


def places_of(fixed: Volume, moving: Volume, transform: Transform) -> Tensor:
    """(3, Z, Y, X) continuous indices of the moving volume where the fixed voxels go."""
    axes = fixed.axes_mm()
    thin = [np.linspace(a[0], a[-1], max(len(a) // THINNED, 2)) for a in axes]
    points = np.stack(np.meshgrid(*thin, indexing="ij"), axis=-1)
    goes = (transform(points.reshape(-1, 3)) - moving.origin) / moving.spacing
    coarse = goes.T.reshape(3, *points.shape[:3])
    between = [_linear(a, t) for a, t in zip(axes, thin, strict=True)]
    device = fixed.data.device
    matrices = [torch.as_tensor(m, dtype=torch.float32, device=device) for m in between]
    return separable(torch.as_tensor(coarse, dtype=torch.float32, device=device), matrices)


def _linear(axis: Array, nodes: Array) -> Array:
    """Weights (n, nodes) of linear interpolation between equally spaced nodes."""
    step = nodes[1] - nodes[0]
    return np.asarray(np.clip(1.0 - np.abs(axis[:, None] - nodes) / step, 0.0, None))
