"""The part of a VOI that one lesion is looked for in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.geometry import Box, Grid, Point, as_point, as_shape
from napari_longiseg.core.resample import resample_smoothly
from napari_longiseg.core.scan import AIR_HU

Float32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Patch:
    """A cube of isotropic voxels around a point, or a box of the VOI's own voxels.

    Attributes
    ----------
    image : (Z, Y, X) float32
        HU.
    grid : Grid
        LPS.
    seen : (Z, Y, X) bool
        Where the VOI has voxels.
    """

    image: Float32
    grid: Grid
    seen: Mask

    @property
    def voxel_mm(self) -> float:
        """Edge length of a voxel, the shortest one."""
        return min(self.grid.spacing_mm)

    @cached_property
    def rim(self) -> Mask:
        """Voxels (Z, Y, X) bool at the edge of what the VOI shows."""
        rim: Mask = self.seen & ~np.asarray(ndimage.binary_erosion(self.seen))
        return rim

    def distance_mm(self, point_mm: Point) -> npt.NDArray[np.float64]:
        """Distance (Z, Y, X) of every voxel from a point, in mm."""
        axes = (
            (np.arange(n) - c) * step
            for n, c, step in zip(
                self.grid.shape, self.grid.to_index(point_mm), self.grid.spacing_mm, strict=True
            )
        )
        z, y, x = np.meshgrid(*axes, indexing="ij", sparse=True)
        return np.asarray(np.sqrt(z**2 + y**2 + x**2))

    def smooth(self, sigma_mm: float) -> Float32:
        """The image after a Gaussian."""
        return np.asarray(
            ndimage.gaussian_filter(self.image, sigma_mm / np.asarray(self.grid.spacing_mm), truncate=3.0)
        )


def cut(image: Float32, grid: Grid, centre_mm: Point, half_mm: float, voxel_mm: float) -> Patch:
    """Cut a cube of isotropic voxels out of a VOI.

    Parameters
    ----------
    image : (Z, Y, X) float32
        HU, on *grid*.
    centre_mm : Point
        Centre of the cube, LPS mm, order (z, y, x).
    half_mm : float
        Half its edge.
    voxel_mm : float
        Edge of its voxels; where they are larger than the image's, it is blurred first.
    """
    count = 2 * int(np.ceil(half_mm / voxel_mm)) + 1
    origin = np.asarray(centre_mm) - (count - 1) / 2 * voxel_mm
    target = Grid((count,) * 3, (voxel_mm,) * 3, as_point(origin))
    image = resample_smoothly(image, grid, target, fill=AIR_HU)
    return Patch(image, target, _inside(target, grid))


def own_voxels(image: Float32, grid: Grid, near: Grid, margin_mm: float) -> tuple[Patch, Box]:
    """The voxels of a VOI near another grid's, and the box of the VOI that they fill.

    Parameters
    ----------
    image : (Z, Y, X) float32
        HU, on *grid*.
    near : Grid
        What must be in it.
    margin_mm : float
        And how much around that.
    """
    low, high = near.bounds_mm()
    first, last = grid.to_index(low - margin_mm), grid.to_index(high + margin_mm)
    box = Box(as_shape(np.floor(first)), as_shape(np.ceil(last) + 1)).clipped(grid.shape)
    return Patch(image[box.slices], grid.crop(box), np.ones(box.shape, dtype=bool)), box


def _inside(target: Grid, grid: Grid) -> Mask:
    """Voxels of *target* whose centre lies within the voxel centres of *grid*."""
    axes = []
    for axis in range(3):
        position = target.origin_mm[axis] + np.arange(target.shape[axis]) * target.spacing_mm[axis]
        index = (position - grid.origin_mm[axis]) / grid.spacing_mm[axis]
        axes.append((index >= -0.5) & (index <= grid.shape[axis] - 0.5))
    z, y, x = np.meshgrid(*axes, indexing="ij", sparse=True)
    return np.asarray(z & y & x)
