"""What one registration makes of one pair: errors, what it says of them, and what it costs."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from _cost import timed, warm_up
from napari_longiseg.core.errors import GeometryError, InputError, RegistrationError
from napari_longiseg.core.geometry import Array, Grid, as_point, as_shape
from napari_longiseg.core.landmark import Landmark
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Study
from napari_longiseg.registration.base import (
    PointMap,
    RefinablePointMap,
    Registration,
    ReportingPointMap,
    StudyRegistration,
    bound_to,
    map_near,
)
from pairs.pair import Marks, Pair
from pairs.places import body, random_points

LANDMARKS, LANDMARK_ERROR_MM = 12, 1.0
"""What a method that works by landmarks is given, and how far off they are on the target (r.m.s.)."""
MOST_POINTS = 500
"""Kept with the result, for other pairs to be compared with."""


class Unavailable(Exception):
    """The method needs something that is not here."""


@dataclass(frozen=True)
class Comparison:
    """What another pair's result says of these points, (N, 3) each: they should be mapped so here as well."""

    points_mm: list[list[float]]
    mapped_mm: list[list[float]]


def measure(
    method: Registration, pair: Pair, like: Comparison | None = None, inverse: bool = True
) -> dict[str, Any]:
    """The result as JSON will keep it.

    Parameters
    ----------
    like : Comparison, optional
        What should come out, where the pair is another one altered.
    inverse : bool
        Whether to align the other way round as well.

    Raises
    ------
    Unavailable
        When the method cannot be tried here.
    """
    pair = replace(pair, source=replace(pair.source, id="source"), target=replace(pair.target, id="target"))
    warm_up(method)
    placed = _landmarks(pair)
    study = Study(pair.name, (pair.source, pair.target), (), placed)
    needs_more = isinstance(method, StudyRegistration)
    method = bound_to(method, study)
    try:
        point_map, cost = timed(lambda: method.align(pair.source, pair.target, silent))
    except RegistrationError as error:
        blind = needs_more and not placed and not pair.refuse  # nothing could be given to it
        return {"outcome": "skipped" if blind else "refused", "message": str(error)}
    except GeometryError as error:
        return {"outcome": "failed", "message": str(error)}
    except InputError as error:
        raise Unavailable(str(error)) from error
    result: dict[str, Any] = {"outcome": "aligned", **asdict(cost), **_report(point_map)}
    if pair.refuse:
        return result
    result["lesions"], result["body"] = {}, _errors(point_map, pair.body)
    if len(pair.lesions):
        result |= _lesions(point_map, pair)
    result["folding"] = folding(point_map, pair)
    if pair.group == "consistency" and not pair.like:
        result |= _kept(point_map, pair.body.source_mm[:MOST_POINTS])
    if like:
        result["disagreement_mm"] = _rounded(disagreement(point_map, pair, like))
    elif inverse:
        result |= _inverse(method, point_map, pair)
    return result


def folding(point_map: PointMap, pair: Pair) -> dict[str, float]:
    """Smallest Jacobian determinant, and the share of them that is not positive, in the body."""
    mask, steps = body(pair.source)
    grid = pair.source.grid
    spacing = np.asarray(grid.spacing_mm) * steps
    lattice = Grid(as_shape(mask.shape), as_point(spacing), grid.origin_mm)
    points = lattice.to_mm(np.stack(np.indices(mask.shape), axis=-1)).reshape(-1, 3)
    mapped = point_map(points)
    seen = mask & pair.target.grid.contains(mapped).reshape(mask.shape)
    field = mapped.T.reshape(3, *mask.shape)
    slopes = np.stack([np.stack(np.gradient(c, *spacing), axis=-1) for c in field], axis=-2)
    determinants = np.linalg.det(slopes[seen])
    if not len(determinants):
        return {}
    return {"least": round(float(determinants.min()), 3), "share": float(np.mean(determinants <= 0))}


def disagreement(point_map: PointMap, pair: Pair, like: Comparison) -> Array:
    """How far (N,) in mm points land from where the other pair's result puts them."""
    points, goals = np.asarray(like.points_mm), np.asarray(like.mapped_mm)
    if pair.swapped:
        points, goals = goals, points
    seen = pair.source.grid.contains(points) & pair.target.grid.contains(goals)
    return np.linalg.norm(point_map(points[seen]) - goals[seen], axis=1)


def _lesions(point_map: PointMap, pair: Pair) -> dict[str, Any]:
    """Errors at lesions, with the refinement where there is one, and whether points lie inside."""
    marks = pair.lesions
    found, expected = point_map(marks.source_mm), point_map.uncertainty_mm(marks.source_mm)
    result: dict[str, Any] = {}
    refined = None
    if isinstance(point_map, RefinablePointMap):
        start = time.perf_counter()
        near = [map_near(point_map, as_point(p)) for p in marks.source_mm]
        found = np.array([m([p])[0] for m, p in zip(near, marks.source_mm, strict=True)])
        result["refine_s"] = (time.perf_counter() - start) / len(marks)
        expected = np.array([m.uncertainty_mm([p])[0] for m, p in zip(near, marks.source_mm, strict=True)])
        refined = np.linalg.norm(found - marks.target_mm, axis=1)
    result["lesions"] = _errors(point_map, marks, refined, expected)
    if pair.target_labels is not None:
        here = [pair.target_labels[pair.target.grid.nearest_voxel(p)] for p in found]
        result["inside"] = [bool(a == b) for a, b in zip(here, marks.lesion, strict=True)]
    return result


def _errors(
    point_map: PointMap, marks: Marks, refined: Array | None = None, expected: Array | None = None
) -> dict[str, dict[str, list[float | None]]]:
    """Per kind of place: error before and after in mm, refined where it is, and what the map expects."""
    if not len(marks):
        return {}
    columns = {
        "before": np.linalg.norm(marks.source_mm - marks.target_mm, axis=1),
        "whole": np.linalg.norm(point_map(marks.source_mm) - marks.target_mm, axis=1),
        "expected": point_map.uncertainty_mm(marks.source_mm) if expected is None else expected,
    }
    if refined is not None:
        columns["refined"] = refined
    return {
        str(kind): {name: _rounded(column[marks.where == kind]) for name, column in columns.items()}
        for kind in np.unique(marks.where)
    }


def _inverse(method: Registration, point_map: PointMap, pair: Pair) -> dict[str, Any]:
    """How far points of the source come home after going to the target and back."""
    points = pair.body.source_mm if len(pair.body) else random_points(pair.source)
    there = point_map(points)
    seen = pair.target.grid.contains(there)
    try:
        back = method.align(pair.target, pair.source, silent)
    except RegistrationError as error:
        return {"inverse_refused": str(error)}
    return {"inverse_mm": _rounded(np.linalg.norm(back(there[seen]) - points[seen], axis=1))}


def _landmarks(pair: Pair) -> tuple[Landmark, ...]:
    """Exact places of the source, and those of the target as a careful reader would point at them."""
    rng = np.random.default_rng(7)
    source, target = pair.body.source_mm[:LANDMARKS], pair.body.target_mm[:LANDMARKS]
    target = target + rng.normal(0, LANDMARK_ERROR_MM / np.sqrt(3), target.shape)
    return tuple(
        Landmark(scan, f"L{i}", as_point(place))
        for scan, places in (("source", source), ("target", target))
        for i, place in enumerate(places)
    )


def _report(point_map: PointMap) -> dict[str, str]:
    if not isinstance(point_map, ReportingPointMap):
        return {}
    return {"summary": point_map.report.summary, "doubt": point_map.report.doubt}


def _kept(point_map: PointMap, points_mm: Array) -> dict[str, Any]:
    places = points_mm, point_map(points_mm)
    return asdict(Comparison(*(np.round(p, 3).tolist() for p in places)))


def _rounded(values: npt.ArrayLike) -> list[float | None]:
    """With 0.01 mm; None for what is not known, which JSON cannot say."""
    return [round(float(v), 2) if np.isfinite(v) else None for v in np.asarray(values)]
