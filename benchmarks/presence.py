"""Fit the rule by which LongiNet calls a lesion gone.

    python benchmarks/presence.py CT.nii.gz dicom_folder/ --cases 150 --seed 77
    python benchmarks/presence.py CT.nii.gz --weights OUT/network.safetensors --single-weights ULS.safetensors

Random lesions are put into the CTs, outlined on the source scan by the single-scan network, and looked for by
LongiNet alone, without any rule, on two later scans: one on which the lesion has grown or shrunk, and one on
which it is gone. A logistic regression of how sure LongiNet is of its outline, and of how much the tissue in
the lesion's place has changed, tells the two apart. Printed are the constants ``SURE_UNCHANGED`` and
``SURER`` of ``segmentation/_network/presence.py`` at several odds, and what they and today's decide.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from inserted import GROWTH, Background, background, cases
from napari_longiseg.core.lesion import Click
from napari_longiseg.core.methods import SEGMENTERS, create
from napari_longiseg.models.network_file import NetworkCard
from napari_longiseg.segmentation._network.engine import chosen, engine_info, outlined
from napari_longiseg.segmentation._network.presence import SURE_UNCHANGED, SURER, Signs, signs
from napari_longiseg.segmentation.base import Segmenter
from napari_longiseg.tracking.voi import voi_request
from segmentation import carried_prior, outline

Floats = npt.NDArray[np.float64]
LEAST_DICE = 0.3
"""Of the outline on the source scan: below, it is of something else, which need not be gone."""


@dataclass(frozen=True)
class Seen:
    """What LongiNet made of one later scan; no signs where it outlined nothing, or a speck."""

    is_gone: bool
    signs: Signs | None


def seen(
    backgrounds: list[Background], count: int, seed: int, single: Segmenter, path: Path, card: NetworkCard
) -> Iterator[Seen]:
    """Two of each lesion, still there and gone, as the LongiNet of a file sees them."""
    info = engine_info("longinet", card)
    there, gone = (cases(backgrounds, count, seed, growths) for growths in (GROWTH[1:], GROWTH[:1]))
    for (source, later), (_, empty) in zip(there, gone, strict=True):
        score, found = outline(single, source, None)
        if score.dice < LEAST_DICE:
            continue
        prior = carried_prior(source, found, info)
        for case in (later, empty):
            # A reader's own click, which this one looks like, is believed: no rule is applied.
            request = voi_request(case.scan, 1, (Click(case.scan.id, case.click),), info, prior)
            ((result,),) = outlined([request], path, card, "auto", 1, "")
            told = signs(request, prior, result.probability, result.confidence or 0.0)
            if told is not None:  # else there is no rule for it
                yield Seen(case is empty, None if told.is_speck else told)


def fitted(sure: Floats, change: Floats, is_gone: Floats) -> Floats:
    """Logistic regression; weights of a constant, of the change and of how sure (3,)."""
    table = np.column_stack([np.ones_like(sure), change, sure])

    def loss(weights: Floats) -> float:
        odds = table @ weights
        return float(np.sum(np.logaddexp(0, odds) - is_gone * odds))

    return np.asarray(minimize(loss, np.zeros(3), method="BFGS").x)


def decided(name: str, rows: list[Seen], least: float, surer: float) -> str:
    """What a rule makes of the cases."""
    called = [row.signs is None or not row.signs.is_sure(least, surer) for row in rows]
    right = sum(call for call, row in zip(called, rows, strict=True) if row.is_gone)
    wrong = sum(call for call, row in zip(called, rows, strict=True) if not row.is_gone)
    gone = sum(row.is_gone for row in rows)
    return (
        f"{name:24s} {least:6.3f} + {surer:5.3f} x change   "
        f"gone {right}/{gone}   falsely gone {wrong}/{len(rows) - gone}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("backgrounds", nargs="+", type=Path)
    parser.add_argument("--cases", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", default="", help="a LongiNet; by default the one of the package")
    parser.add_argument("--single-weights", default="", help="a single-scan network, likewise")
    options = parser.parse_args()
    single: Segmenter = create(SEGMENTERS, "uls", weights=options.single_weights)
    path, card = chosen(options.weights, "longinet")
    backgrounds = [background(path) for path in options.backgrounds]
    rows = list(seen(backgrounds, options.cases, options.seed, single, path, card))
    told = [(row.signs, row.is_gone) for row in rows if row.signs is not None]
    sure, change = (np.array([getattr(one, name) for one, _ in told]) for name in ("sure", "change"))
    weights = fitted(sure, change, np.array([is_gone for _, is_gone in told], dtype=float))
    print(f"{len(rows)} later scans, {len(told)} of them with an outline")
    print(decided("now", rows, SURE_UNCHANGED, SURER))
    for odds in (0.0, 0.5, 1.0, 1.5, 2.0):
        print(decided(f"log odds {odds}", rows, (weights[0] - odds) / -weights[2], weights[1] / -weights[2]))


if __name__ == "__main__":
    main()
