"""Fit the models of uncertainty in ``napari_longiseg/registration/quality.py``, and see what they cover.

``python benchmarks/uncertainty.py [STUDY ...] --cache PAIRS [--methods deformable,affine]``: the pairs of
:mod:`pairs.groups` to tune on give the coefficients; nothing is written. What the models are worth on
held-out pairs is in the columns *within* of ``benchmarks/registration.py``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.optimize import linprog

from napari_longiseg.core.errors import LongisegError
from napari_longiseg.core.geometry import Array, as_point
from napari_longiseg.core.methods import REGISTRATIONS, create
from napari_longiseg.core.progress import silent
from napari_longiseg.registration.base import RefinablePointMap
from napari_longiseg.registration.maps import TransformMap
from pairs.groups import recipes
from pairs.library import Library
from pairs.pair import Pair

QUANTILE = 0.9
MOST, MOST_REFINED = 500, 48
"""Points of each pair."""
GROUPS = ("synthetic", "real-anatomy", "sliding", "fov")
WHOLE = ("constant", "1 - mean", "mean - near", "at border")
REFINED = ("constant", "1 - near", "at border", "shift")


def whole_features(found: TransformMap, points_mm: Array) -> Array:
    """What :meth:`Quality.uncertainty_mm` looks at, (N, 4)."""
    quality, n = found.quality, len(points_mm)
    mean = np.full(n, quality.agreement.mean)
    near = _known(quality.agreement.near(points_mm), mean)
    border = quality.at_border(points_mm, found(points_mm))
    return np.stack([np.ones(n), 1 - mean, mean - near, border], axis=1)


def refined_features(found: TransformMap, points_mm: Array, refined_mm: Array) -> Array:
    """What :meth:`Quality.refined_uncertainty_mm` looks at, (N, 4)."""
    quality, n = found.quality, len(points_mm)
    near = _known(quality.agreement.near(points_mm), np.full(n, quality.agreement.mean))
    shift = np.linalg.norm(refined_mm - found(points_mm), axis=1)
    return np.stack([np.ones(n), 1 - near, quality.at_border(points_mm, refined_mm), shift], axis=1)


def measured(pair: Pair, name: str) -> Iterator[tuple[bool, Array, Array]]:
    """Whether points were refined, their features and their errors in mm."""
    found = create(REGISTRATIONS, name).align(pair.source, pair.target, silent)
    chosen = np.random.default_rng(0).permutation(len(pair.body))[:MOST]
    points, truth = pair.body.source_mm[chosen], pair.body.target_mm[chosen]
    yield False, whole_features(found, points), np.linalg.norm(found(points) - truth, axis=1)
    if isinstance(found, RefinablePointMap):
        half = MOST_REFINED // 2
        points = np.concatenate([pair.lesions.source_mm[:half], points[:half]])
        truth = np.concatenate([pair.lesions.target_mm[:half], truth[:half]])
        goes = np.array([found.refined(as_point(p))([p])[0] for p in points])
        yield True, refined_features(found, points, goes), np.linalg.norm(goes - truth, axis=1)


def fit(features: Array, error: Array, weight: Array) -> Array:
    """Coefficients (k,) of the quantile regression (Koenker and Bassett, 1978), as a linear programme."""
    n, k = features.shape
    cost = np.concatenate([np.zeros(k), QUANTILE * weight, (1 - QUANTILE) * weight])
    equal = np.hstack([features, np.eye(n), -np.eye(n)])
    bounds = [(None, None)] * k + [(0, None)] * (2 * n)
    return np.asarray(linprog(cost, A_eq=equal, b_eq=error, bounds=bounds, method="highs").x[:k])


def _known(values: Array, otherwise: Array) -> Array:
    return np.where(np.isfinite(values), values, otherwise)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", type=Path)
    parser.add_argument("--cache", type=Path, help="folder that keeps the pairs")
    parser.add_argument("--methods", default="deformable,affine,rigid,demons,greedy")
    options = parser.parse_args()
    library = Library(recipes(options.studies), options.cache)
    found: dict[bool, list[tuple[str, Array, Array]]] = {False: [], True: []}
    for group in GROUPS:
        for pair in library.pairs(group, held_out=False):
            for name in options.methods.split(","):
                try:
                    for is_refined, features, error in measured(pair, name):
                        found[is_refined].append((f"{name}, {pair.name}", features, error))
                except LongisegError as refused:
                    print(f"{name}, {pair.name}: {refused}")
                print(f"{name}, {pair.name}: measured", flush=True)
    for is_refined, names in ((False, WHOLE), (True, REFINED)):
        if parts := found[is_refined]:
            _tell(parts, names, is_refined)


def _tell(parts: list[tuple[str, Array, Array]], names: tuple[str, ...], is_refined: bool) -> None:
    features, error = (np.concatenate([part[i] for part in parts]) for i in (1, 2))
    # Large errors of badly fitting pairs would decide everything.
    weight = np.ones(len(error)) if is_refined else 1 / (1 + 10 * features[:, 1])
    chosen = np.random.default_rng(0).permutation(len(error))[:3500]
    coefficients = fit(features[chosen], error[chosen], weight[chosen])
    print("refined" if is_refined else "whole", dict(zip(names, coefficients.round(2).tolist(), strict=True)))
    for name, part, errors in parts:
        expected = part @ coefficients
        print(
            f"  {name:<48} within {np.mean(errors <= expected):.2f}, mean expected {expected.mean():.1f} mm"
        )


if __name__ == "__main__":
    main()
