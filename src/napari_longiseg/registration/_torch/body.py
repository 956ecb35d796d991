"""The patient without table and air, so that these do not pull."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

from napari_longiseg.registration._torch.volume import Volume

AIR = 0.05
"""Intensity (-930 HU) below which nothing is worth comparing: air around the body; lung is denser."""
TABLE_MM = 12.0
"""What is thinner than this and only touches the body is no part of it."""
SMALLEST = 0.02
"""Share of the largest part that another part, such as an arm, must have."""


def body_of(volume: Volume) -> Volume:
    """1 in the body and next to it, else 0.

    Table and blankets hang on the body by thin bridges: an opening cuts them, the large parts that are
    left grow back to what they were, and their holes in axial slices are filled.
    """
    dense = volume.data.cpu().numpy() > AIR
    found = _large_parts(dense, max(round(TABLE_MM / 2 / float(volume.spacing[0])), 1))
    grown = ndimage.binary_dilation(found).astype(np.float32)
    return Volume(torch.from_numpy(grown).to(volume.data.device), volume.spacing, volume.origin)


def without_table(volume: Volume, body: Volume) -> Volume:
    """The same volume with air outside the body."""
    return Volume(volume.data * body.data, volume.spacing, volume.origin)


def _large_parts(dense: npt.NDArray[np.bool_], radius: int) -> npt.NDArray[np.bool_]:
    edge = np.pad(dense, radius, mode="edge")  # the body goes on beyond the field of view
    core = ndimage.binary_erosion(edge, iterations=radius)[(slice(radius, -radius),) * 3]
    labels, count = ndimage.label(core)
    if not count:
        return dense
    sizes = np.bincount(labels.ravel())[1:]
    keep = np.flatnonzero(sizes >= SMALLEST * sizes.max()) + 1
    grown = ndimage.binary_dilation(np.isin(labels, keep), iterations=radius + 1, mask=dense)
    return np.stack([ndimage.binary_fill_holes(plane) for plane in grown])
