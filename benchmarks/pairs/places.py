"""Where in the body points are compared."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.components import deepest_point
from napari_longiseg.core.geometry import Array, Box
from napari_longiseg.core.scan import Scan

BODY_HU = -400
LATTICE_MM = 4.0
COUNT = 1500


def body(scan: Scan) -> tuple[npt.NDArray[np.bool_], tuple[int, int, int]]:
    """The patient, lungs included, on every few voxels: mask and steps along the axes."""
    z, y, x = (max(1, round(LATTICE_MM / s)) for s in scan.grid.spacing_mm)
    dense = ndimage.binary_opening(scan.image[::z, ::y, ::x] > BODY_HU, np.ones((1, 3, 3)))
    labels, _ = ndimage.label(dense)
    largest = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    return np.stack([ndimage.binary_fill_holes(plane) for plane in largest]), (z, y, x)


def random_points(scan: Scan, count: int = COUNT, seed: int = 0) -> Array:
    """Points (N, 3) in the body, LPS mm (z, y, x), off the voxels' centres."""
    mask, steps = body(scan)
    rng = np.random.default_rng(seed)
    voxels = np.argwhere(mask)
    picked = rng.choice(voxels, min(count, len(voxels)), replace=False)
    index = (picked + rng.uniform(-0.5, 0.5, picked.shape)) * steps
    return scan.grid.to_mm(np.clip(index, 0, np.asarray(scan.grid.shape) - 1))


def centre(labels: Scan, label: int) -> Array:
    """Centre of mass (3,) of a lesion."""
    return labels.grid.to_mm(np.argwhere(labels.image == label)).mean(axis=0)


def deepest(labels: Scan, label: int) -> Array:
    """Deepest voxel (3,) of a lesion."""
    mask = labels.image == label
    box = Box.of_mask(mask)
    return np.asarray(deepest_point(mask[box.slices], labels.grid.crop(box)))
