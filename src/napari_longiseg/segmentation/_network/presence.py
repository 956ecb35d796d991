"""Whether what a network outlines on a later scan is still a lesion.

With the outline of the first scan in view, a network tends to draw it again where nothing is left. What is
left of a lesion stands out from its surroundings as the lesion did.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Box, as_shape
from napari_longiseg.segmentation._prior import SHELL_MM, expected
from napari_longiseg.segmentation._replies import faded, speck
from napari_longiseg.segmentation.base import Prior, VoiRequest

MIN_CONTRAST, MIN_VOLUME = 0.25, 0.05
"""Shares of its contrast and its volume that a lesion keeps."""
CLEAR_HU = 100.0
"""Contrast below which that says nothing: it is too near to what noise and another outline make."""


def gone(request: VoiRequest, probability: npt.NDArray[np.float32]) -> str:
    """Why the outline is not the lesion of the prior any more; empty where it may be.

    A reader's own click is believed.

    Parameters
    ----------
    probability : (Z, Y, X) float32
        On the request's grid.
    """
    if request.prior is None or request.tolerance_mm == 0:
        return ""
    before = expected(_near(request.prior))
    now = expected(_near(Prior(request.image, probability >= 0.5, request.grid)))
    if before is None or now is None:
        return ""
    if now.volume_ml < MIN_VOLUME * before.volume_ml:
        return speck(now.volume_ml)
    left = (now.lesion_hu - now.host_hu) * float(np.sign(before.contrast_hu))
    if abs(before.contrast_hu) < CLEAR_HU or left >= MIN_CONTRAST * abs(before.contrast_hu):
        return ""
    return faded(left, abs(before.contrast_hu))


def _near(lesion: Prior) -> Prior:
    """The part of a VOI that is compared: the lesion and what lies around it."""
    margin = np.ceil(SHELL_MM[1] / np.asarray(lesion.grid.spacing_mm)).astype(int) + 1
    box = Box.of_mask(lesion.mask).grown(as_shape(margin)).clipped(lesion.grid.shape)
    return Prior(lesion.image[box.slices], lesion.mask[box.slices], lesion.grid.crop(box))
