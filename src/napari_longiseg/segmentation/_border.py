"""From a candidate to soft borders at half contrast."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_longiseg.core.distance import depth_inside, distance_outside
from napari_longiseg.core.geometry import Array
from napari_longiseg.segmentation._patch import Float32, Mask, Patch

HOST_MM = 4.0
"""Thickness of the shell that the host's HU is taken from."""
HOST_SIGMA_MM = (2.0, 3.0)
"""How locally it is taken: for a clear lesion, and for one as faint as the noise."""
REACH_STEPS = 2.0
"""The border moves no farther out than this."""
ATTACHED = 0.5
"""Where less than this share of the surroundings differs, the lesion is attached: no move outwards."""
THIN, FULLEST = 1.5, 90.0
"""Where a lesion is nowhere deeper than so many voxels, most of them are filled in part, and its own HU are
those of the fullest ones: this percentile, from the host's HU on.
"""
ROUNDS = 2
MARGIN_MM = HOST_MM + 2 * HOST_SIGMA_MM[1]
"""What has to be seen around a lesion."""


def share_of_lesion(
    patch: Patch, mask: Mask, step_mm: float, contrast_hu: float, noise_hu: float, refused: Mask
) -> Float32:
    """Share (0 to 1) of each voxel that the lesion fills.

    A scanner blurs a sharp border evenly to both sides, so that the border lies where the HU is halfway
    between the lesion and its host. The host's HU is a local mean outside the lesion: one side may be lung
    and the other chest wall.

    Parameters
    ----------
    patch : Patch
        Voxels of the scan itself: interpolation would blur the border, which makes small lesions smaller.
    mask : (Z, Y, X) bool
        The lesion, roughly.
    step_mm : float
        How roughly: the edge of the voxels that it was found on.
    contrast_hu : float
        Of the lesion to its surroundings, positive.
    refused : (Z, Y, X) bool
        Where the lesion must not be.
    """
    blur = float(np.clip(2.0 * noise_hu / contrast_hu, 0.0, 1.0))
    image = patch.smooth(blur * step_mm) if blur > 0.3 else patch.image
    sigma_mm = float(np.interp(blur, (0.0, 1.0), HOST_SIGMA_MM))
    steps = np.minimum(np.asarray(patch.grid.spacing_mm) / step_mm, 1.0)
    share = mask.astype(np.float32)
    for _ in range(ROUNDS):
        share = _share(patch, image, mask, steps, sigma_mm, contrast_hu)
        share[refused] = 0.0
        labels, _ = ndimage.label(share >= 0.5)
        kept = np.unique(labels[mask])
        kept = kept[kept > 0]
        if not len(kept):
            break
        mask = ndimage.binary_fill_holes(np.isin(labels, kept)) & ~refused
    soft = np.where(mask, np.maximum(share, 0.5), np.minimum(share, 0.49))
    return np.asarray(np.clip(soft, 0.0, 1.0), dtype=np.float32)


def _share(
    patch: Patch, image: Float32, mask: Mask, steps: Array, sigma_mm: float, contrast_hu: float
) -> Float32:
    """*steps* (3,) is the size of a voxel where a step of the border, at least a voxel, is 1."""
    step_mm = np.asarray(patch.grid.spacing_mm) / steps
    reach = float(1.5 + HOST_MM / step_mm.min())
    depth, outside = depth_inside(mask, steps, edged=False), distance_outside(mask, reach, steps)
    shell = (outside > 1.5) & (outside < reach) & patch.seen
    lesion = float(np.median(image[depth >= 0.5 * depth.max()]))
    if depth_inside(mask, patch.grid.spacing_mm).max() < THIN * max(patch.grid.spacing_mm) and shell.any():
        is_denser = lesion > np.median(image[shell])
        lesion = float(np.percentile(image[mask], FULLEST if is_denser else 100 - FULLEST))
    sigma = sigma_mm / np.asarray(patch.grid.spacing_mm)
    around = ndimage.gaussian_filter(shell.astype(np.float32), sigma)
    weight = (shell & (np.abs(image - lesion) > 0.5 * contrast_hu)).astype(np.float32)
    total = ndimage.gaussian_filter(weight, sigma)
    host = ndimage.gaussian_filter(image * weight, sigma) / np.maximum(total, 1e-6)
    difference = lesion - host
    difference = np.where(np.abs(difference) < 1.0, 1.0, difference)
    share = np.where(total > 1e-5, (image - host) / difference, mask)
    share = np.clip(share, 0.0, 1.0)
    share[depth > 2.5] = np.maximum(share[depth > 2.5], 0.8)
    attached = total < ATTACHED * around
    share[(outside > REACH_STEPS) | (attached & ~mask)] = 0.0
    return np.asarray(share, dtype=np.float32)
