"""The VOI that a network of ours sees around a point; the same in training and at work."""

from __future__ import annotations

import numpy as np

from napari_longiseg.core.geometry import Box, Grid, Point, as_point
from napari_longiseg.models.inputs import Inputs


def voi_grid(scan: Grid, centre_mm: Point, inputs: Inputs, spacing_mm: float | None) -> Grid:
    """The grid of a VOI; it may stick out of the scan.

    Parameters
    ----------
    scan : Grid
        Of the scan, LPS.
    centre_mm : Point
        LPS mm, order (z, y, x).
    spacing_mm : float or None
        Of the isotropic voxels (:func:`~napari_longiseg.models.inputs.spacing_for`), with the point in the
        middle of the VOI; None for the scan's own voxels, with the point in the middle voxel, or in the one
        after the middle where their number is even.
    """
    if spacing_mm is None:
        return scan.crop(Box.around(scan.to_index(centre_mm), inputs.size))
    origin = np.asarray(centre_mm) - (np.asarray(inputs.size) - 1) / 2 * spacing_mm
    return Grid(inputs.size, (spacing_mm,) * 3, as_point(origin))
