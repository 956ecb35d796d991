"""The same patient in other voxels, coordinates and fields of view."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Array, Box, Grid, as_point, as_shape
from napari_longiseg.core.resample import resample
from napari_longiseg.core.scan import AIR_HU, Scan


def shifted(scan: Scan, by_mm: npt.ArrayLike) -> Scan:
    """With other patient coordinates."""
    origin = as_point(np.asarray(scan.grid.origin_mm) + by_mm)
    return Scan(scan.id, scan.image, replace(scan.grid, origin_mm=origin))


def part(scan: Scan, low: float, high: float) -> Scan:
    """The slices between two fractions of the height, 0 at the feet and 1 at the head."""
    n, *rest = scan.grid.shape
    box = Box((round(low * n), 0, 0), as_shape([round(high * n), *rest]))
    return Scan(scan.id, scan.image[box.slices], scan.grid.crop(box))


def cropped(scan: Scan, share: float) -> Scan:
    """Without this share of the extent along each axis, cut off at the far end."""
    stop = np.rint(np.asarray(scan.grid.shape) * (1 - share))
    box = Box((0, 0, 0), as_shape(stop))
    return Scan(scan.id, scan.image[box.slices], scan.grid.crop(box))


def resampled(scan: Scan, spacing_mm: float) -> Scan:
    """On an isotropic grid, by linear interpolation."""
    low, high = scan.grid.bounds_mm()
    origin = low + spacing_mm / 2
    shape = as_shape(np.floor((high - low) / spacing_mm))
    grid = Grid(shape, (spacing_mm,) * 3, as_point(origin))
    return Scan(scan.id, _whole(resample(scan.image, scan.grid, grid, AIR_HU)), grid)


def thick(scan: Scan, slice_mm: float) -> Scan:
    """With thicker slices: each is the mean of what it covers."""
    n, old = scan.grid.shape[0], scan.grid.spacing_mm[0]
    count = int(n * old / slice_mm)
    edges, new = np.arange(n) * old, np.arange(count)[:, None] * slice_mm
    common = np.clip(np.minimum(edges + old, new + slice_mm) - np.maximum(edges, new), 0, None)
    image = np.tensordot((common / slice_mm).astype(np.float32), scan.image.astype(np.float32), axes=1)
    z, y, x = scan.grid.origin_mm
    origin = (z + (slice_mm - old) / 2, y, x)
    return Scan(
        scan.id, _whole(image), Grid(as_shape(image.shape), (slice_mm, *scan.grid.spacing_mm[1:]), origin)
    )


def noisy(scan: Scan, hu: float, seed: int) -> Scan:
    """With more noise, not correlated between voxels."""
    grain = np.random.default_rng(seed).standard_normal(scan.grid.shape, dtype=np.float32) * np.float32(hu)
    return Scan(scan.id, _whole(scan.image + grain), scan.grid)


def reversed_axis(scan: Scan, axis: int) -> Scan:
    """Written with the voxels in the other order along an axis, and read again as any file is."""
    import SimpleITK as sitk

    from napari_longiseg.io.scans import load_scan

    volume = sitk.GetImageFromArray(scan.image)
    volume.SetSpacing(scan.grid.spacing_mm[::-1])
    volume.SetOrigin(scan.grid.origin_mm[::-1])
    flipped = sitk.Flip(volume, [2 - axis == i for i in range(3)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flipped.nii.gz"
        sitk.WriteImage(flipped, str(path))
        found = load_scan(path, scan_id=scan.id)
    return Scan(found.id, found.image, found.grid)


def _whole(image: Array | npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    return np.rint(np.clip(image, AIR_HU, 3071)).astype(np.int16)
