"""Many results in few figures: the points of all pairs together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from _results import Result
from napari_longiseg.core.geometry import Array


@dataclass(frozen=True)
class Errors:
    """Of a set of points, in mm."""

    values: Array

    @property
    def mean(self) -> float:
        """Mean."""
        return float(self.values.mean()) if len(self.values) else np.nan

    @property
    def most(self) -> float:
        """Largest."""
        return float(self.values.max()) if len(self.values) else np.nan

    def percentile(self, q: float) -> float:
        """The value that *q* % stay below."""
        return float(np.percentile(self.values, q)) if len(self.values) else np.nan


@dataclass(frozen=True)
class Trust:
    """What maps expect of their errors against the truth.

    Attributes
    ----------
    known : float
        Share of the points of which they expect anything.
    mean : float
        Expected, mm.
    within : float
        Share of these points whose error is no larger; 0.9 is aimed at.
    rank : float
        Spearman's correlation of expected and true errors.
    """

    known: float
    mean: float
    within: float
    rank: float


APART = ("click",)
"""Kinds of places whose distance from the truth is no error of a map alone, and which are told apart."""


def column(results: Iterable[Result], points: str, name: str, kind: str = "") -> Array:
    """Values of a column of ``lesions`` or ``body`` over all results, nan where unknown.

    All kinds of places together where no *kind* is given, but for those of :data:`APART`.

    Where *name* is ``best``, the refined errors, and the whole map's where nothing is refined.
    """
    values: list[float | None] = []
    for result in results:
        for where, columns in result.get(points, {}).items():
            if kind == where or (not kind and where not in APART):
                best = columns.get("refined", columns["whole"])
                values += best if name == "best" else columns.get(name, [])
    return np.array(values, dtype=np.float64)


def errors(results: Iterable[Result], points: str, name: str, kind: str = "") -> Errors:
    """As :func:`column`, for statistics."""
    return Errors(column(results, points, name, kind))


def trust(results: Sequence[Result], points: str) -> Trust:
    """How true the uncertainty is."""
    error, expected = (column(results, points, name) for name in ("best", "expected"))
    known = np.isfinite(expected)
    if known.sum() < 3:
        return Trust(float(known.mean()) if len(known) else np.nan, np.nan, np.nan, np.nan)
    error, expected = error[known], expected[known]
    varied = np.ptp(expected) > 0 and np.ptp(error) > 0
    rank = float(stats.spearmanr(error, expected).statistic) if varied else np.nan
    return Trust(float(known.mean()), float(expected.mean()), float(np.mean(error <= expected)), rank)


def listed(results: Iterable[Result], name: str) -> Errors:
    """A list of mm that each result may have, together."""
    found = [v for result in results for v in result.get(name, []) if v is not None]
    return Errors(np.array(found, dtype=np.float64))


def mean_of(results: Iterable[Result], name: str) -> float:
    """Mean of a number that each result may have."""
    found = [result[name] for result in results if name in result]
    return float(np.mean(found)) if found else np.nan


def kinds(results: Iterable[Result], points: str) -> list[str]:
    """Kinds of places that are told apart."""
    return sorted({kind for result in results for kind in result.get(points, {})})


def verdict(result: Result) -> str:
    """What a method does with a pair: aligned, doubted, refused or failed."""
    return "doubted" if result["outcome"] == "aligned" and result.get("doubt") else result["outcome"]
