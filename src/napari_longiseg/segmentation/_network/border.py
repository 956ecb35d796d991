"""Where a lesion stands out clearly, the scan itself says where its border is.

A network that sees a lung nodule in resampled voxels places its border within a voxel or so; with hundreds of
HU between nodule and lung the half of the contrast is much sharper than that. In soft tissue, where contrast
and noise are alike, the network knows better.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.distance import depth_inside, distance_outside
from napari_longiseg.core.geometry import Box
from napari_longiseg.segmentation._border import MARGIN_MM, share_of_lesion
from napari_longiseg.segmentation._patch import Mask, Patch, own_voxels
from napari_longiseg.segmentation._replies import negative_points, positive_points
from napari_longiseg.segmentation._seed import noise_hu, refused
from napari_longiseg.segmentation.base import VoiRequest

Float32 = npt.NDArray[np.float32]

CLEAR_HU = 250.0
"""Contrast of lesions in lung; nodes in fat, which often touch what is like them, have less."""
STEP_MM = 1.0
"""How far off a network's border may be."""
SHELL_MM = (1.0, 3.5)
"""Distance from a lesion of the tissue that it is compared with."""


def at_half_contrast(request: VoiRequest, probability: Float32) -> Float32:
    """The outline with its border at half contrast where the lesion is clear, else as it is.

    Parameters
    ----------
    probability : (Z, Y, X) float32
        On the request's grid.
    """
    mask = probability >= 0.5
    if not mask.any():
        return probability
    own, box = own_voxels(request.image, request.grid, request.grid.crop(Box.of_mask(mask)), MARGIN_MM)
    rough = mask[box.slices]
    contrast = _contrast_hu(own, rough)
    if contrast < CLEAR_HU:
        return probability
    points = positive_points(request)
    no = refused(own, points, negative_points(request))
    noise = noise_hu(request.image, request.grid, points[0])
    moved = np.zeros_like(probability)
    moved[box.slices] = share_of_lesion(own, rough, STEP_MM, contrast, noise, no)
    return moved


def _contrast_hu(patch: Patch, mask: Mask) -> float:
    """Median difference in HU of what lies around a mask from its inner half."""
    spacing = patch.grid.spacing_mm
    reach = SHELL_MM[1] + max(spacing) / 2
    depth, outside = depth_inside(mask, spacing), distance_outside(mask, reach, spacing)
    shell = (outside > SHELL_MM[0]) & (outside <= reach)
    if not shell.any():
        return 0.0
    lesion = np.median(patch.image[depth >= 0.5 * depth.max()])
    return float(np.median(np.abs(patch.image[shell] - lesion)))
