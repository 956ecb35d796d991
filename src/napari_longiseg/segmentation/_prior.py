"""What the lesion's other scan leads one to expect."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.distance import depth_inside, distance_outside
from napari_longiseg.segmentation.base import Prior

Mask = npt.NDArray[np.bool_]

SHELL_MM = (1.5, 5.0)
MIN_CONTRAST_HU = 8.0


@dataclass(frozen=True, slots=True)
class Expected:
    """The lesion on another scan.

    Attributes
    ----------
    lesion_hu : float
        Median of its inner half.
    host_hu : float
        Median of a shell outside that differs from it.
    volume_ml : float
        Its volume there.
    radius_mm : float
        Depth of its deepest voxel.
    core, shell : (Z, Y, X) bool
        That half and that shell, on the prior's grid.
    """

    lesion_hu: float
    host_hu: float
    volume_ml: float
    radius_mm: float
    core: Mask = field(repr=False, compare=False)
    shell: Mask = field(repr=False, compare=False)

    @property
    def contrast_hu(self) -> float:
        """Lesion less host; never 0."""
        contrast = self.lesion_hu - self.host_hu
        return float(np.copysign(max(abs(contrast), MIN_CONTRAST_HU), contrast))


def expected(prior: Prior) -> Expected | None:
    """What a prior says; None where its mask is empty or has no surroundings."""
    if not prior.mask.any():
        return None
    spacing = prior.grid.spacing_mm
    depth = depth_inside(prior.mask, spacing)
    outside = distance_outside(prior.mask, SHELL_MM[1], spacing)
    shell = (outside > SHELL_MM[0]) & (outside <= SHELL_MM[1])
    if not shell.any():
        return None
    core = depth >= 0.5 * depth.max()
    return Expected(
        lesion_hu=float(np.median(prior.image[core])),
        host_hu=float(np.median(prior.image[shell])),
        volume_ml=float(prior.mask.sum()) * prior.grid.voxel_ml,
        radius_mm=float(depth.max()),
        core=core,
        shell=shell,
    )
