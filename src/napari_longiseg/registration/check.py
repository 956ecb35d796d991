"""A registration to be looked at: the source scan, its lattice and the doubts about both, on the target."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.geometry import Array, Grid, as_point, as_shape
from napari_longiseg.core.progress import Progress, scaled, silent
from napari_longiseg.core.resample import Float32
from napari_longiseg.core.scan import AIR_HU, Scan
from napari_longiseg.registration._places import (
    Bool,
    Forward,
    Nodes,
    body,
    lattice_over,
    places_on_source,
)
from napari_longiseg.registration.base import MapReport, PointMap, ReportingPointMap

MOST_VOXELS = 256**3
"""Of what is shown: source scan, lines and uncertainty take 9 bytes each, 150 MB at most. Measured with a
target of 400 x 512 x 512 voxels on one core: 6.5 s, and 190 MB at the height of it."""
FINE_MM = 2.0
"""Voxels within slices are made this coarse before slices are left out."""
LINES_MM = 20.0
"""Distance of the lattice's lines on the source scan."""
LINE_MM = 1.5
"""Half their width, or a voxel where that is more."""
LOST = 0.01
"""Part of the patient that a map may have no way back for without a word."""


@dataclass(frozen=True, eq=False)
class RegistrationCheck:
    """What a map from a source to a target scan does, on a grid over the target.

    Attributes
    ----------
    source, target : Scan
        The aligned pair.
    grid : Grid
        Every n-th voxel of the target along each axis, from its first one on.
    warped : (Z, Y, X) int16
        The source scan there, in HU; air where it has no place on the source.
    nearness : (3, Z, Y, X) uint8
        255 on the planes of a lattice of the source, 0 beside them; the first axis says which coordinate
        is constant on them.
    uncertainty_mm : (Z, Y, X) float32
        The map's own; ``nan`` where it has none.
    report : MapReport
        What the map says of itself, and what was found here.
    method : str
        Name of the registration, where whoever checks it has told.
    """

    source: Scan
    target: Scan
    grid: Grid
    warped: npt.NDArray[np.int16]
    nearness: npt.NDArray[np.uint8]
    uncertainty_mm: Float32
    report: MapReport
    method: str = ""

    @cached_property
    def tells_uncertainty(self) -> bool:
        """Whether the map knows its error anywhere."""
        return bool(np.isfinite(self.uncertainty_mm).any())

    def checkerboard(self, square_mm: float) -> Float32:
        """The source scan (Z, Y, X) in every other cube of this edge, ``nan`` in those between."""
        gap = np.zeros((1, 1, 1), dtype=bool)
        for axis, (n, spacing) in enumerate(zip(self.grid.shape, self.grid.spacing_mm, strict=True)):
            cube = np.floor((np.arange(n) - (n - 1) / 2) * spacing / square_mm)
            gap = gap ^ np.expand_dims(cube % 2 == 1, tuple({0, 1, 2} - {axis}))
        return np.where(gap, np.float32(np.nan), self.warped.astype(np.float32))

    def lines(self, displayed: Collection[int]) -> npt.NDArray[np.uint8]:
        """The lattice (Z, Y, X) for a view of these two or three axes: 255 on its lines, 0 beside them.

        In a slice these are the planes across its two axes; in three dimensions, where two planes meet.
        """
        return _drawn(self.nearness, displayed)


def check_registration(
    point_map: PointMap, source: Scan, target: Scan, progress: Progress = silent
) -> RegistrationCheck:
    """Bring the source scan and its lattice to the target, with the map's uncertainty.

    Any map will do; between nodes 6 mm apart it is interpolated. It is the map of the whole scans, without
    what a method refines around single lesions.

    Raises
    ------
    RegistrationError
        When the map flattens the scan, or has no values.
    Cancelled
        From *progress*.
    """
    grid = working_grid(target.grid)
    lattice = lattice_over(grid)
    forward = Forward.of(point_map, source.grid, scaled(progress, 0.0, 0.1))
    places, known = places_on_source(point_map, forward, lattice, scaled(progress, 0.1, 0.4))
    trust = _trust(point_map, places, known, scaled(progress, 0.4, 0.5))
    smooth, linear = Nodes.between(lattice, grid, 3), Nodes.between(lattice, grid, 1)
    warped = np.empty(grid.shape, np.int16)
    near = np.empty((3, *grid.shape), np.uint8)
    uncertainty = np.empty(grid.shape, np.float32)
    size = grid.shape[1:]
    for k in range(grid.shape[0]):
        progress(f"Warping {source.id} onto {target.id}", 0.5 + 0.5 * k / grid.shape[0])
        points = smooth.plane(places, k).reshape(3, -1).T
        sure, weight, back = linear.plane(trust, k).reshape(3, -1)
        seen = (back >= 0.5) & source.grid.contains(points)
        warped[k] = _sampled(source, points, seen).reshape(size)
        near[:, k] = _nearness(source.grid, grid, points, seen).reshape(3, *size)
        error = np.where(seen & (weight >= 0.5), sure / np.maximum(weight, 0.5), np.nan)
        uncertainty[k] = error.reshape(size)
    progress("Done", 1.0)
    report = _report(point_map, _least_volume(forward, source, target), _lost(known, target, lattice))
    return RegistrationCheck(source, target, grid, warped, near, uncertainty, report)


def straight_lines(scan: Scan, displayed: Collection[int]) -> tuple[Grid, npt.NDArray[np.uint8]]:
    """A scan's own lattice, which :meth:`RegistrationCheck.lines` shows carried over, on a grid over it."""
    grid = working_grid(scan.grid)
    middle = np.mean(scan.grid.bounds_mm(), axis=0)
    near = []
    for axis, spacing in enumerate(grid.spacing_mm):
        offset = grid.origin_mm[axis] - middle[axis] + spacing * np.arange(grid.shape[axis])
        near.append(np.expand_dims(_near_line(offset, spacing), tuple({0, 1, 2} - {axis})))
    return grid, np.broadcast_to(_drawn(near, displayed), grid.shape)


def working_grid(target: Grid) -> Grid:
    """Every n-th voxel of a grid along each axis, so that at most :data:`MOST_VOXELS` are left.

    No slice is left out before the voxels within slices are as coarse as :data:`FINE_MM`.
    """
    steps, fine = np.ones(3, dtype=int), np.asarray(target.spacing_mm)
    while np.prod(shape := -(-np.asarray(target.shape) // steps)) > MOST_VOXELS:
        spacing = steps * fine
        if spacing[1:].min() < FINE_MM:
            spacing[0] = np.inf
        steps[spacing < 1.01 * spacing.min()] += 1
    return Grid(as_shape(shape), as_point(steps * fine), target.origin_mm)


def _trust(point_map: PointMap, places: Array, known: Bool, progress: Progress) -> Array:
    """The map's uncertainty at the nodes (3, Z, Y, X), whether it has one, and whether it has a way back."""
    planes = []
    for k in range(len(known)):
        progress("Asking for the uncertainty", k / len(known))
        planes.append(point_map.uncertainty_mm(places[:, k].reshape(3, -1).T))
    found = np.stack(planes).reshape(known.shape)
    has = np.isfinite(found) & known
    return np.stack([np.where(has, found, 0.0), has, known])


def _sampled(source: Scan, points: Array, seen: Bool) -> npt.NDArray[np.int16]:
    """HU (N,) of the source at points (N, 3); air where they are not *seen*."""
    found = np.full(len(points), AIR_HU, dtype=np.float32)
    index = source.grid.to_index(points[seen]).T
    found[seen] = ndimage.map_coordinates(source.image, index, np.float32, order=1, mode="nearest")
    return np.clip(np.rint(found), -32768, 32767).astype(np.int16)


def _nearness(source: Grid, grid: Grid, points: Array, seen: Bool) -> npt.NDArray[np.uint8]:
    """How near (3, N) source points are to the planes of the lattice, which cross in the scan's middle."""
    offset = points.T - np.mean(source.bounds_mm(), axis=0)[:, None]
    near = [_near_line(part, spacing) for part, spacing in zip(offset, grid.spacing_mm, strict=True)]
    return np.where(seen, np.stack(near), 0).astype(np.uint8)


def _near_line(offset_mm: Array, spacing_mm: float) -> npt.NDArray[np.uint8]:
    """255 on a multiple of :data:`LINES_MM`, falling to 0 within half a line's width."""
    distance = np.abs((offset_mm + LINES_MM / 2) % LINES_MM - LINES_MM / 2)
    return np.rint(255 * np.clip(1.0 - distance / max(spacing_mm, LINE_MM), 0.0, 1.0)).astype(np.uint8)


def _drawn(nearness: Sequence[Any] | npt.NDArray[Any], displayed: Collection[int]) -> npt.NDArray[np.uint8]:
    """Lines where a view of two axes cuts the planes across them, or where two of three planes meet."""
    a, b, *rest = (nearness[axis] for axis in displayed)
    lines = np.maximum(a, b)
    for c in rest:
        lines = np.maximum(np.minimum(a, b), np.minimum(lines, c))
    return np.asarray(lines)


def _least_volume(forward: Forward, source: Scan, target: Scan) -> float:
    """The smallest local change of volume in the patient; 0 or less where the map folds."""
    where = body(source, forward.lattice) & target.grid.contains(np.moveaxis(forward.mapped_mm, 0, -1))
    found = forward.jacobian()[where]
    found = found[np.isfinite(found)]
    return float(found.min()) if found.size else float("nan")


def _lost(known: Bool, target: Scan, lattice: Grid) -> float:
    """Part of the patient on the target that the map has no way back for."""
    patient = body(target, lattice)
    return float(np.mean(~known[patient])) if patient.any() else 0.0


def _report(point_map: PointMap, least_volume: float, lost: float) -> MapReport:
    """What the map says of itself, and what a look at it has added."""
    own = MapReport("This registration does not say how well the scans fit.")
    if isinstance(point_map, ReportingPointMap):
        own = point_map.report
    summary, doubts = own.summary, [own.doubt]
    if least_volume <= 0:
        doubts.append("The map folds tissue over itself in places, where no point can be trusted.")
    elif np.isfinite(least_volume):
        summary += f" Tissue keeps at least {least_volume:.2f} of its volume everywhere."
    if lost > LOST:
        doubts.append(f"The map has no way back for {100 * lost:.0f} % of the patient, left black here.")
    return MapReport(summary, " ".join(doubt for doubt in doubts if doubt))
