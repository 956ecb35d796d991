"""From HU and clicks to the channels that a network sees; the same in training and at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_longiseg.models.architecture import Triple

if TYPE_CHECKING:
    from torch import Tensor


class Window(BaseModel):
    """A range of HU that is stretched to 0 to 1; what lies outside is clamped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low_hu: float = Field(description="Becomes 0.")
    high_hu: float = Field(description="Becomes 1.")
    relative: bool = Field(
        default=False,
        description="Counted from the HU around the click, or in the prior's mask.",
    )

    @model_validator(mode="after")
    def _is_range(self) -> Self:
        if not self.low_hu < self.high_hu:
            msg = f"A window must rise: {self.low_hu} HU is not below {self.high_hu} HU."
            raise ValueError(msg)
        return self


class Inputs(BaseModel):
    """What a network wants to see of a scan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Triple = Field(description="Voxels of the VOI, order (z, y, x).")
    spacings_mm: tuple[float, ...] | None = Field(
        default=None,
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

REFERENCE_SIGMA = 1.5
"""Voxels around a click whose HU is taken for the lesion's."""


def click_map(size: Triple, positive: Tensor, negative: Tensor, sigma: float) -> Tensor:
    """Gaussians (Z, Y, X) of height 1 at positive clicks, -1 at negative ones.

    Parameters
    ----------
    positive, negative : (N, 3)
        Voxel indices, order (z, y, x); may lie between voxels.
    """
    return _gaussians(size, positive, sigma) - _gaussians(size, negative, sigma)


def hu_at(image: Tensor, clicks: Tensor) -> Tensor:
    """Mean HU (scalar) of an image (Z, Y, X) around clicks (N, 3), in voxel indices."""
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
    """
    import torch

    made = []
    for window in inputs.windows:
        counted = image - reference_hu[:, None, None, None] if window.relative else image
        made.append(((counted - window.low_hu) / (window.high_hu - window.low_hu)).clamp(0, 1))
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
