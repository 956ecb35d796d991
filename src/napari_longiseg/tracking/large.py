"""Outlines so large that nobody should wait until they are measured: that can be done afterwards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_longiseg.core.geometry import Grid, Point, as_point
from napari_longiseg.core.lesion import Finding, LesionMask, Presence
from napari_longiseg.core.scan import Scan
from napari_longiseg.tracking.findings import with_mask

LARGE = 2**18
"""Voxels of an outline's box above which measuring takes more than about 50 ms."""


def is_large(mask: LesionMask) -> bool:
    """Whether measuring it takes long."""
    return mask.voxels.size > LARGE


def is_measured(finding: Finding) -> bool:
    """Whether nothing is left to be measured."""
    return finding.mask is None or finding.measurements is not None


def with_mask_soon(finding: Finding, mask: LesionMask, scan: Scan) -> Finding:
    """As :func:`with_mask`; a large outline is not measured, and its point need not be the deepest one.

    Parameters
    ----------
    finding : Finding
        On *scan*.
    mask : LesionMask
        Not empty.
    scan : Scan
        The scan.
    """
    if not is_large(mask):
        return with_mask(finding, mask, scan)
    point = _inside(mask, mask.grid(scan.grid), finding.point_mm)
    return replace(finding, presence=Presence.PRESENT, mask=mask, point_mm=point, measurements=None)


def _inside(mask: LesionMask, grid: Grid, point_mm: Point | None) -> Point:
    """The point, or the voxel of the mask nearest to it; without one, the voxel nearest to the middle."""
    index = (np.asarray(grid.shape) - 1) / 2 if point_mm is None else grid.to_index(point_mm)
    if point_mm is not None and grid.contains(point_mm) and mask.voxels[grid.nearest_voxel(point_mm)]:
        return point_mm
    voxels = np.argwhere(mask.voxels)
    apart = np.linalg.norm((voxels - index) * grid.spacing_mm, axis=1)
    return as_point(grid.to_mm(voxels[apart.argmin()]))
