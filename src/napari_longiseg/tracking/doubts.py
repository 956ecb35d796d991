"""What speaks against an outline, whatever engine has made it. Pure functions.

The limits are from outlines of two engines on three studies, from 90 clicks in lesions and 175 beside them:
most outlines around no lesion are ragged or end within tissue of one kind, and hardly any good one is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.distance import depth_inside, distance_outside
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.lesion import Finding, LesionMask
from napari_longiseg.core.scan import Scan

LEAST_SPHERICITY = 0.7
LEAST_BORDER = 0.5
"""Share of what lies around a lesion that is unlike it."""
UNLIKE, LEAST_SPREAD_HU = 2.0, 8.0
"""What differs from a lesion's median by more than so many standard deviations of it is unlike it."""
GAP_MM, SHELL_MM = 1.0, 2.0
"""Distance from the outline of the shell that is looked at, and its thickness, at the least."""
JUMP = 8.0
"""A volume that changes by more than this factor, a diameter by more than 2."""

Mask = npt.NDArray[np.bool_]


def doubt_of(mask: LesionMask, scan: Scan) -> str:
    """Why a reader should look twice at an outline, in a sentence; empty where all seems well.

    Parameters
    ----------
    mask : LesionMask
        On *scan*; not empty.
    scan : Scan
        The scan.
    """
    if sphericity(mask.voxels, mask.grid(scan.grid)) < LEAST_SPHERICITY:
        return "The outline is ragged and may run into its surroundings: check it."
    if border_share(mask, scan) < LEAST_BORDER:
        return "What lies around the outline looks much like what is inside: check it."
    return ""


def jump_of(finding: Finding, on_source: Finding) -> str:
    """The same about its size beside that on the scan that it was carried from."""
    now, before = finding.measurements, on_source.measurements
    if now is None or before is None or 1 / JUMP <= now.volume_ml / before.volume_ml <= JUMP:
        return ""
    return f"Its volume is {now.volume_ml / before.volume_ml:.2g} times that on {on_source.scan}: check it."


def sphericity(mask: Mask, grid: Grid) -> float:
    """Surface of a ball of the same volume as a share of the mask's: about 1 for a ball, less for all else.

    Parameters
    ----------
    mask : (Z, Y, X) bool
        Not empty.
    grid : Grid
        Of the mask.
    """
    spacing, padded = np.asarray(grid.spacing_mm), np.pad(mask, 1)
    faces = [np.count_nonzero(np.diff(padded, axis=axis)) for axis in range(3)]
    surface = sum(n * spacing.prod() / spacing[axis] for axis, n in enumerate(faces))
    volume = mask.sum() * spacing.prod()
    # The faces of the voxels of a ball have 3/2 of its surface.
    return float(1.5 * np.cbrt(np.pi) * (6 * volume) ** (2 / 3) / surface)


def border_share(mask: LesionMask, scan: Scan) -> float:
    """Share (0 to 1) of a shell around a mask whose HU are unlike those inside; 1 where nothing is around."""
    spacing = np.asarray(scan.grid.spacing_mm)
    gap = max(GAP_MM, 0.75 * spacing.max())
    reach = gap + SHELL_MM + 0.25 * spacing.max()
    margin = np.ceil(reach / spacing).astype(int) + 1
    box = mask.box.grown(margin.tolist()).clipped(scan.grid.shape)
    inside, image = mask.within(box), scan.image[box.slices].astype(np.float32)
    depth, outside = depth_inside(inside, spacing), distance_outside(inside, reach, spacing)
    around = image[(outside > gap) & (outside <= reach)]
    if not around.size:
        return 1.0
    median = np.median(image[depth >= 0.5 * depth.max()])
    spread = max(1.4826 * float(np.median(np.abs(image[inside] - median))), LEAST_SPREAD_HU)
    return float((np.abs(around - median) > UNLIKE * spread).mean())
