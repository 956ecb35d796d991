"""A second, finer look at the surroundings of one point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from napari_longiseg.core.geometry import Array, Box, Point, as_shape
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._torch.body import AIR
from napari_longiseg.registration._torch.flow import Recipe, Velocity, fit_flow, indices
from napari_longiseg.registration._torch.lattice import Lattice, image, inside
from napari_longiseg.registration._torch.lncc import RADIUS, LocalCorrelation
from napari_longiseg.registration._torch.volume import Volume, load_cube, sample, separable
from napari_longiseg.registration.region import Region
from napari_longiseg.registration.transforms import Displacement, Transform

MARGIN_MM = 16.0
"""What the cut out part of a scan is larger by, for the flow to move in."""
MIN_COMPARED = 0.05
"""Share of the cube that must lie in both scans."""


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two scans, seen from half way.

    Attributes
    ----------
    scan : Scan
        The scan.
    way : Transform
        From half way to the scan.
    region : Region or None
        What alone is compared, with the nodes next to it.
    """

    scan: Scan
    way: Transform
    region: Region | None


@dataclass(frozen=True)
class Look:
    """How to look.

    Attributes
    ----------
    spacing_mm, radius_mm : float
        Of the nodes, and half the edge of the cube.
    iterations : int
        How many steps.
    device : torch.device
        Where to work.
    """

    spacing_mm: float
    radius_mm: float
    iterations: int
    device: torch.device


def refine(source: Side, target: Side, middle_mm: Point, look: Look) -> Displacement | None:
    """Half a finer flow in a cube around a place half way between the scans (LPS mm, order z, y, x).

    Returns
    -------
    Displacement or None
        None where too little could be compared, or the scans did not agree better for it.
    """
    centre = np.asarray(middle_mm)
    lattice = Lattice.over(centre - look.radius_mm, centre + look.radius_mm, look.spacing_mm, look.device)
    of_source, of_target = _seen(source, lattice), _seen(target, lattice)
    if of_source is None or of_target is None:
        return None
    scene = _NearScene(lattice, of_source, of_target)
    velocity = Velocity(lattice, extends=False)
    before = _correlation(scene, velocity)
    if not np.isfinite(before):
        return None
    fit_flow(scene, velocity, Recipe(look.iterations), lambda _: None)
    return velocity.displacement() if _correlation(scene, velocity) > before else None


@dataclass(frozen=True, eq=False)
class _View:
    """A part of a scan, where the nodes lie in it, and which of these are worth comparing."""

    volume: Volume
    places: Tensor
    weight: Tensor

    def look(self, nodes: Tensor) -> Tensor:
        """(Z, Y, X) intensities where nodes (3, Z, Y, X; index) of the lattice lie."""
        return image(self.volume, sample(self.places, nodes))

    def weigh(self, nodes: Tensor) -> Tensor:
        """(Z, Y, X): 0 where there is nothing to see."""
        return inside(sample(self.places, nodes), self.volume) * sample(self.weight[None], nodes)[0]


class _NearScene:
    """Both scans around a place."""

    def __init__(self, lattice: Lattice, source: _View, target: _View) -> None:
        self.lattice = lattice
        self._source, self._target = source, target
        self._nodes = indices(lattice)

    def look(self, forth: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
        """Source and target intensities (Z, Y, X), nodes displaced (3, Z, Y, X; mm) to either side."""
        return self._source.look(self._moved(back)), self._target.look(self._moved(forth))

    def weight(self, forth: Tensor, back: Tensor) -> Tensor:
        """(Z, Y, X): 1 where both scans show something else than air, and the region where there is one."""
        at_source, at_target = self._moved(back), self._moved(forth)
        shown = self._source.weigh(at_source) * self._target.weigh(at_target)
        return shown * (torch.maximum(*self.look(forth, back)) > AIR)

    def _moved(self, flow: Tensor) -> Tensor:
        return self._nodes + flow / self.lattice.spacing_mm


def _correlation(scene: _NearScene, velocity: Velocity) -> float:
    """Mean local correlation; nan where too little could be compared."""
    flows = velocity.half_flows()
    measure = LocalCorrelation(scene.lattice.shape, RADIUS, scene.lattice.device)
    weight = scene.weight(*flows)
    if float(weight.mean()) < MIN_COMPARED:
        return float("nan")
    measure.weigh(weight)
    return measure.mean(measure.correlation(*scene.look(*flows)))


def _seen(side: Side, lattice: Lattice) -> _View | None:
    """What a scan shows under a lattice; None where that is too little."""
    thin = lattice.halved()  # the way is smooth: every other node will do
    goes = side.way(thin.points_mm())
    low, high = goes.min(axis=0) - MARGIN_MM, goes.max(axis=0) + MARGIN_MM
    volume = _cut(side.scan, low, high, lattice.spacing_mm, lattice.device)
    if volume is None:
        return None
    at = lattice.tensor(((goes - volume.origin) / volume.spacing).T.reshape(3, *thin.shape))
    places = separable(at, lattice.between())
    if side.region is None:
        return _View(volume, places, torch.ones(lattice.shape, device=lattice.device))
    within = lattice.tensor((side.region.share(goes) > 0.5).reshape(1, *thin.shape))
    # More than nothing between two nodes: the region and what lies next to it.
    return _View(volume, places, (separable(within, lattice.between())[0] > 0).float())


def _cut(scan: Scan, low: Array, high: Array, spacing_mm: float, device: torch.device) -> Volume | None:
    """A box (mm) of a scan at a finer spacing; None where they have too little in common."""
    start, stop = np.floor(scan.grid.to_index(low)), np.ceil(scan.grid.to_index(high)) + 1
    box = Box(as_shape(start), as_shape(stop)).clipped(scan.grid.shape)
    if box.is_empty or min(np.asarray(box.shape) * scan.grid.spacing_mm) < 4 * spacing_mm:
        return None
    return load_cube(scan.crop(box), scan.grid.crop(box), spacing_mm, device)
