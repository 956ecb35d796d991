"""The embedded engine: from clicks to a mask without weights.

Level sets of the distance in HU from the clicked tissue, cut at their necks, are scored by how clearly and
compactly they are bounded; the best one's border is then moved to half contrast.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Box, Point, distance_mm
from napari_longiseg.core.resample import resample
from napari_longiseg.segmentation._border import MARGIN_MM, share_of_lesion
from napari_longiseg.segmentation._candidates import Candidate, candidates
from napari_longiseg.segmentation._patch import Mask, Patch, cut, own_voxels
from napari_longiseg.segmentation._prior import Expected, expected
from napari_longiseg.segmentation._replies import (
    CUT,
    FAINT,
    faded,
    negative_points,
    not_found,
    nothing_to_see,
    positive_points,
    speck,
)
from napari_longiseg.segmentation._score import confidence, score
from napari_longiseg.segmentation._seed import noise_hu, refused, seed
from napari_longiseg.segmentation.base import SegmenterInfo, VoiRequest, VoiResult

HALVES_MM = (14.0, 28.0, 56.0)
"""Half the edges of the cubes that are searched, one after the other."""
VOXELS_PER_HALF = 18
SURE = 24.0
"""A score this good ends the search in larger cubes."""
MAX_FILLED, SURE_BORDER = 0.85, 0.5
"""Edge of the outline as a share of the searched cube's, and confidence, that call for a warning."""


@dataclass(frozen=True)
class RegionSegmenter:
    """Outlines whatever differs from its surroundings around a click.

    Parameters
    ----------
    voi_mm : float
        Edge of the cube around the click that it looks at; the largest lesion that it can outline.
    min_likeness : float
        On another scan than the source's, what is less like the lesion than this is not it. In the
        benchmark, lesions that are there score 17.7 to 21, what is found where one is gone 13 to 19.
    min_contrast : float
        There, a lesion with less than this share of its contrast is gone.
    min_volume : float
        And so is one with less than this share of its volume.
    """

    voi_mm: float = 120.0
    min_likeness: float = 16.5
    min_contrast: float = 0.35
    min_volume: float = 0.06

    def __post_init__(self) -> None:
        if not self.voi_mm > 0:
            msg = f"The edge of the VOI must be positive, not {self.voi_mm} mm."
            raise InputError(msg)

    @property
    def info(self) -> SegmenterInfo:
        """What the engine is and wants."""
        return SegmenterInfo("region", ("click", "negative_click", "prior"), (self.voi_mm,) * 3)

    def segment(self, requests: Sequence[VoiRequest]) -> Iterator[VoiResult]:
        """One result per request, in their order."""
        for request in requests:
            yield self._one(request)

    def _one(self, request: VoiRequest) -> VoiResult:
        hope = expected(request.prior) if request.prior else None
        if reason := nothing_to_see(request):
            return not_found(request, reason)
        positive, negative = positive_points(request), negative_points(request)
        noise = noise_hu(request.image, request.grid, positive[0])
        found = self._search(request, positive, negative, noise, hope)
        if found is None:
            return not_found(request, "Nothing there stands out from its surroundings.")
        value, best, patch = found
        if reason := self._vanished(value, best, hope):
            return not_found(request, reason)
        sure = confidence(best, noise)
        warning = _warning(best.mask, patch.seen, sure)
        near = Box.of_mask(best.mask)
        own, box = own_voxels(request.image, request.grid, patch.grid.crop(near), MARGIN_MM)
        rough = resample(best.mask.astype(np.float32), patch.grid, own.grid, fill=0.0) >= 0.5
        if not rough.any():
            return not_found(request, "What stands out there is smaller than a voxel.")
        probability = np.zeros(request.grid.shape, dtype=np.float32)
        no = refused(own, positive, negative)
        probability[box.slices] = share_of_lesion(own, rough, patch.voxel_mm, best.contrast_hu, noise, no)
        return VoiResult(probability, sure, warning)

    def _search(
        self,
        request: VoiRequest,
        positive: Sequence[Point],
        negative: Sequence[Point],
        noise: float,
        hope: Expected | None,
    ) -> tuple[float, Candidate, Patch] | None:
        """The best candidate of cubes of growing size, with its score."""
        best: tuple[float, Candidate, Patch] | None = None
        finest = min(request.grid.spacing_mm)
        reach = max(distance_mm(positive[0], point) for point in positive)
        for half in [half for half in HALVES_MM if half > 1.3 * reach] or HALVES_MM[-1:]:
            patch = cut(request.image, request.grid, positive[0], half, max(finest, half / VOXELS_PER_HALF))
            smooth = patch.smooth(0.9 * patch.voxel_mm)
            no = refused(patch, positive, negative)
            start = seed(patch, positive, no, smooth, request.tolerance_mm, hope)
            for candidate in candidates(patch, start, max(0.4 * noise, 5.0)):
                if candidate.contrast_hu <= 0:
                    continue
                value = score(candidate, noise, hope)
                if best is None or value > best[0]:
                    best = value, candidate, patch
            if best is not None and best[0] > SURE and best[2] is not patch:
                break
        return best

    def _vanished(self, value: float, best: Candidate, hope: Expected | None) -> str:
        """Why the best candidate is not the lesion of the prior; empty where it may be."""
        if hope is None:
            return ""
        if best.contrast_hu < self.min_contrast * abs(hope.contrast_hu):
            return faded(best.contrast_hu, abs(hope.contrast_hu))
        if best.volume_ml < self.min_volume * hope.volume_ml:
            return speck(best.volume_ml)
        if value < self.min_likeness:
            return "Nothing there looks like the lesion on the source scan."
        return ""


def _warning(mask: Mask, seen: Mask, sure: float) -> str:
    filled = np.divide(Box.of_mask(mask).shape, Box.of_mask(seen).shape)
    if filled.max() > MAX_FILLED:
        return CUT
    return FAINT if sure < SURE_BORDER else ""
