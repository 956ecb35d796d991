"""Where the voxels of a target scan lie on the source scan, by any point map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.geometry import Array, Grid, as_point, as_shape
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.base import PointMap
from napari_longiseg.registration.inverse import Carry, fitted_affine, own_inverse
from napari_longiseg.registration.transforms import Chain, Displacement

LATTICE_MM = 6.0
"""Widest distance between the nodes at which maps are asked; what they do in between is not seen."""
MISS_MM = 2.0
"""Nodes that the map carries farther than this past their place on the target have no place on the source."""
BODY_HU = -400.0
"""Denser than this is tissue."""

Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Nodes:
    """Values at the nodes of a lattice that spans a grid, from its first to its last voxel centres.

    Attributes
    ----------
    weights : three (voxels, nodes) float64
        What each voxel along an axis takes of each node: a spline of the third degree, or of the first.
    """

    weights: tuple[Array, Array, Array]

    @classmethod
    def between(cls, lattice: Grid, grid: Grid, degree: int) -> Nodes:
        """To interpolate from *lattice*, made by :func:`lattice_over`, to *grid*."""
        z, y, x = (_weights(n, m, degree) for n, m in zip(grid.shape, lattice.shape, strict=True))
        return cls((z, y, x))

    def plane(self, values: Array, k: int) -> Array:
        """Values (C, Y, X) on the k-th plane of the grid, of values (C, Z, Y, X) at the nodes."""
        z, y, x = self.weights
        return np.asarray(y @ np.tensordot(z[k], values, axes=(0, 1)) @ x.T)


@dataclass(frozen=True, eq=False)
class Forward:
    """A map as it is at the nodes of a lattice over the source scan.

    Attributes
    ----------
    lattice : Grid
        Over the source scan.
    mapped_mm : (3, Z, Y, X) float64
        Target points; the first axis is the component, order (z, y, x).
    """

    lattice: Grid
    mapped_mm: Array

    @classmethod
    def of(cls, point_map: PointMap, source: Grid, progress: Progress) -> Forward:
        """Ask a map at nodes all over the source scan."""
        lattice = lattice_over(source)
        mapped = []
        for k in range(lattice.shape[0]):
            progress("Sampling the map", k / lattice.shape[0])
            mapped.append(np.reshape(point_map(plane_mm(lattice, k)), (*lattice.shape[1:], 3)))
        return cls(lattice, np.moveaxis(np.stack(mapped), -1, 0))

    def jacobian(self) -> Array:
        """Determinant (Z, Y, X) of the map's derivative: the local change of volume; <= 0 where it folds."""
        spacing = self.lattice.spacing_mm
        steps = [np.gradient(self.mapped_mm, spacing[axis], axis=1 + axis) for axis in range(3)]
        return np.asarray(np.linalg.det(np.moveaxis(np.stack(steps), (0, 1), (-1, -2))))

    def transform(self) -> Chain:
        """An affine map and a displacement, which has an inverse.

        Raises
        ------
        RegistrationError
            When the map flattens the scan or has no values.
        """
        points = np.stack([plane_mm(self.lattice, k) for k in range(self.lattice.shape[0])]).reshape(-1, 3)
        mapped = self.mapped_mm.reshape(3, -1).T
        known = np.asarray(np.isfinite(mapped).all(axis=1))
        affine = fitted_affine(points, mapped)
        left = np.where(known[:, None], affine.inverse(mapped) - points, 0.0)
        vectors = left.T.reshape(self.mapped_mm.shape).astype(np.float32)
        return Chain((Displacement(vectors, self.lattice, order=3), affine))


def lattice_over(grid: Grid) -> Grid:
    """Nodes at most :data:`LATTICE_MM` apart from the first to the last voxel centre of an LPS grid."""
    extent = (np.asarray(grid.shape) - 1) * grid.spacing_mm
    shape = np.maximum(np.ceil(extent / LATTICE_MM - 1e-9), 1).astype(int) + 1
    spacing = np.where(extent > 0, extent, LATTICE_MM) / (shape - 1)
    return Grid(as_shape(shape), as_point(spacing), grid.origin_mm)


def plane_mm(grid: Grid, k: int) -> Array:
    """Centres (Y * X, 3) of the voxels of the k-th plane of a grid, LPS mm."""
    y, x = np.meshgrid(*(np.arange(n) for n in grid.shape[1:]), indexing="ij")
    return grid.to_mm(np.stack([np.full_like(y, k), y, x], axis=-1).reshape(-1, 3))


def places_on_source(
    point_map: PointMap, forward: Forward, lattice: Grid, progress: Progress
) -> tuple[Array, Bool]:
    """Where the nodes of a lattice over the target lie on the source.

    Parameters
    ----------
    point_map : PointMap
        Source to target. One with a ``transform.inverse`` knows its way back; any other is inverted from
        what it is at the nodes of *forward*.

    Returns
    -------
    places : (3, Z, Y, X) float64
        Source points in mm.
    known : (Z, Y, X) bool
        Whether the map carries the place back to the node, up to :data:`MISS_MM`.
    """
    inverse = _way_back(point_map, forward)
    places, known = [], []
    for k in range(lattice.shape[0]):
        progress("Inverting the map", k / lattice.shape[0])
        nodes = plane_mm(lattice, k)
        found = inverse(nodes)
        places.append(found.reshape(*lattice.shape[1:], 3))
        miss = np.linalg.norm(point_map(found) - nodes, axis=1)
        known.append((miss <= MISS_MM).reshape(lattice.shape[1:]))  # nan is not known either
    return np.moveaxis(np.stack(places), -1, 0), np.stack(known)


def body(scan: Scan, lattice: Grid) -> Bool:
    """Nodes of a lattice from a scan's first voxel on that lie in the patient, lungs and gas included."""
    places = []
    for axis, nodes in enumerate(lattice.shape):
        index = np.rint(np.arange(nodes) * lattice.spacing_mm[axis] / scan.grid.spacing_mm[axis])
        places.append(np.minimum(index.astype(int), scan.grid.shape[axis] - 1))
    tissue = scan.image[np.ix_(*places)] > BODY_HU
    return np.stack([ndimage.binary_fill_holes(plane) for plane in tissue])


def _way_back(point_map: PointMap, forward: Forward) -> Carry:
    """The inverse that a map has itself, else our own."""
    known = own_inverse(point_map)
    return forward.transform().inverse if known is None else known


def _weights(voxels: int, nodes: int, degree: int) -> Array:
    from scipy.interpolate import make_interp_spline  # takes a moment that opening the panel need not pay for

    at = np.linspace(0.0, 1.0, nodes)
    spline = make_interp_spline(at, np.eye(nodes), k=min(degree, nodes - 1))
    return np.asarray(spline(np.linspace(0.0, 1.0, voxels)))
