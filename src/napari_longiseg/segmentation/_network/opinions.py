"""One outline of several methods' outlines.

Methods that work differently err at different places: where one leaks into a vessel or follows the outline of
the first scan too closely, the others hold against it. `region` has no training to be misled by, and follows
the borders of the scan; in soft tissue, where a small network is often unsure, it is the better one as often
as not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_longiseg.segmentation._replies import CUT, FAINT, SURE, is_outlined
from napari_longiseg.segmentation.base import VoiRequest, VoiResult

SURE_ALONE = 0.85
"""Mean probability within an outline from which a single-scan network needs nobody else."""


def asks_another(request: VoiRequest, result: VoiResult) -> bool:
    """Whether a single-scan network is so unsure that another method is asked.

    Where a point was carried over and nothing is seen, nothing need be there; a reader's click is believed.
    """
    is_unsure = (result.confidence or 0.0) < SURE_ALONE
    return is_unsure and (request.tolerance_mm == 0 or is_outlined(result))


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
