"""One outline of several methods' outlines.

Methods that work differently err at different places: where one leaks into a vessel or follows the outline of
the first scan too closely, the others hold against it. `region` has no training to be misled by, and follows
the borders of the scan; in soft tissue, where a small network is often unsure, it is the better one as often
as not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from napari_longiseg.core.metrics import dice
from napari_longiseg.segmentation._replies import CUT, DISPUTED, FAINT, SURE, is_outlined
from napari_longiseg.segmentation.base import VoiRequest, VoiResult

SURE_ALONE = 0.85
"""Mean probability within an outline from which a single-scan network needs nobody else."""
ALIKE = 0.7
"""Dice from which two outlines are of the same thing."""


def asks_another(request: VoiRequest, result: VoiResult) -> bool:
    """Whether a single-scan network is so unsure that another method is asked.

    Where a point was carried over and nothing is seen, nothing need be there; a reader's click is believed.
    """
    return _is_unsure(result) and (request.tolerance_mm == 0 or is_outlined(result))


def joined(networks: Sequence[VoiResult], region: VoiResult) -> VoiResult:
    """One outline of those of networks and of `region`.

    Where the first network is unsure and `region` outlines something else, the mean would be what little they
    have in common; `region`, which follows the scan's own borders, then counts alone. Chosen on the studies
    for tuning (docs/results.md).

    Parameters
    ----------
    networks : sequence of VoiResult
        The most trusted first.
    region : VoiResult
        On the same grid.
    """
    first = networks[0]
    if is_outlined(first) and is_outlined(region) and _is_unsure(first):
        overlap = dice(first.probability >= 0.5, region.probability >= 0.5)
        if overlap is not None and overlap < ALIKE:
            return replace(region, reason=region.reason or DISPUTED)
    return averaged([*networks, region])


def averaged(results: Sequence[VoiResult]) -> VoiResult:
    """The mean of what several methods outline for one request; those that find nothing have no say.

    Parameters
    ----------
    results : sequence of VoiResult
        On one grid, the most trusted first: where they have nothing in common, it alone counts.
    """
    found = [result for result in results if is_outlined(result)]
    if len(found) < 2:
        return (found or results)[0]
    probability = np.asarray(np.mean([result.probability for result in found], axis=0), dtype=np.float32)
    mask = probability >= 0.5
    if not mask.any():
        return found[0]
    sure = float(probability[mask].mean())
    warning = CUT if found[0].reason == CUT else FAINT if sure < SURE else ""
    return VoiResult(probability, sure, warning)


def _is_unsure(result: VoiResult) -> bool:
    return (result.confidence or 0.0) < SURE_ALONE
