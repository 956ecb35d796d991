"""From HU and clicks to the channels that a network sees; the same in training and at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_longiseg.core.errors import InputError
from napari_longiseg.models.architecture import Triple

if TYPE_CHECKING:
    from torch import Tensor


class Window(BaseModel):
    """A range of HU that is stretched to 0 to 1; what lies outside is clamped."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    low_hu: float = Field(description="Becomes 0.")
    high_hu: float = Field(description="Becomes 1.")
    relative: bool = Field(
        default=False,
        description="Counted from the HU around the click, or in the prior's mask.",
    )

    normal: tuple[float, Annotated[float, Field(gt=0)]] | None = Field(
        default=None,
        description="Instead of 0 to 1: less this mean, over this deviation, in HU (nnU-Net's way).",
    )

    @model_validator(mode="after")
    def _is_range(self) -> Self:
        if not self.low_hu < self.high_hu:
            raise ValueError(f"a window must rise, and {self.low_hu} HU is not below {self.high_hu} HU")
        return self


class Inputs(BaseModel):
    """What a network wants to see of a scan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Triple = Field(description="Voxels of the VOI, order (z, y, x).")
    spacings_mm: tuple[Annotated[float, Field(gt=0)], ...] | None = Field(
        default=None,
        min_length=1,
        description="Isotropic voxels to choose from, in mm; null: the scan's own voxels.",
    )
    windows: tuple[Window, ...] = Field(min_length=1, description="One channel each.")
    click_sigma: float | None = Field(
        default=None,
        gt=0,
        description="Voxels; a channel with Gaussians at the clicks. Null: none.",
    )

    @property
    def channels(self) -> int:
        """Of a single-scan network's input; the baseline stream of LongiNet has the mask besides."""
        return len(self.windows) + (self.click_sigma is not None)


PUBLISHED = Inputs(size=(64, 128, 128), windows=(Window(low_hu=-1000, high_hu=400),))
"""LongiNet (2025), section 2.2 and table 1."""

FILLED = 0.45
"""Share of the VOI's edge that a lesion should fill."""

REFERENCE_SIGMA = 1.5
"""Voxels around a click whose HU is taken for the lesion's."""


def spacing_for(extent_mm: float, inputs: Inputs) -> float | None:
    """Which of its voxels a network should see a lesion in at first.

    Parameters
    ----------
    extent_mm : float
        The lesion's longest axis: of the box around its mask, ``max(mask.grid(scan.grid).size_mm)``.

    Returns
    -------
    float or None
        The finest voxels, in mm, at which the lesion fills no more than half of the VOI's shortest edge;
        the coarsest where none will do; None where the network sees the scan's own.
    """
    if inputs.spacings_mm is None:
        return None
    ladder = sorted(inputs.spacings_mm)
    return next((mm for mm in ladder if extent_mm <= 0.5 * min(inputs.size) * mm), ladder[-1])


def unknown_spacings(inputs: Inputs) -> tuple[float | None, ...]:
    """The voxels in which a network should see a lesion of unknown size, in mm: the finest, and those amid.

    In the finest alone a large lesion is nothing but its own inside; in those amid the range alone a small
    lesion is easily taken for a part of what it lies in. ``(None,)`` where the network sees the scan's own.
    """
    if inputs.spacings_mm is None:
        return (None,)
    ladder = sorted(inputs.spacings_mm)
    return tuple(sorted({ladder[0], ladder[len(ladder) // 2]}))


def fitting_spacing(extent_mm: float, inputs: Inputs) -> float | None:
    """The voxels between the finest and the coarsest in which a network sees a lesion best, in mm.

    The lesion then fills :data:`FILLED` of the VOI's shortest edge, which is what a second look is for. None
    where the network sees the scan's own voxels.
    """
    if inputs.spacings_mm is None:
        return None
    wanted = extent_mm / (FILLED * min(inputs.size))
    return min(max(wanted, min(inputs.spacings_mm)), max(inputs.spacings_mm))


def click_map(size: Triple, positive: Tensor, negative: Tensor, sigma: float) -> Tensor:
    """Gaussians (Z, Y, X) of height 1 at positive clicks, -1 at negative ones.

    Parameters
    ----------
    positive, negative : (N, 3)
        Voxel indices, order (z, y, x); may lie between voxels.
    """
    return _gaussians(size, positive, sigma) - _gaussians(size, negative, sigma)


def hu_at(image: Tensor, clicks: Tensor) -> Tensor:
    """Mean HU (scalar) of an image (Z, Y, X) around clicks (N, 3), in voxel indices; 0 without any."""
    size = (image.shape[0], image.shape[1], image.shape[2])
    weights = _gaussians(size, clicks, REFERENCE_SIGMA)
    return (weights * image).sum() / weights.sum().clamp_min(1e-6)


def channels(inputs: Inputs, image: Tensor, reference_hu: Tensor, clicks: Tensor | None) -> Tensor:
    """What a network sees.

    Parameters
    ----------
    image : (B, Z, Y, X)
        HU.
    reference_hu : (B,)
        The lesion's, for relative windows.
    clicks : (B, Z, Y, X) or None
        Maps of the clicks, where the network has a channel for them.

    Returns
    -------
    (B, channels, Z, Y, X)

    Raises
    ------
    InputError
        When the network has a channel for clicks, and none were given.
    """
    import torch

    if inputs.click_sigma is not None and clicks is None:
        raise InputError("This network sees clicks in a channel of their own; give their map.")
    made = []
    for window in inputs.windows:
        counted = image - reference_hu[:, None, None, None] if window.relative else image
        clamped = counted.clamp(window.low_hu, window.high_hu)
        start, unit = window.normal or (window.low_hu, window.high_hu - window.low_hu)
        made.append((clamped - start) / unit)
    if inputs.click_sigma is not None and clicks is not None:
        made.append(clicks)
    return torch.stack(made, dim=1)


def _gaussians(size: Triple, points: Tensor, sigma: float) -> Tensor:
    """The highest of Gaussians of height 1, (Z, Y, X); zeros where there are no points."""
    import torch

    if not len(points):
        return torch.zeros(size, device=points.device)
    axes = [
        torch.exp(-((torch.arange(n, device=points.device) - points[:, axis, None]) ** 2) / (2 * sigma**2))
        for axis, n in enumerate(size)
    ]
    z, y, x = axes
    return (z[:, :, None, None] * y[:, None, :, None] * x[:, None, None, :]).amax(0)
