"""What rigid and affine alignment have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.quality import Quality, require_one_patient
from napari_longiseg.registration.transforms import State

MIN_CORRELATION = 0.25
"""Mean local correlation of scans of one patient, if nothing bends. Measured: 0.30 to 0.58 on true pairs;
0.11 to 0.29 on other patients or parts, but for two of ten."""


@dataclass(frozen=True)
class LinearRegistration:
    """The start of the registration ``deformable``, alone.

    Shifts are searched exhaustively at 12 mm; then local correlation is climbed at 12 and 8 mm.

    Attributes
    ----------
    device : str
        ``"auto"`` for a CUDA device where there is one, else a torch device such as ``"cpu"``.
    """

    device: str = "auto"

    name: ClassVar[str]
    version: ClassVar[str] = "1"
    is_rigid: ClassVar[bool]

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
        stage = f"Aligning {source.id} to {target.id}"
        progress(stage, 0.0)
        from napari_longiseg.registration._torch.align import FINE_MM, align_affine, load_pair
        from napari_longiseg.registration._torch.compare import compare
        from napari_longiseg.registration._torch.device import torch_device, torch_errors

        with torch_errors():
            pair = load_pair(source, target, FINE_MM, torch_device(self.device), scaled(progress, 0.0, 0.4))
            transform = align_affine(pair, scaled(progress, 0.4, 0.95), stage, rigid=self.is_rigid)
            quality = Quality.of(compare(pair.source, pair.target, transform), source, target)
        require_one_patient(quality, source, target, MIN_CORRELATION)
        progress(stage, 1.0)
        return TransformMap(transform, quality)

    def restore(self, state: State, source: Scan, target: Scan) -> TransformMap:
        """The map whose state this is; KeyError or ValueError where it is none."""
        return TransformMap.of_state(state)
