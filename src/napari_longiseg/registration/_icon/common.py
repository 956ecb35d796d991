"""The field of view that two scans share, as the network sees it."""

from __future__ import annotations

import numpy as np

from napari_longiseg.core.errors import RegistrationError
from napari_longiseg.core.geometry import Grid, as_point
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.transforms import Affine

MIN_EXTENT_MM = 36.0
"""Less in common along an axis shows the network nothing."""


def common_lattice(source: Scan, target: Scan, affine: Affine, edge: int) -> Grid:
    """The part of the source scan that the target shows, too, in *edge* cells along every axis.

    The nodes lie in the middle of the cells. So where the scans share all of their field of view,
    interpolating at them is what ``interpolate(mode="trilinear", align_corners=False)`` does, by which the
    published networks get their input.

    Parameters
    ----------
    source, target : Scan
        What is aligned.
    affine : Affine
        From source to target points, about.
    edge : int
        Of the network's input.

    Raises
    ------
    RegistrationError
        When the scans have too little in common.
    """
    low, high = source.grid.bounds_mm()
    ends = np.stack(target.grid.bounds_mm(), axis=1)
    corners = affine.inverse(np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3))
    low, high = np.maximum(low, corners.min(axis=0)), np.minimum(high, corners.max(axis=0))
    if (high - low).min() < MIN_EXTENT_MM:
        msg = f"{source.id} and {target.id} have too little in common: less than {MIN_EXTENT_MM:.0f} mm."
        raise RegistrationError(msg)
    cell = (high - low) / edge
    return Grid((edge, edge, edge), as_point(cell), as_point(low + cell / 2))
