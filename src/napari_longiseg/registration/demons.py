"""A classical registration on ITK: affine by mutual information, then demons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.quality import assess, require_one_patient
from napari_longiseg.registration.transforms import Chain, State


@dataclass(frozen=True)
class DemonsRegistration:
    """Aligns two CT scans of one patient by SimpleITK, as a second opinion.

    Shifts are searched exhaustively at 12 mm, then an affine map is fitted by mutual information, then
    displacements by symmetric demons' forces in three levels. It compares intensities themselves, so other
    contrast phases disturb it more than the methods that correlate.

    Attributes
    ----------
    spacing_mm : float
        Voxel size of the finest level; the coarser ones have 4 and 2 times as much.
    iterations : int
        At each level.
    smoothing : float
        Of the displacements after each iteration: standard deviation in voxels. More makes them stiffer.

    Raises
    ------
    InputError
        When an option is out of its range.
    """

    spacing_mm: float = 3.0
    iterations: int = 40
    smoothing: float = 1.5

    name: ClassVar[str] = "demons"
    version: ClassVar[str] = "1"

    def __post_init__(self) -> None:
        if not 1.0 <= self.spacing_mm <= 12.0 or self.iterations < 1 or self.smoothing <= 0:
            msg = "Demons need voxels of 1 to 12 mm, one iteration or more, and some smoothing."
            raise InputError(msg)

    def align(self, source: Scan, target: Scan, progress: Progress) -> TransformMap:
        """Align *source* to *target*.

        Raises
        ------
        RegistrationError
            When a scan is too small, when they do not show the same part of one patient, or when ITK or
            torch fail.
        Cancelled
            From *progress*.
        """
        stage = f"Aligning {source.id} to {target.id}"
        progress(stage, 0.0)
        from napari_longiseg.registration._itk.affine import fit_affine
        from napari_longiseg.registration._itk.demons import Recipe, fit_demons
        from napari_longiseg.registration._itk.run import itk_errors
        from napari_longiseg.registration._torch.align import load_pair
        from napari_longiseg.registration._torch.device import torch_device, torch_errors

        with torch_errors():
            pair = load_pair(source, target, self.spacing_mm, torch_device("cpu"), scaled(progress, 0.0, 0.1))
        linear, elastic = scaled(progress, 0.1, 0.4), scaled(progress, 0.4, 0.95)
        with itk_errors():
            affine = fit_affine(pair, lambda done: linear(stage, done))
            recipe = Recipe(self.iterations, self.smoothing)
            field = fit_demons(pair, affine, recipe, lambda done: elastic(stage, done))
        transform = Chain((field, affine))
        quality = assess(source, target, transform, scaled(progress, 0.95, 1.0), device="cpu")
        require_one_patient(quality, source, target)
        progress(stage, 1.0)
        return TransformMap(transform, quality)

    def restore(self, state: State, source: Scan, target: Scan) -> TransformMap:
        """The map that was kept; KeyError or ValueError where it is none."""
        return TransformMap.of_state(state)
