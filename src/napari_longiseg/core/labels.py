"""The findings of one scan as one label volume."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Box, Grid
from napari_longiseg.core.lesion import Finding, LesionMask


def label_volume(
    findings: Iterable[Finding], grid: Grid, out: npt.NDArray[np.uint16] | None = None
) -> npt.NDArray[np.uint16]:
    """Paint the masks of one scan's findings, label = lesion id.

    Parameters
    ----------
    findings : iterable of Finding
        Of one scan; those without a mask are passed over. Where two overlap, a voxel goes to the lesion
        whose point is nearer in mm.
    grid : Grid
        The scan's working grid.
    out : (Z, Y, X) uint16, optional
        Painted in place instead of a new array; it is cleared first.
    """
    labels = np.zeros(grid.shape, dtype=np.uint16) if out is None else out
    if out is not None:
        labels[...] = 0
    painted: dict[int, Finding] = {}
    for finding in sorted(findings, key=lambda f: f.lesion):
        if finding.mask is None or finding.mask.is_empty:
            continue
        box, voxels = finding.mask.box, finding.mask.voxels
        region = labels[box.slices]
        for other in np.unique(region[voxels & (region > 0)]):
            shared = voxels & (region == other)
            voxels = voxels & ~(shared & ~nearer(finding, painted[int(other)], box, grid))
        region[voxels] = finding.lesion
        painted[finding.lesion] = finding
    return labels


def labels_within(
    findings: Iterable[Finding], grid: Grid, box: Box, out: npt.NDArray[np.uint16] | None = None
) -> npt.NDArray[np.uint16]:
    """As :func:`label_volume`, in a box of the scan alone.

    Parameters
    ----------
    findings : iterable of Finding
        Of one scan.
    grid : Grid
        The scan's working grid.
    box : Box
        Inside the grid.
    out : (Z, Y, X) uint16, optional
        Of the box's shape; painted in place instead of a new array.
    """
    whole = Box((0, 0, 0), box.shape)
    inside = [replace(f, mask=LesionMask(whole, f.mask.within(box))) for f in findings if f.mask]
    return label_volume(inside, grid.crop(box), out)


def nearer(finding: Finding, other: Finding, box: Box, grid: Grid) -> npt.NDArray[np.bool_]:
    """Voxels of a box (its shape, bool) that lie nearer to *finding*'s point than to *other*'s, in mm."""
    return _distance(finding, box, grid) < _distance(other, box, grid)


def _distance(finding: Finding, box: Box, grid: Grid) -> npt.NDArray[np.float64]:
    if finding.point_mm is None:
        return np.full(box.shape, np.inf)
    centre = grid.to_index(finding.point_mm)
    axes = (
        (np.arange(a, b) - c) * s
        for a, b, c, s in zip(box.start, box.stop, centre, grid.spacing_mm, strict=True)
    )
    z, y, x = np.meshgrid(*axes, indexing="ij", sparse=True)
    return np.asarray(np.sqrt(z**2 + y**2 + x**2))
