"""Cut what a segmenter sees out of a scan, and bring back what it found."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Box, Grid, Point, as_shape
from napari_longiseg.core.lesion import BoxPrompt, Click, LesionMask
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
    box: BoxPrompt | None = None,
) -> VoiRequest:
    """Cut the VOI around the first positive click and the box, at the spacing that the engine wants."""
    centre = next(click.point_mm for click in clicks if click.positive)
    image, grid = _cut(scan, centre, info, box)
    return VoiRequest(
        lesion=lesion,
        image=image,
        grid=grid,
        clicks=clicks,
        statistics=scan.statistics,
        prior=prior if "prior" in info.prompts else None,
        tolerance_mm=tolerance_mm,
        box_mm=(box.low_mm, box.high_mm) if box else None,
    )


def takes_box(box: BoxPrompt, scan: Scan, info: SegmenterInfo) -> bool:
    """Whether a VOI of the engine can hold a box; one without a fixed number of voxels grows around it."""
    if info.voi_voxels is not None:
        room = np.multiply(np.subtract(info.voi_voxels, 1), scan.grid.spacing_mm)
    elif info.spacing_mm is not None:
        room = np.subtract(info.voi_mm, info.spacing_mm)
    else:
        return True
    return bool((np.subtract(box.high_mm, box.low_mm) <= room).all())


def clipped_to(box: BoxPrompt, mask: npt.NDArray[np.bool_], where: Box, scan: Scan) -> npt.NDArray[np.bool_]:
    """The part of a mask (Z, Y, X) that lies in a reader's box or a voxel beside it.

    Parameters
    ----------
    where : Box
        Of the scan's voxels that the mask fills.
    """
    limit = scan.grid.box_between(box.low_mm, box.high_mm).grown(1).intersection(where).relative_to(where)
    out = np.zeros_like(mask)
    out[limit.slices] = mask[limit.slices]
    return out


def prior_of(scan: Scan, mask: LesionMask, centre_mm: Point, info: SegmenterInfo) -> Prior:
    """The lesion's VOI and mask on the scan that it is carried from, around the point that is carried."""
    image, grid = _cut(scan, centre_mm, info)
    inside = resample(mask.voxels.astype(np.float32), mask.grid(scan.grid), grid, fill=0.0) >= 0.5
    return Prior(image, inside, grid, centre_mm)


def mask_on_scan(result: VoiResult, voi: Grid, scan: Scan) -> tuple[npt.NDArray[np.bool_], Box]:
    """Bring a result back on the scan's voxels: the mask and the box of the scan that it fills."""
    low, high = voi.bounds_mm()
    start = np.floor(scan.grid.to_index(low) + 0.5 + 1e-6)
    stop = np.ceil(scan.grid.to_index(high) + 0.5 - 1e-6)
    box = Box(as_shape(start), as_shape(stop)).clipped(scan.grid.shape)
    return resample(result.probability, voi, scan.grid.crop(box), fill=0.0) >= 0.5, box


def _cut(
    scan: Scan, centre_mm: Point, info: SegmenterInfo, box: BoxPrompt | None = None
) -> tuple[npt.NDArray[np.float32], Grid]:
    """The image and its grid; one of a fixed number of voxels lies around the middle of the box."""
    middle = box.middle_mm if box else centre_mm
    if info.voi_voxels is not None:
        voi = Box.around(scan.grid.to_index(middle), info.voi_voxels)
        return scan.crop(voi), scan.grid.crop(voi)
    if info.spacing_mm is None:
        voi = voi_box(scan, centre_mm, info.voi_mm)
        if box is not None:
            voi = voi.union(scan.grid.box_between(box.low_mm, box.high_mm).grown(1))
        return scan.crop(voi), scan.grid.crop(voi)
    spacing = np.asarray(info.spacing_mm)
    shape = as_shape(np.maximum(np.round(np.asarray(info.voi_mm) / spacing), 1))
    origin = np.asarray(middle) - (np.asarray(shape) - 1) / 2 * spacing
    grid = Grid(shape, info.spacing_mm, (float(origin[0]), float(origin[1]), float(origin[2])))
    margin = voi_box(scan, middle, info.voi_mm).grown(2)
    return resample(scan.crop(margin), scan.grid.crop(margin), grid, fill=AIR_HU), grid
