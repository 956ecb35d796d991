"""What a network is trained on: one lesion in one VOI, with its baseline where there are two scans."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from torch import Tensor


class Case(TypedDict):
    """One lesion to outline; in a batch every tensor has a first axis more.

    Attributes
    ----------
    image : (Z, Y, X) float32
        HU of the scan to outline on; of the follow-up scan where there are two.
    target : (Z, Y, X) uint8
        1 in the lesion; empty where it is gone.
    clicks : (Z, Y, X) float32
        Map of the clicks on this scan (:func:`napari_longiseg.models.inputs.click_map`).
    reference_hu : () float32
        The lesion's: around the click, or within the baseline mask where there is one.
    baseline_image, baseline_mask, baseline_clicks
        The same of the baseline scan, for LongiNet.
    """

    image: Tensor
    target: Tensor
    clicks: Tensor
    reference_hu: Tensor
    baseline_image: NotRequired[Tensor]
    baseline_mask: NotRequired[Tensor]
    baseline_clicks: NotRequired[Tensor]
