"""What a scanner makes of a patient: field of view, resolution, couch, noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.geometry import Array, Grid, as_point, as_shape
from napari_longiseg.training.synthetic.fields import Field, blur
from napari_longiseg.training.synthetic.motion import Motion

LOWEST_HU, HIGHEST_HU = -1024, 3071
FINENESS = 64.0
"""Spacings and origins are multiples of 1/64 mm, which every file format keeps exactly."""
SLAB = 24
"""Slices that are interpolated at a time, so that memory stays small."""


def first_grid(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float], size: float) -> Grid:
    """The first scan's field of view: the whole trunk, or its right side where it is too small for that."""
    extent = np.asarray(shape) * spacing_mm / size
    aside = -58.0 * float(np.clip(1.0 - extent[2] / 300.0, 0.0, 1.0))
    centre = np.array([10.0 - 12.0 * np.clip(1.0 - extent[0] / 200.0, 0.0, 1.0), 0.0, aside]) * size
    origin = centre - 0.5 * (np.asarray(shape) - 1) * spacing_mm
    return Grid(shape, as_point(spacing_mm), as_point(np.rint(origin * FINENESS) / FINENESS))


def later_grid(first: Grid, motion: Motion, rng: np.random.Generator) -> Grid:
    """The field of view of another day: a little larger or smaller, elsewhere, other voxels."""
    spacing = np.asarray(first.spacing_mm) * rng.uniform(0.93, 1.09, 3)
    spacing[2] = spacing[1]
    spacing = np.maximum(np.rint(spacing * FINENESS), 1.0) / FINENESS
    extent = np.asarray(first.size_mm) * rng.uniform(0.97, 1.06, 3)
    shape = np.maximum(np.rint(extent / spacing), 2)
    middle = first.to_mm((np.asarray(first.shape) - 1) / 2.0)
    centre = motion.from_first(middle)[0] + rng.normal(0.0, 0.012, 3) * extent
    origin = np.rint((centre - 0.5 * (shape - 1) * spacing) * FINENESS) / FINENESS
    return Grid(as_shape(shape), as_point(spacing), as_point(origin))


def covering(first: Grid, motions: list[Motion], grids: list[Grid], low: Array, high: Array) -> Grid:
    """The grid of the first scan, extended to all that any scan sees of the box *low* to *high* (mm)."""
    seen_low, seen_high = first.bounds_mm()
    for motion, grid in zip(motions, grids, strict=True):
        a, b = grid.bounds_mm()
        axes = [np.linspace(i, j, 7) for i, j in zip(a, b, strict=True)]
        points = motion.to_first(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3))
        seen_low, seen_high = (
            np.minimum(seen_low, points.min(axis=0)),
            np.maximum(seen_high, points.max(axis=0)),
        )
    spacing = np.asarray(first.spacing_mm)
    seen_low, seen_high = np.maximum(seen_low - 3 * spacing, low), np.minimum(seen_high + 3 * spacing, high)
    start = np.floor(first.to_index(seen_low))
    stop = np.ceil(first.to_index(seen_high)) + 1
    return Grid(as_shape(stop - start), first.spacing_mm, as_point(first.to_mm(start)))


def project(image: Field, canvas: Grid, motion: Motion, grid: Grid) -> Field:
    """An image (Z, Y, X) in HU of the first scan's anatomy as another scan's grid samples it.

    Cubic B-splines without prefilter: interpolation and the scanner's blur at once.
    """
    points = motion.on_grid(grid)
    out = np.empty(grid.shape, dtype=np.float32)
    for i in range(3):
        points[i] -= np.float32(canvas.origin_mm[i])
        points[i] /= np.float32(canvas.spacing_mm[i])
    for z in range(0, grid.shape[0], SLAB):
        slab = slice(z, z + SLAB)
        ndimage.map_coordinates(
            image, points[:, slab], output=out[slab], order=3, prefilter=False, mode="constant", cval=-1000.0
        )
    return out


def add_couch(image: Field, grid: Grid, motion: Motion, size: float) -> None:
    """Two curved sheets of carbon fibre with foam between them, where there is air."""
    back = motion.from_first([[0.0, 118.0 * size, 0.0]])[0]
    y = grid.origin_mm[1] + grid.spacing_mm[1] * np.arange(grid.shape[1])[:, None]
    x = grid.origin_mm[2] + grid.spacing_mm[2] * np.arange(grid.shape[2])[None, :] - back[2]
    under = (y - back[1]) / size + (x / size) ** 2 / 900.0
    hu = np.where((under > 0.0) & (under < 22.0), -965.0, -1000.0)
    sheet = np.minimum(np.abs(under - 1.2), np.abs(under - 22.0))
    hu = hu + np.clip(1.6 - sheet, 0.0, 1.0) * 480.0
    wide = np.abs(x) < 190.0 * size
    hu = np.where(wide, hu, -1000.0).astype(np.float32)
    free = np.clip((-600.0 - image) / 300.0, 0.0, 1.0) * (hu > -999.0)
    image += free * (hu - image) * (image < -880.0)


def noisy(image: Field, grid: Grid, noise_hu: float, sharpness: float, rng: np.random.Generator) -> Field:
    """Add noise as filtered back-projection makes it: grainy in plane, little at low frequencies.

    Parameters
    ----------
    noise_hu : float
        Standard deviation in the middle of the body; less at the skin and in air.
    sharpness : float
        Width in voxels of the blur that goes before; it stands for the kernel.
    """
    image = blur(image, (0.35, sharpness, sharpness))
    if noise_hu <= 0:
        return image
    grain = rng.standard_normal(image.shape, dtype=np.float32)
    grain = blur(grain, (0.45, 0.55, 0.55))
    grain -= 0.9 * blur(grain, (0.0, 1.7, 1.7))
    grain *= noise_hu / grain.std()
    return image + grain * _noise_share(image, grid)


def _noise_share(image: Field, grid: Grid) -> Field:
    """How much of the noise there is where: 0.3 in the air around, about 1 in the middle of the body."""
    few = (image[::4, ::4, ::4] > -500.0).astype(np.float32)
    few = blur(few, [18.0 / (4.0 * s) for s in grid.spacing_mm])
    zoom = [n / m for n, m in zip(image.shape, few.shape, strict=True)]
    body = ndimage.zoom(few, zoom, order=1, grid_mode=True, mode="nearest")
    share: Field = 0.3 + 0.75 * body
    return share


def digitised(image: Field, hu_step: int) -> npt.NDArray[np.int16]:
    """Whole HU in steps of *hu_step*, within the range of CT."""
    steps = np.rint(np.clip(image, LOWEST_HU, HIGHEST_HU) / hu_step) * hu_step
    voxels: npt.NDArray[np.int16] = steps.astype(np.int16)
    return voxels
