"""Whether what a network outlines on a later scan is still the lesion.

With the outline of the first scan in view, a network may draw it again where nothing is left. Two signs
tell: of such an outline it is less sure, and what lies in the middle of the lesion's place is no longer like
the lesion. Neither will do alone: a lesion that is there may be faint, or lie beside its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.components import deepest_point
from napari_longiseg.core.geometry import Box, Grid, as_point, as_shape
from napari_longiseg.core.resample import resample_smoothly
from napari_longiseg.core.scan import AIR_HU
from napari_longiseg.segmentation._prior import SHELL_MM, Expected, expected
from napari_longiseg.segmentation._replies import positive_points, speck, unlike
from napari_longiseg.segmentation.base import Prior, VoiRequest

MIN_VOLUME = 0.05
"""Share of its volume that a lesion keeps."""
SURE_UNCHANGED, SURER = 0.71, 0.16
"""So sure must a network be where nothing has changed, and so much more where all contrast is lost.

Logistic regression of random lesions in real scans, half of them gone; at the odds of e that one is gone.
Fitted by ``benchmarks/presence.py``.
"""
MOST_CHANGE = 1.2
"""A larger change tells no more."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What tells whether an outline is still the lesion.

    Attributes
    ----------
    sure : float
        Mean probability within the outline as the network sees it.
    change_hu, contrast_hu : float
        How much what lies in the middle of the lesion's place has changed, and how much the lesion stood out.
    now_ml, before_ml : float
        Volume of the outline and of the lesion.
    """

    sure: float
    change_hu: float
    contrast_hu: float
    now_ml: float
    before_ml: float

    @property
    def change(self) -> float:
        """The change as a share of the contrast, which need not be told apart above a limit."""
        return min(self.change_hu / self.contrast_hu, MOST_CHANGE)

    @property
    def is_speck(self) -> bool:
        """Whether too little of the lesion's volume is left."""
        return self.now_ml < MIN_VOLUME * self.before_ml

    def is_sure(self, unchanged: float = SURE_UNCHANGED, surer: float = SURER) -> bool:
        """Whether the network is as sure as the change asks for."""
        return self.sure >= unchanged + surer * self.change


def gone(request: VoiRequest, probability: npt.NDArray[np.float32], sure: float) -> str:
    """Why the outline is not the lesion of the prior any more; empty where it may be.

    A reader's own click is believed.

    Parameters
    ----------
    probability : (Z, Y, X) float32
        On the request's grid.
    sure : float
        Mean probability within the outline as the network sees it.
    """
    if request.prior is None or request.tolerance_mm == 0:
        return ""
    seen = signs(request, request.prior, probability, sure)
    if seen is None:
        return ""
    if seen.is_speck:
        return speck(seen.now_ml)
    if seen.is_sure():
        return ""
    return unlike(seen.change_hu, seen.contrast_hu)


def signs(
    request: VoiRequest, prior: Prior, probability: npt.NDArray[np.float32], sure: float
) -> Signs | None:
    """What tells whether the outline is still the lesion of the prior; None where that cannot be measured.

    Parameters
    ----------
    probability, sure
        As for :func:`gone`.
    """
    near = _near(prior)
    before = expected(near)
    if before is None:
        return None
    now_ml = float((probability >= 0.5).sum()) * request.grid.voxel_ml
    change_hu = _change_hu(request, near, before)
    return Signs(sure, change_hu, abs(before.contrast_hu), now_ml, before.volume_ml)


def _change_hu(request: VoiRequest, near: Prior, before: Expected) -> float:
    """How much what lies in the middle of the lesion's place differs from the lesion.

    In itself or beyond what has changed around it, whichever is less: another contrast phase changes both.
    """
    step = np.subtract(positive_points(request)[0], _carried_from(near))
    place = Grid(near.grid.shape, near.grid.spacing_mm, as_point(near.grid.origin_mm + step))
    now = resample_smoothly(request.image, request.grid, place, fill=AIR_HU)
    change = float(np.median(now[before.core])) - before.lesion_hu
    around = float(np.median((now - near.image)[before.shell]))
    return min(abs(change), abs(change - around))


def _carried_from(near: Prior) -> npt.NDArray[np.float64]:
    point = near.point_mm or deepest_point(near.mask, near.grid)
    return np.asarray(point)


def _near(lesion: Prior) -> Prior:
    """The part of a VOI that is compared: the lesion and what lies around it."""
    margin = np.ceil(SHELL_MM[1] / np.asarray(lesion.grid.spacing_mm)).astype(int) + 1
    box = Box.of_mask(lesion.mask).grown(as_shape(margin)).clipped(lesion.grid.shape)
    cropped = lesion.image[box.slices], lesion.mask[box.slices], lesion.grid.crop(box)
    return Prior(*cropped, lesion.point_mm)
