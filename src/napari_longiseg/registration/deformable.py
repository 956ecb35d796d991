"""The embedded default: affine and smooth deformation by local correlation, in torch, without weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._map import DeformableMap
from napari_longiseg.registration._transform import Transform

if TYPE_CHECKING:
    from napari_longiseg.registration._torch.refine import Refinement


@dataclass(frozen=True)
class DeformableRegistration:
    """Aligns two CT scans of one patient, whatever their grids, fields of view and coordinates.

    Shifts are searched exhaustively at 12 mm, then an affine map is fitted at 12 and 8 mm, then
    displacements at 8 and 4 mm, all by local normalised cross-correlation. The surroundings of a lesion
    are refined at 2 mm when they are asked for.

    Attributes
    ----------
    device : str
        ``"auto"`` for a CUDA device where there is one, else a torch device such as ``"cpu"``.
    iterations : int
        Steps at 8 mm, and again at 4 mm.
    refine_iterations : int
        Steps at the refinement's spacing; 0 to do without it.
    refine_radius_mm : float
        Half the edge of the cube that is refined around a point.
    refine_spacing_mm : float
        Voxel size there.

    Raises
    ------
    InputError
        When an option is out of its range.
    """

    device: str = "auto"
    iterations: int = 40
    refine_iterations: int = 25
    refine_radius_mm: float = 36.0
    refine_spacing_mm: float = 2.0

    name: ClassVar[str] = "deformable"

    def __post_init__(self) -> None:
        if self.iterations < 1 or self.refine_iterations < 0:
            msg = "The registration needs at least one iteration, and none or more to refine."
            raise InputError(msg)
        if not 0.5 <= self.refine_spacing_mm <= self.refine_radius_mm / 4:
            msg = "The refinement's spacing must be at least 0.5 mm and at most a quarter of its radius."
            raise InputError(msg)

    def align(self, source: Scan, target: Scan, progress: Progress) -> DeformableMap:
        """Align *source* to *target*.

        Raises
        ------
        RegistrationError
            When a scan is too small, when they do not show the same part of one patient, or when torch
            fails (its device is missing or out of memory).
        Cancelled
            From *progress*.
        """
        progress(f"Aligning {source.id} to {target.id}", 0.0)
        from napari_longiseg.registration._torch.align import align_scans
        from napari_longiseg.registration._torch.device import torch_device, torch_errors

        with torch_errors():
            found = align_scans(source, target, torch_device(self.device), self.iterations, progress)
        again = partial(self.refinement, source, target, found.transform)
        return DeformableMap(found.transform, found.agreement, again)

    def refinement(self, source: Scan, target: Scan, transform: Transform, point_mm: Point) -> Refinement:
        """A second look at the surroundings of a source point (LPS mm, order z, y, x).

        Raises
        ------
        RegistrationError
            When torch fails.
        """
        from napari_longiseg.registration._torch.device import torch_device, torch_errors
        from napari_longiseg.registration._torch.refine import refine

        with torch_errors():
            return refine(
                source,
                target,
                transform,
                point_mm,
                torch_device(self.device),
                self.refine_spacing_mm,
                self.refine_radius_mm,
                self.refine_iterations,
            )
