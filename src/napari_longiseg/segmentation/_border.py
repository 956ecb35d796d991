"""From a candidate to soft borders at half contrast."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_longiseg.segmentation._candidates import Candidate
from napari_longiseg.segmentation._patch import Float32, Mask, Patch

HOST_MM = 4.0
"""Thickness of the shell that the host's HU is taken from."""
HOST_SIGMA_MM = 3.0
REACH_VOXELS = 2.0
"""The border moves no farther out than this."""
ATTACHED = 0.5
"""Where less than this share of the surroundings differs, the lesion is attached: no move outwards."""
ROUNDS = 2


def share_of_lesion(patch: Patch, candidate: Candidate, noise_hu: float, refused: Mask) -> Float32:
    """Share (0 to 1) of each voxel that the lesion fills.

    A scanner blurs a sharp border evenly to both sides, so that the border lies where the HU is halfway
    between the lesion and its host. The host's HU is a local mean outside the lesion: one side may be lung
    and the other chest wall.

    Parameters
    ----------
    refused : (Z, Y, X) bool
        Where the lesion must not be.
    """
    blur = float(np.clip(2.0 * noise_hu / candidate.contrast_hu, 0.0, 1.0))
    image = patch.smooth(blur * patch.voxel_mm) if blur > 0.3 else patch.image
    mask = candidate.mask
    share = mask.astype(np.float32)
    for _ in range(ROUNDS):
        share = _share(patch, image, mask, candidate.contrast_hu)
        share[refused] = 0.0
        labels, _ = ndimage.label(share >= 0.5)
        kept = np.unique(labels[mask])
        kept = kept[kept > 0]
        if not len(kept):
            break
        mask = ndimage.binary_fill_holes(np.isin(labels, kept)) & ~refused
    soft = np.where(mask, np.maximum(share, 0.5), np.minimum(share, 0.49))
    return np.asarray(np.clip(soft, 0.0, 1.0), dtype=np.float32)


def _share(patch: Patch, image: Float32, mask: Mask, contrast_hu: float) -> Float32:
    voxel = patch.voxel_mm
    depth = np.asarray(ndimage.distance_transform_edt(mask)) * voxel
    outside = np.asarray(ndimage.distance_transform_edt(~mask)) * voxel
    lesion = float(np.median(image[depth >= 0.5 * depth.max()]))
    shell = (outside > 1.5 * voxel) & (outside < 1.5 * voxel + HOST_MM) & patch.seen
    sigma = HOST_SIGMA_MM / voxel
    around = ndimage.gaussian_filter(shell.astype(np.float32), sigma)
    weight = (shell & (np.abs(image - lesion) > 0.5 * contrast_hu)).astype(np.float32)
    total = ndimage.gaussian_filter(weight, sigma)
    host = ndimage.gaussian_filter(image * weight, sigma) / np.maximum(total, 1e-6)
    difference = lesion - host
    difference = np.where(np.abs(difference) < 1.0, 1.0, difference)
    share = np.where(total > 1e-5, (image - host) / difference, mask)
    share = np.clip(share, 0.0, 1.0)
    share[depth > 2.5 * voxel] = np.maximum(share[depth > 2.5 * voxel], 0.8)
    attached = total < ATTACHED * around
    share[(outside > REACH_VOXELS * voxel) | (attached & ~mask)] = 0.0
    return np.asarray(share, dtype=np.float32)
