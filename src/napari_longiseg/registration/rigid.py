"""Rotation and shift: for parts that do not bend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from napari_longiseg.registration._linear import LinearRegistration


@dataclass(frozen=True)
class RigidRegistration(LinearRegistration):
    """Aligns two CT scans of one patient by rotation and shift."""

    name: ClassVar[str] = "rigid"
    is_rigid: ClassVar[bool] = True
