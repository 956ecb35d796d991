"""Rotation, shift, scale and shear: fast, and right where little moves inside the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from napari_longiseg.registration._linear import LinearRegistration


@dataclass(frozen=True)
class AffineRegistration(LinearRegistration):
    """Aligns two CT scans of one patient by rotation, shift, scale and shear."""

    name: ClassVar[str] = "affine"
    is_rigid: ClassVar[bool] = False
