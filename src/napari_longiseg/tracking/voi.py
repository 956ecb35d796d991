"""Cut what a segmenter sees out of a scan, and bring back what it found."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Box, Grid, Point, as_shape
from napari_longiseg.core.lesion import Click, LesionMask
from napari_longiseg.core.resample import resample
from napari_longiseg.core.scan import AIR_HU, Scan
from napari_longiseg.segmentation.base import Prior, SegmenterInfo, VoiRequest, VoiResult


def voi_box(scan: Scan, centre_mm: Point, size_mm: Point) -> Box:
    """Box of the scan's voxels around a point; it may stick out of the scan."""
    shape = np.maximum(np.ceil(np.asarray(size_mm) / scan.grid.spacing_mm), 1)
    return Box.around(scan.grid.to_index(centre_mm), as_shape(shape))


def voi_request(
    scan: Scan,
    lesion: int,
    clicks: tuple[Click, ...],
    info: SegmenterInfo,
    prior: Prior | None = None,
    tolerance_mm: float = 0.0,
) -> VoiRequest:
    """Cut the VOI around the first positive click, at the spacing that the engine wants."""
    centre = next(click.point_mm for click in clicks if click.positive)
    image, grid = _cut(scan, centre, info)
    return VoiRequest(
        lesion=lesion,
        image=image,
        grid=grid,
        clicks=clicks,
        statistics=scan.statistics,
        prior=prior if "prior" in info.prompts else None,
        tolerance_mm=tolerance_mm,
    )


def prior_of(scan: Scan, mask: LesionMask, centre_mm: Point, info: SegmenterInfo) -> Prior:
    """The lesion's VOI and mask on the scan that it is carried from."""
    image, grid = _cut(scan, centre_mm, info)
    inside = resample(mask.voxels.astype(np.float32), mask.grid(scan.grid), grid, fill=0.0) >= 0.5
    return Prior(image=image, mask=inside, grid=grid)


def mask_on_scan(result: VoiResult, voi: Grid, scan: Scan) -> tuple[npt.NDArray[np.bool_], Box]:
    """Bring a result back on the scan's voxels: the mask and the box of the scan that it fills."""
    low, high = voi.bounds_mm()
    start = np.floor(scan.grid.to_index(low) + 0.5 + 1e-6)
    stop = np.ceil(scan.grid.to_index(high) + 0.5 - 1e-6)
    box = Box(as_shape(start), as_shape(stop)).clipped(scan.grid.shape)
    return resample(result.probability, voi, scan.grid.crop(box), fill=0.0) >= 0.5, box


def _cut(scan: Scan, centre_mm: Point, info: SegmenterInfo) -> tuple[npt.NDArray[np.float32], Grid]:
    if info.voi_voxels is not None:
        box = Box.around(scan.grid.to_index(centre_mm), info.voi_voxels)
        return scan.crop(box), scan.grid.crop(box)
    box = voi_box(scan, centre_mm, info.voi_mm)
    if info.spacing_mm is None:
        return scan.crop(box), scan.grid.crop(box)
    spacing = np.asarray(info.spacing_mm)
    shape = as_shape(np.maximum(np.round(np.asarray(info.voi_mm) / spacing), 1))
    origin = np.asarray(centre_mm) - (np.asarray(shape) - 1) / 2 * spacing
    grid = Grid(shape, info.spacing_mm, (float(origin[0]), float(origin[1]), float(origin[2])))
    margin = box.grown(2)
    return resample(scan.crop(margin), scan.grid.crop(margin), grid, fill=AIR_HU), grid
