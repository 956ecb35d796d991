"""A second, finer look at the surroundings of one point."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from napari_longiseg.core.geometry import Array, Box, Point, as_shape
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._torch.flow import Recipe, Velocity, fit_flow, indices
from napari_longiseg.registration._torch.lattice import Lattice, image, inside
from napari_longiseg.registration._torch.lncc import LocalCorrelation
from napari_longiseg.registration._torch.volume import Volume, load_cube, sample
from napari_longiseg.registration.transforms import Displacement, Transform

MARGIN_MM = 16.0
"""What the cut out part of a scan is larger by, for the flow to move in."""
MIN_COMPARED = 0.05
"""Share of the cube that must lie in both scans."""
AIR = 0.05
RADIUS = 2


def refine(
    source: Scan,
    target: Scan,
    to_source: Transform,
    to_target: Transform,
    middle_mm: Point,
    device: torch.device,
    spacing_mm: float,
    radius_mm: float,
    iterations: int,
) -> Displacement | None:
    """Half a finer flow in a cube around a place half way between the scans.

    Parameters
    ----------
    source, target : Scan
        The scans.
    to_source, to_target : Transform
        From half way to either scan.
    middle_mm : Point
        The middle of the cube half way (LPS mm, order z, y, x).
    device : torch.device
        Where to work.
    spacing_mm, radius_mm : float
        Of the nodes, and half the edge of the cube.
    iterations : int
        How many steps.

    Returns
    -------
    Displacement or None
        None where too little could be compared, or the scans agreed better without it.
    """
    centre = np.asarray(middle_mm)
    lattice = Lattice.over(centre - radius_mm, centre + radius_mm, spacing_mm, device)
    seen = [_seen(scan, way, lattice) for scan, way in ((source, to_source), (target, to_target))]
    if seen[0] is None or seen[1] is None:
        return None
    scene = _NearScene(lattice, *seen[0], *seen[1])
    velocity = Velocity(lattice, extends=False)
    before = _correlation(scene, velocity)
    if not np.isfinite(before):
        return None
    fit_flow(scene, velocity, Recipe(iterations, RADIUS), lambda _: None)
    return velocity.displacement() if _correlation(scene, velocity) >= before else None


class _NearScene:
    """Both scans around a place."""

    def __init__(
        self, lattice: Lattice, source: Volume, at_source: Tensor, target: Volume, at_target: Tensor
    ) -> None:
        self.lattice = lattice
        self._source, self._target = source, target
        self._at_source, self._at_target = at_source, at_target
        self._nodes = indices(lattice)

    def look(self, forth: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
        """Source and target intensities (Z, Y, X), nodes displaced (3, Z, Y, X; mm) to either side."""
        at_source, at_target = self._places(forth, back)
        return image(self._source, at_source), image(self._target, at_target)

    def weight(self, forth: Tensor, back: Tensor) -> Tensor:
        """(Z, Y, X): 1 where both scans show something else than air."""
        at_source, at_target = self._places(forth, back)
        shown = inside(at_source, self._source) * inside(at_target, self._target)
        seen = torch.maximum(image(self._source, at_source), image(self._target, at_target)) > AIR
        return shown * seen

    def _places(self, forth: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
        at_source = sample(self._at_source, self._nodes + back / self.lattice.spacing_mm)
        return at_source, sample(self._at_target, self._nodes + forth / self.lattice.spacing_mm)


def _correlation(scene: _NearScene, velocity: Velocity) -> float:
    """Mean local correlation; nan where too little could be compared."""
    flows = velocity.half_flows()
    measure = LocalCorrelation(scene.lattice.shape, RADIUS, scene.lattice.device)
    weight = scene.weight(*flows)
    if float(weight.mean()) < MIN_COMPARED:
        return float("nan")
    measure.weigh(weight)
    return measure.mean(measure.correlation(*scene.look(*flows)))


def _seen(scan: Scan, way: Transform, lattice: Lattice) -> tuple[Volume, Tensor] | None:
    """The part of a scan that a lattice lies over, and where its nodes lie in it."""
    points = np.stack(np.meshgrid(*lattice.axes_mm(), indexing="ij"), axis=-1).reshape(-1, 3)
    goes = way(points)
    low, high = goes.min(axis=0) - MARGIN_MM, goes.max(axis=0) + MARGIN_MM
    volume = _cut(scan, low, high, lattice.spacing_mm, lattice.device)
    if volume is None:
        return None
    at = (goes - volume.origin) / volume.spacing
    return volume, lattice.tensor(at.T.reshape(3, *lattice.shape))


def _cut(scan: Scan, low: Array, high: Array, spacing_mm: float, device: torch.device) -> Volume | None:
    """A box (mm) of a scan at a finer spacing; None where they have too little in common."""
    start, stop = np.floor(scan.grid.to_index(low)), np.ceil(scan.grid.to_index(high)) + 1
    box = Box(as_shape(start), as_shape(stop)).clipped(scan.grid.shape)
    if box.is_empty or min(np.asarray(box.shape) * scan.grid.spacing_mm) < 4 * spacing_mm:
        return None
    return load_cube(scan.crop(box), scan.grid.crop(box), spacing_mm, device)
