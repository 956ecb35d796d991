"""What random cases may look like."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Range = tuple[float, float]
RANGES = ("spacing_mm", "diameter_mm", "diameter_voxels", "growth", "noise_hu", "contrast_to_noise")


class RandomisedOptions(BaseModel):
    """Ranges that random cases are drawn from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spacing_mm: Range = Field(default=(0.6, 3.2), description="Isotropic voxels of the VOI, in mm.")
    diameter_mm: Range = Field(default=(4.0, 70.0), description="Of lesions.")
    diameter_voxels: Range = Field(default=(4.0, 44.0), description="Of lesions, in the VOI's voxels.")
    growth: Range = Field(default=(0.08, 4.0), description="Later volume over the first one.")
    noise_hu: Range = Field(default=(3.0, 45.0), description="Standard deviation of a scan's noise.")
    contrast_to_noise: Range = Field(
        default=(0.5, 4.5),
        description="Least contrast of soft-tissue lesions, in standard deviations of the noise.",
    )
    vanished: float = Field(default=0.15, ge=0, le=1, description="Share of lesions gone.")
    nothing: float = Field(default=0.05, ge=0, le=1, description="Share of single scans without a lesion.")
    bad_prior: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of pairs whose first outline is as bad as a method's may be.",
    )
    error_mm: float = Field(default=1.0, ge=0, description="Deviation of a carried point, each axis.")
    error_tail: float = Field(default=0.1, ge=0, le=1, description="Share of points with thrice that.")
    extra_clicks: float = Field(default=0.25, ge=0, le=1, description="Share of cases with more clicks.")
    backgrounds: tuple[Path, ...] = Field(
        default=(),
        description="Real scans to put lesions into; a mask gt_NAME beside one marks what to avoid.",
    )
    patients: int = Field(default=0, ge=0, description="Synthetic patients to put lesions into, besides.")
    background_share: float = Field(
        default=0.5, ge=0, le=1, description="Share of cases in scans and patients, where there are any."
    )

    @model_validator(mode="after")
    def _ranges_rise(self) -> Self:
        for name in RANGES:
            low, high = getattr(self, name)
            if not 0 < low <= high:
                msg = f"{name} must be a range of positive numbers, not {low} to {high}."
                raise ValueError(msg)
        return self
