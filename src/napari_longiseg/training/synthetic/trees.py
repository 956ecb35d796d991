"""Branching trees: vessels and airways that fill an organ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_longiseg.training.synthetic.canvas import Canvas
from napari_longiseg.training.synthetic.fields import capsule
from napari_longiseg.training.synthetic.tissue import Tissue

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Rods from ``start`` to ``stop``, both (N, 3) standard mm in (z, y, x), with radii (N,) in mm."""

    start: Points
    stop: Points
    radius: npt.NDArray[np.float64]


def grow(
    root: npt.ArrayLike, targets: Points, twig_mm: float, exponent: float, rng: np.random.Generator
) -> Tree:
    """Connect a root to all targets by a tree that stays short.

    Each target is joined to the node that gives the shortest way, new wood counting fully and the way
    back to the root a little; then each branch is bent. A branch that feeds n twigs has the radius
    ``twig_mm * n ** exponent`` (Murray's law has 1/3).

    Parameters
    ----------
    root : (3,) float
        Where the tree enters the organ, standard mm.
    targets : (N, 3) float
        Points that the twigs reach.
    """
    order = np.argsort(np.linalg.norm(targets - np.asarray(root), axis=1))
    nodes = np.empty((2 * len(targets) + 1, 3))
    parent = np.zeros(len(nodes), dtype=int)
    path = np.zeros(len(nodes))
    nodes[0], used = np.asarray(root), 1
    for target in targets[order]:
        reach = np.linalg.norm(nodes[:used] - target, axis=1)
        at = int(np.argmin(reach + 0.25 * path[:used]))
        length = float(reach[at])
        knee = nodes[at] + 0.55 * (target - nodes[at]) + rng.normal(0.0, 0.09 * length, 3)
        for point in (knee, target):
            nodes[used], parent[used] = point, at
            path[used] = path[at] + np.linalg.norm(point - nodes[at])
            at, used = used, used + 1
    twigs = np.zeros(used)
    twigs[2::2] = 1.0
    for node in range(used - 1, 0, -1):
        twigs[parent[node]] += twigs[node]
    radius = twig_mm * np.maximum(twigs[1:used], 1.0) ** exponent
    return Tree(nodes[parent[1:used]], nodes[1:used], radius)


def tube(points: npt.ArrayLike, radius: float | npt.ArrayLike) -> Tree:
    """One tube along a polyline of points (N, 3), of one radius or one per piece."""
    p = np.asarray(points, dtype=np.float64)
    return Tree(p[:-1], p[1:], np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(p) - 1,)))


def smooth_line(points: npt.ArrayLike, count: int = 24) -> Points:
    """*count* points along a Catmull-Rom curve through the points (N, 3)."""
    p = np.asarray(points, dtype=np.float64)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    t = np.linspace(0.0, len(p) - 3 - 1e-9, count)
    i = t.astype(int)
    f = (t - i)[:, None]
    a, b, c, d = p[i], p[i + 1], p[i + 2], p[i + 3]
    curve: Points = 0.5 * (
        2 * b + (c - a) * f + (2 * a - 5 * b + 4 * c - d) * f**2 + (3 * b - a - 3 * c + d) * f**3
    )
    return curve


def paint_tree(canvas: Canvas, tissue: Tissue, tree: Tree, thicker_mm: float = 0.0) -> None:
    """Paint a tree given in straight standard mm; what is thinner than a voxel becomes faint."""
    if not len(tree.radius):
        return
    edge = canvas.edge_mm
    radius = np.maximum(tree.radius + thicker_mm, 0.5 * edge)
    faint = np.clip(((tree.radius + thicker_mm) / radius) ** 2, 0.0, 1.0)
    reach = (radius + edge)[:, None]
    low, high = np.minimum(tree.start, tree.stop) - reach, np.maximum(tree.start, tree.stop) + reach
    region = canvas.region(low.min(axis=0), high.max(axis=0), margin=0.0)
    cover = np.zeros(tuple(r.stop - r.start for r in region), dtype=np.float32)
    for a, b, r, f, lo, hi in zip(tree.start, tree.stop, radius, faint, low, high, strict=True):
        box = canvas.region(lo, hi, margin=0.0)
        if any(s.stop <= s.start for s in box):
            continue
        z, y, x = (slice(s.start - o.start, s.stop - o.start) for s, o in zip(box, region, strict=True))
        distance = capsule(canvas.straight(box), a, b, float(r), float(r))
        here = cover[z, y, x]
        np.maximum(here, np.clip(0.5 - distance / edge, 0.0, 1.0) * np.float32(f), out=here)
    canvas.coat(tissue, cover, region)
