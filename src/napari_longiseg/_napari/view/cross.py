"""The shape of a cross-hair that leaves open what it points at; pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_longiseg.core.geometry import Array

GAP_PIXELS, GAP_MM = 8.0, 6.0
"""From the middle to each arm, at least: a small lesion lies open between them."""
ARM_PIXELS = 14.0
LINE_PIXELS = 1.5
ARMS = 6
"""Two along each axis in 3-D; in 2-D two of the four are drawn twice, so that their number stays."""
LIGHT, DARK = (1.0, 1.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0)
"""Each arm is dark beside its light line: it stands out from bone as from lung."""
COLOURS = np.array([DARK] * ARMS + [LIGHT] * ARMS)


def cross(
    index: Sequence[float] | Array, spacing_mm: Sequence[float], displayed: Sequence[int], zoom: float
) -> Array:
    """Start and direction of each line, shape (2 * ARMS, 2, 3), in voxels; colours are :data:`COLOURS`.

    Parameters
    ----------
    index : (3,) float
        The place, in voxels.
    spacing_mm : (3,) float
        Edges of a voxel.
    displayed : sequence of int
        Axes that the view displays.
    zoom : float
        Pixels of the screen per mm: the cross-hair keeps its size on it.
    """
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    along = np.repeat([*displayed, displayed[-1]][:3], 2)
    beside = np.where(along == displayed[-1], displayed[-2], displayed[-1])
    sign, lines = np.tile((1.0, -1.0), 3), np.arange(ARMS)
    starts, arms = np.zeros((2, ARMS, 3))
    starts[lines, along] = sign * max(GAP_PIXELS / zoom, GAP_MM)
    arms[lines, along] = sign * ARM_PIXELS / zoom
    shadows = starts.copy()
    shadows[lines, beside] = LINE_PIXELS / zoom
    drawn = np.stack([np.concatenate([shadows, starts]), np.concatenate([arms, arms])], axis=1) / spacing
    drawn[:, 0] += np.asarray(index, dtype=np.float64)
    return drawn


def line_width(spacing_mm: Sequence[float], zoom: float) -> float:
    """Width of the lines in voxels along x, as napari wants it."""
    return LINE_PIXELS / (zoom * spacing_mm[2])
