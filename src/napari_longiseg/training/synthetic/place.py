"""Where lesions sit: inside their organ, in the field of view of every scan, apart from each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Array, Grid
from napari_longiseg.training.synthetic.canvas import Canvas
from napari_longiseg.training.synthetic.courses import DIAMETER_MM, Course, Host, Plan, volume_factors
from napari_longiseg.training.synthetic.fields import Field
from napari_longiseg.training.synthetic.lesions import Look, Shape, random_look, random_shape
from napari_longiseg.training.synthetic.motion import Motion
from napari_longiseg.training.synthetic.tissue import Tissue

CLEARANCE_MM = {Host.LUNG: 2.0, Host.LIVER: 3.0, Host.NODE: -1.0, Host.BONE: -0.5}
"""Room between a lesion's ball and the border of its host."""
APART_MM = 7.0
"""Room between two lesions."""
TRIES = 600
FITS = 12
"""Of how many possible places of a pair the one that disturbs its course least is taken."""
SHRINK = 0.87
"""How much smaller a lesion is tried where there is no room for it, up to six times."""


@dataclass(frozen=True, slots=True, eq=False)
class Lobe:
    """One body over all dates. A lesion has one, or two before it splits.

    Attributes
    ----------
    lesion : int
        The lesion that it belongs to at first.
    partner : int or None
        Index of the other lobe of a pair that merges or splits.
    anchor_mm : (3,) float64
        Its centre on the first scan, LPS mm (z, y, x).
    radius_mm : float
        Of the ball of its volume where its factor is 1.
    factors : tuple of float
        Volume factor per date.
    """

    lesion: int
    plan: Plan
    shape: Shape
    look: Look
    radius_mm: float
    factors: tuple[float, ...]
    anchor_mm: Array
    partner: int | None = None

    def radius_at(self, date: int) -> float:
        """Radius in mm of the ball of its volume on one date."""
        return float(self.radius_mm * np.cbrt(self.factors[date]))


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """What limits the places: the anatomy, and where each date's scanner looks."""

    canvas: Canvas
    size: float
    motions: Sequence[Motion]
    grids: Sequence[Grid]


def place(plans: Sequence[Plan], room: Room, rng: np.random.Generator) -> list[Lobe]:
    """Find a place for every planned lesion, large and double ones first; ids follow the plans' order.

    Raises
    ------
    InputError
        When there is no room for one even at less than half of its size.
    """
    drafts = _drafts(plans, len(room.grids), rng)
    order = sorted(range(len(drafts)), key=lambda i: -sum(_largest(lobe) for lobe in drafts[i]))
    depths = {host: _depth(room, host) for host in {plan.host for plan in plans}}
    placed: dict[int, list[Lobe]] = {}
    for i in order:
        others = [lobe for group in placed.values() for lobe in group]
        placed[i] = _settle(drafts[i], depths[plans[i].host], room, others, rng)
    lobes: list[Lobe] = []
    for i in range(len(drafts)):
        first = len(lobes)
        pair = len(placed[i]) == 2
        lobes += [replace(o, partner=first + 1 - k if pair else None) for k, o in enumerate(placed[i])]
    return lobes


def _drafts(plans: Sequence[Plan], dates: int, rng: np.random.Generator) -> list[list[Lobe]]:
    """Lobes without a place, grouped by plan."""
    drafts, number = [], 1
    for plan in plans:
        diameter = plan.diameter_mm or float(rng.uniform(*DIAMETER_MM[plan.host]))
        pair = plan.course in (Course.MERGE, Course.SPLIT)
        factors = volume_factors(plan, dates, rng)
        spikes = (
            int(rng.integers(9, 16)) if plan.host is Host.LUNG and not pair and rng.uniform() < 0.3 else 0
        )
        roughness = 0.08 if pair else {Host.NODE: 0.1, Host.BONE: 0.13}.get(plan.host, 0.22)
        look = random_look(plan.host, diameter, rng)
        ratios = (0.72, 0.6) if pair else (1.0,)
        group = []
        for k, ratio in enumerate(ratios):
            lesion = number + (k if plan.course is Course.MERGE else 0)
            shape = random_shape(roughness, spikes, rng)
            group.append(Lobe(lesion, plan, shape, look, 0.5 * diameter * ratio, factors, np.zeros(3)))
        drafts.append(group)
        number += 2 if plan.course is Course.MERGE else 1
    return drafts


def _depth(room: Room, host: Host) -> Field:
    """How deep in its host each voxel of the canvas lies, mm; negative where no lesion may sit."""
    canvas = room.canvas
    if host is not Host.NODE:
        depth = -canvas.hosts[host] * np.float32(room.size)
        if host is Host.LUNG:  # not on a large vessel
            depth[~np.isin(canvas.owner, (Tissue.LUNG, Tissue.FISSURE))] = -1.0
        return depth
    spacing = canvas.grid.spacing_mm
    fat = canvas.owner == Tissue.INNER_FAT
    vessel = np.isin(canvas.owner, (Tissue.BLOOD, Tissue.VENOUS, Tissue.AIRWAY))
    near = ndimage.distance_transform_edt(~vessel, sampling=spacing) < 22.0 * room.size
    pockets: Field = ndimage.distance_transform_edt(fat, sampling=spacing).astype(np.float32)
    pockets[~near] = -1.0
    return pockets


def _settle(
    group: list[Lobe], depth: Field, room: Room, others: Sequence[Lobe], rng: np.random.Generator
) -> list[Lobe]:
    for _ in range(7):
        if found := _try_places(group, depth, room, others, rng):
            return found
        group = [replace(lobe, radius_mm=lobe.radius_mm * SHRINK) for lobe in group]
    plan = group[0].plan
    msg = (
        f"There is no room for a lesion '{plan.host}:{plan.course}' in the field of view; ask for fewer or "
        "smaller lesions, or for a larger shape."
    )
    raise InputError(msg)


def _try_places(
    group: list[Lobe], depth: Field, room: Room, others: Sequence[Lobe], rng: np.random.Generator
) -> list[Lobe] | None:
    need = _largest(group[0]) + CLEARANCE_MM[group[0].plan.host]
    voxels = np.flatnonzero(depth > max(need, 0.5))
    if not len(voxels):
        return None
    picked = np.stack(np.unravel_index(rng.choice(voxels, TRIES), depth.shape), axis=1)
    places = room.canvas.grid.to_mm(picked)
    ways = rng.standard_normal((TRIES, 3))
    ways *= _spread(group) / np.linalg.norm(ways, axis=1, keepdims=True)
    centres = [places] if len(group) == 1 else [places - 0.45 * ways, places + 0.55 * ways]
    good = np.ones(TRIES, dtype=bool)
    for lobe, at in zip(group, centres, strict=True):
        good &= _deep_enough(at, lobe, depth, room) & _apart(at, lobe, others)
    few = np.flatnonzero(good)[: 4 * FITS]
    for lobe, at in zip(group, centres, strict=True):
        few = few[_seen(at[few], lobe, room)]
    if not len(few):
        return None
    if len(group) == 1:
        return [replace(group[0], anchor_mm=places[few[0]])]
    ends = ([replace(o, anchor_mm=at[i]) for o, at in zip(group, centres, strict=True)] for i in few[:FITS])
    return min((_fitted(a, b, room) for a, b in ends), key=lambda pair: _disturbed(pair, group))


def _disturbed(pair: Sequence[Lobe], wished: Sequence[Lobe]) -> float:
    """How far the factors of a pair are from the wished ones."""
    return float(np.abs(np.log(np.divide(pair[0].factors, wished[0].factors))).max())


def _deep_enough(centres: Array, lobe: Lobe, depth: Field, room: Room) -> npt.NDArray[np.bool_]:
    index = np.rint(room.canvas.grid.to_index(centres)).astype(int)
    kept = np.clip(index, 0, np.asarray(depth.shape) - 1)
    enough = depth[tuple(kept.T)] > max(_largest(lobe) + CLEARANCE_MM[lobe.plan.host], 0.5)
    return np.asarray(enough & (kept == index).all(axis=1))


def _seen(centres: Array, lobe: Lobe, room: Room) -> npt.NDArray[np.bool_]:
    """Whether the whole lesion lies in the field of view on every date."""
    margin = 1.5 * _largest(lobe) + 3.0
    seen = np.ones(len(centres), dtype=bool)
    for motion, grid in zip(room.motions, room.grids, strict=True):
        low, high = grid.bounds_mm()
        p = motion.from_first(centres)
        seen &= ((p > low + margin) & (p < high - margin)).all(axis=1)
    return seen


def _apart(centres: Array, lobe: Lobe, others: Sequence[Lobe]) -> npt.NDArray[np.bool_]:
    apart = np.ones(len(centres), dtype=bool)
    for other in others:
        reach = 1.3 * (_largest(lobe) + _largest(other)) + APART_MM
        apart &= np.linalg.norm(centres - other.anchor_mm, axis=1) > reach
    return apart


def _largest(lobe: Lobe) -> float:
    return max(lobe.radius_at(date) for date in range(len(lobe.factors)))


def _spread(group: list[Lobe]) -> float:
    """Distance between the centres of a pair on the first date."""
    share = {Course.MERGE: 1.5, Course.SPLIT: 0.8}.get(group[0].plan.course, 0.0)
    return share * sum(lobe.radius_mm for lobe in group)


def _fitted(a: Lobe, b: Lobe, room: Room) -> list[Lobe]:
    """The pair with factors such that it is one or two bodies when it should be, however it is deformed."""
    scales = np.cbrt(np.asarray(a.factors))
    total = a.radius_mm + b.radius_mm
    last = len(room.motions) - 1
    for date, motion in enumerate(room.motions):
        ends = motion.from_first(np.stack([a.anchor_mm, b.anchor_mm]))
        distance = float(np.linalg.norm(ends[0] - ends[1]))
        if (date == last and last > 0) == (a.plan.course is Course.MERGE):
            scales[date] = max(scales[date], distance / (0.85 * total))
        else:
            gap = max(2.0, 1.75 * max(room.grids[date].spacing_mm))  # no two voxels touch, not by a corner
            scales[date] = min(scales[date], max(0.92 * distance - gap, 0.35 * distance) / total)
    factors = tuple(float(s) ** 3 for s in scales)
    return [replace(a, factors=factors), replace(b, factors=factors)]
