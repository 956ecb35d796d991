"""Which candidate is the lesion, and how well it may be outlined.

The weights were fitted on lesions that ``benchmarks/segmentation.py`` puts into real scans: they maximise the
expected Dice of a soft choice among all candidates of a lesion.
"""

from __future__ import annotations

import numpy as np

from napari_longiseg.segmentation._candidates import Candidate
from napari_longiseg.segmentation._prior import Expected

Weights = dict[str, float]

ALONE: Weights = {
    "edge": 0.8,
    "compactness": 13.7,
    "cut": -2.0,
    "level": 3.2,
    "level squared": -1.8,
    "volume": -0.24,
    "volume squared": -0.18,
    "clearness": 2.4,
    "centred": 10.3,
}
WITH_PRIOR: Weights = {
    "edge": 0.4,
    "compactness": 11.8,
    "cut": -3.4,
    "level": 2.1,
    "level squared": -1.4,
    "volume": 0.04,
    "volume squared": -0.08,
    "clearness": 1.5,
    "centred": 10.8,
    "growth squared": -0.8,
    "change of contrast squared": -0.9,
}
CENTRED_ENOUGH = 0.5
"""A click this deep in a mask (as a share of the greatest depth) need not be deeper."""
CONFIDENCE: Weights = {"edge": 2.4, "clearness": 0.4, "cut": -1.3, "compactness": 2.2, "volume": 0.3}
CONFIDENCE_AT_0 = -3.8
"""Logistic regression of the Dice that the chosen candidates reached."""


def score(candidate: Candidate, noise_hu: float, expected: Expected | None) -> float:
    """Weighted sum of the signs; the highest is the lesion. Comparable within one lesion on one scan.

    Parameters
    ----------
    noise_hu : float
        Standard deviation of the noise.
    expected : Expected or None
        The lesion on another scan; volume and contrast should then be similar.
    """
    weights = ALONE if expected is None else WITH_PRIOR
    found = signs(candidate, noise_hu, expected)
    return sum(weights[name] * value for name, value in found.items())


def confidence(candidate: Candidate, noise_hu: float) -> float:
    """Dice (0 to 1) that may be hoped for."""
    found = signs(candidate, noise_hu, None)
    total = CONFIDENCE_AT_0 + sum(weight * found[name] for name, weight in CONFIDENCE.items())
    return float(1 / (1 + np.exp(-total)))


def signs(candidate: Candidate, noise_hu: float, expected: Expected | None) -> dict[str, float]:
    """What speaks for a candidate, by name; logarithms are natural and limited."""
    contrast = max(candidate.contrast_hu, 0.5)
    level = _log(2 * candidate.level_hu / contrast, 0.1, 10.0)
    volume = _log(candidate.volume_ml, 0.003, 1e4)
    clearness = _log(contrast / (noise_hu + 4.0), 0.05, 8.0)
    found = {
        "edge": candidate.edge,
        "compactness": candidate.compactness,
        "cut": min(candidate.cut, 1.0),
        "level": level,
        "level squared": level**2,
        "volume": volume,
        "volume squared": volume**2,
        "clearness": clearness,
        "centred": min(candidate.centred, CENTRED_ENOUGH),
    }
    if expected is not None:
        found["growth squared"] = _log(candidate.volume_ml / expected.volume_ml, 0.05, 20.0) ** 2
        found["change of contrast squared"] = _log(contrast / abs(expected.contrast_hu), 0.05, 20.0) ** 2
    return found


def _log(value: float, low: float, high: float) -> float:
    return float(np.log(np.clip(value, low, high)))
