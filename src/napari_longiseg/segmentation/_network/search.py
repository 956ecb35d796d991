"""Look at a lesion, then again: from its middle, and as closely as its size asks for.

A network sees lesions of a quarter to half of its VOI best. Which voxels give that is known from the lesion
on the other scan, or after the first look; and a VOI around the lesion's own middle, not around the click,
makes the outline depend less on where in the lesion the click was. Without a lesion on another scan there are
two first looks, from close by and from farther away, and what each leads to.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.components import nearest_component
from napari_longiseg.core.geometry import Box, Grid, Point, as_shape, distance_mm
from napari_longiseg.core.resample import resample_smoothly
from napari_longiseg.models.inputs import Inputs, fitting_spacing, spacing_for, unknown_spacings
from napari_longiseg.segmentation._network.border import at_half_contrast
from napari_longiseg.segmentation._network.presence import gone
from napari_longiseg.segmentation._network.scene import Look, grid_around
from napari_longiseg.segmentation._replies import CUT, FAINT, SURE, not_found, positive_points
from napari_longiseg.segmentation.base import Prior, VoiRequest, VoiResult

Float32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

NEAR_ENOUGH_VOXELS, LIKE_ENOUGH = 3.0, 1.2
"""A second look is not worth it when the VOI would move and its voxels change by less."""
WIDER = 1.9
MOST_LOOKS = 4


def searches(request: VoiRequest, inputs: Inputs, prior: Prior | None) -> tuple[Search, ...]:
    """Where to begin: as the lesion on the other scan asks for, or closely and again from farther away.

    Parameters
    ----------
    prior : Prior or None
        What the network is shown beside the request; its mask is not empty.
    """
    if prior is None:
        return tuple(Search(request, inputs, None, spacing) for spacing in unknown_spacings(inputs))
    extent = max(grid_around(prior.mask, prior.grid).size_mm)
    return (Search(request, inputs, prior, spacing_for(extent, inputs)),)


class Search:
    """The looks at one lesion.

    Attributes
    ----------
    next : Look or None
        What to show the network; None when nothing more is to be seen.
    """

    def __init__(
        self, request: VoiRequest, inputs: Inputs, prior: Prior | None, spacing_mm: float | None
    ) -> None:
        self.request, self.inputs, self.prior = request, inputs, prior
        self._looks = 0
        self._is_refined = False
        self._found: tuple[Mask, Float32, Grid] | None = None
        self.next: Look | None = Look(positive_points(request)[0], spacing_mm)

    def take(self, probability: Float32, grid: Grid) -> None:
        """What the network made of the look: probability (Z, Y, X) on its grid."""
        look, self.next = self.next, None
        self._looks += 1
        kept = self._kept(probability >= 0.5, grid)
        if kept.any():
            self._found = kept, probability, grid
        if look is None or look.spacing_mm is None or self._looks == MOST_LOOKS or not kept.any():
            return
        if _is_cut(kept) and look.spacing_mm < self._coarsest:
            self.next = Look(look.centre_mm, min(look.spacing_mm * WIDER, self._coarsest))
        elif not self._is_refined:
            self._is_refined = True
            self.next = self._refined(look.centre_mm, look.spacing_mm, grid_around(kept, grid))

    def result(self, missing: str) -> VoiResult:
        """The outline on the request's grid; where there is none, *missing* is the reason."""
        if self._found is None:
            return not_found(self.request, missing)
        kept, probability, grid = self._found
        sure = float(probability[kept].mean())
        warning = CUT if _is_cut(kept) else FAINT if sure < SURE else ""
        inside = np.where(_around(kept), probability, np.minimum(probability, 0.49)).astype(np.float32)
        near = grid.crop(Box.of_mask(kept).grown(2))
        low, high = (self.request.grid.to_index(edge) for edge in near.bounds_mm())
        box = Box(as_shape(np.floor(low)), as_shape(np.ceil(high) + 1)).clipped(self.request.grid.shape)
        whole = np.zeros(self.request.grid.shape, dtype=np.float32)
        if not box.is_empty:
            whole[box.slices] = resample_smoothly(inside, grid, self.request.grid.crop(box), fill=0.0)
        outline = at_half_contrast(self.request, whole)
        if reason := gone(self.request, outline, sure):
            return not_found(self.request, reason)
        return VoiResult(outline, sure, warning)

    @property
    def _coarsest(self) -> float:
        return max(self.inputs.spacings_mm or (1.0,))

    def _refined(self, centre: Point, spacing: float, lesion: Grid) -> Look | None:
        """From the lesion's middle, as closely as its size asks for; None where the last look was so."""
        wanted = fitting_spacing(max(lesion.size_mm), self.inputs) or spacing
        moved = distance_mm(lesion.middle_mm, centre) / spacing
        if moved < NEAR_ENOUGH_VOXELS and abs(math.log(wanted / spacing)) < math.log(LIKE_ENOUGH):
            return None
        return Look(lesion.middle_mm, wanted)

    def _kept(self, mask: Mask, grid: Grid) -> Mask:
        """The components at the positive clicks, as far off as the request and the voxels allow."""
        reach = max(self.request.tolerance_mm, 2 * max(grid.spacing_mm))
        kept = np.zeros_like(mask)
        for point in positive_points(self.request):
            component, distance = nearest_component(mask, grid, point)
            if distance <= reach:
                kept |= component
        return kept


def _is_cut(mask: Mask) -> bool:
    box = Box.of_mask(mask)
    return min(box.start) == 0 or any(stop == size for stop, size in zip(box.stop, mask.shape, strict=True))


def _around(mask: Mask) -> Mask:
    """The mask and the voxels next to it, whose probabilities place its border between voxels."""
    return np.asarray(ndimage.binary_dilation(mask, np.ones((3, 3, 3), dtype=bool)))
