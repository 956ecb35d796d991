"""Rotation, shift, scale and shear: fast, and right where little moves inside the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._linear import align_linear
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.transforms import State


@dataclass(frozen=True)
class AffineRegistration:
    """Aligns two CT scans of one patient by rotation, shift, scale and shear.

    The start of the registration ``deformable``: an exhaustive search of shifts at 12 mm, then local
    correlation at 12 and 8 mm.

    Attributes
    ----------
    device : str
        ``"auto"`` for a CUDA device where there is one, else a torch device such as ``"cpu"``.
    """

    device: str = "auto"

    name: ClassVar[str] = "affine"
    version: ClassVar[str] = "1"

    def align(self, source: Scan, target: Scan, progress: Progress) -> TransformMap:
        """Align *source* to *target*.

        Raises
        ------
        RegistrationError
            When a scan is too small, when they do not show the same part of one patient, or when torch
            fails (its device is missing or out of memory).
        Cancelled
            From *progress*.
        """
        return align_linear(source, target, self.device, progress, rigid=False)

    def restore(self, state: State, source: Scan, target: Scan) -> TransformMap:
        """The map whose state this is; KeyError or ValueError where it is none."""
        return TransformMap.of_state(state)
