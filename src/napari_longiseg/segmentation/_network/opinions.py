"""One outline of several.

Methods that work differently, and looks from other distances, err at different places: where one leaks into a
vessel or follows the outline of the first scan too closely, the others hold against it. `region` has no
training to be misled by, and follows the borders of the scan. On later scans, and where the network is
unsure, the mean is better than any of them alone, most of all in soft tissue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from napari_longiseg.core.metrics import dice
from napari_longiseg.segmentation._replies import CUT, DISPUTED, FAINT, SURE, is_outlined
from napari_longiseg.segmentation.base import VoiRequest, VoiResult

SURE_ALONE = 0.9
"""Mean probability within an outline from which a single-scan network needs nobody else."""
ALIKE = 0.7
"""Dice from which two outlines are of the same thing."""


def asks_another(request: VoiRequest, result: VoiResult) -> bool:
    """Whether a single-scan network is so unsure that another method is asked.

    Where a point was carried over and nothing is seen, nothing need be there; a reader's click is believed.
    """
    is_unsure = (result.confidence or 0.0) < SURE_ALONE
    return is_unsure and (request.tolerance_mm == 0 or is_outlined(result))


def averaged(results: Sequence[VoiResult]) -> VoiResult:
    """The mean of several outlines for one request; those that find nothing have no say.

    Where the first one and another have little in common, the reader is told.

    Parameters
    ----------
    results : sequence of VoiResult
        On one grid, the most trusted first: where they have nothing in common, it alone counts.
    """
    found = [result for result in results if is_outlined(result)]
    if len(found) < 2:
        return (found or results)[0]
    first, *others = found
    masks = [result.probability >= 0.5 for result in others]
    alike = min(dice(first.probability >= 0.5, mask) or 0.0 for mask in masks) >= ALIKE
    probability = np.asarray(np.mean([result.probability for result in found], axis=0), dtype=np.float32)
    mask = probability >= 0.5
    if not mask.any():
        return replace(first, reason=first.reason or DISPUTED)
    sure = float(probability[mask].mean())
    if first.reason == CUT:
        warning = CUT
    elif not alike:
        warning = DISPUTED
    else:
        warning = FAINT if sure < SURE else ""
    return VoiResult(probability, sure, warning)
