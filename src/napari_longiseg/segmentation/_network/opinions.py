"""One outline of a network's and another method's.

Methods that work differently err at different places. `region` has no training to be misled by, and follows
the borders of the scan; in soft tissue, where a small network may be unsure, their mean is the better one.
"""

from __future__ import annotations

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
    is_unsure = (result.confidence or 0.0) < SURE_ALONE
    return is_unsure and (request.tolerance_mm == 0 or is_outlined(result))


def averaged(network: VoiResult, other: VoiResult) -> VoiResult:
    """The mean of what a network and another method outline for one request, on one grid.

    One that finds nothing has no say, and where they have nothing in common the network alone counts. Where
    they have little in common, the reader is told.
    """
    if not is_outlined(other):
        return network
    if not is_outlined(network):
        return other
    overlap = dice(network.probability >= 0.5, other.probability >= 0.5) or 0.0
    probability = np.asarray((network.probability + other.probability) / 2, dtype=np.float32)
    mask = probability >= 0.5
    if not mask.any():
        return replace(network, reason=network.reason or DISPUTED)
    sure = float(probability[mask].mean())
    if network.reason == CUT:
        warning = CUT
    elif overlap < ALIKE:
        warning = DISPUTED
    else:
        warning = FAINT if sure < SURE else ""
    return VoiResult(probability, sure, warning)
