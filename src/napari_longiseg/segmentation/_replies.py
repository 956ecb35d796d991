"""What every engine says of requests that it cannot use."""

from __future__ import annotations

import numpy as np

from napari_longiseg.core.geometry import Point
from napari_longiseg.segmentation.base import VoiRequest, VoiResult

BODY_HU = -980.0
"""Air around the patient; lung is denser."""
CUT = "The outline reaches the edge of what was searched and may be cut."
FAINT = "The border is faint: check this outline."
DISPUTED = "Two ways of outlining this lesion differ: check this outline."
SURE = 0.75
"""Mean probability within an outline below which its border is faint."""


def positive_points(request: VoiRequest) -> tuple[Point, ...]:
    """The positive clicks, in LPS mm."""
    return tuple(click.point_mm for click in request.clicks if click.positive)


def negative_points(request: VoiRequest) -> tuple[Point, ...]:
    """The negative clicks, in LPS mm."""
    return tuple(click.point_mm for click in request.clicks if not click.positive)


def nothing_to_see(request: VoiRequest) -> str:
    """Why no lesion can be looked for; empty where one can."""
    first = positive_points(request)[0]
    if not request.grid.contains(first):
        return "The click lies outside the image."
    if not np.ptp(request.image) > 0:
        return "The image is constant around the click."
    if request.image[request.grid.nearest_voxel(first)] <= BODY_HU:
        return "The click lies in air."
    return ""


def faded(now_hu: float, before_hu: float) -> str:
    """The reason where too little of a lesion's contrast is left."""
    return (
        f"Nothing there stands out as the lesion did on the source scan "
        f"({now_hu:.0f} HU of contrast instead of {before_hu:.0f})."
    )


def unlike(change_hu: float, contrast_hu: float) -> str:
    """The reason where what is outlined is neither sure nor like the lesion."""
    return (
        f"Nothing there is surely the lesion: its place has changed by {change_hu:.0f} HU, and it stood out "
        f"by {contrast_hu:.0f}."
    )


def speck(volume_ml: float) -> str:
    """The reason where too little of a lesion's volume is left."""
    return f"Only a speck of {volume_ml:.2f} ml is left where the lesion was."


def is_outlined(result: VoiResult) -> bool:
    """Whether anything was found."""
    return bool((result.probability >= 0.5).any())


def not_found(request: VoiRequest, reason: str) -> VoiResult:
    """An empty result with the reason."""
    return VoiResult(np.zeros(request.grid.shape, dtype=np.float32), 0.0, reason)
