"""The embedded default: affine and diffeomorphic by local correlation, in torch, without weights."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import ClassVar

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point, as_point
from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.quality import Quality, require_one_patient
from napari_longiseg.registration.transforms import Affine, Chain, Displacement, State, unpack


@dataclass(frozen=True)
class DeformableRegistration:
    """Aligns two CT scans of one patient, whatever their grids, fields of view and coordinates.

    Shifts are searched exhaustively at 12 mm, then an affine map is fitted at 12 and 8 mm, then a
    diffeomorphic one at 8 and 4 mm, all by local normalised cross-correlation on a lattice half way
    between the scans: exchanging source and target gives the inverse. The surroundings of a lesion are
    refined at 2 mm when they are asked for.

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
    version: ClassVar[str] = "1"

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
        stage = f"Aligning {source.id} to {target.id}"
        progress(stage, 0.0)
        from napari_longiseg.registration._torch.align import FINE_MM, align_affine, align_flow, load_pair
        from napari_longiseg.registration._torch.affine import half_of
        from napari_longiseg.registration._torch.compare import compare
        from napari_longiseg.registration._torch.device import torch_device, torch_errors

        with torch_errors():
            pair = load_pair(source, target, FINE_MM, torch_device(self.device), scaled(progress, 0.0, 0.15))
            affine = align_affine(pair, scaled(progress, 0.15, 0.3), stage)
            flow = align_flow(pair, affine, self.iterations, scaled(progress, 0.3, 0.95), stage)
            half = half_of(affine)
            transform = Chain((half, flow, flow, half))
            agreement = compare(pair.source, pair.target, transform)
        quality = Quality(agreement)
        require_one_patient(quality, source, target)
        progress(stage, 1.0)
        return DeformableMap(transform, quality, self, source, target)

    def restore(self, state: State, source: Scan, target: Scan) -> DeformableMap:
        """The map of these scans whose state this is; KeyError or ValueError where it is none."""
        return DeformableMap(unpack(state), Quality.of_state(state), self, source, target)


class DeformableMap(TransformMap):
    """A map of two whole scans, to be refined around single places.

    Parameters
    ----------
    transform, quality
        Of the whole scans; the transform goes half way twice.
    method : DeformableRegistration
        How to refine.
    source, target : Scan
        What a refinement looks at again.
    """

    def __init__(
        self,
        transform: Chain,
        quality: Quality,
        method: DeformableRegistration,
        source: Scan,
        target: Scan,
    ) -> None:
        super().__init__(transform, quality)
        self._method, self._source, self._target = method, source, target
        self._refined: dict[Point, TransformMap] = {}
        self._lock = Lock()

    def refined(self, point_mm: Point) -> TransformMap:
        """The map around this source point (LPS mm, order z, y, x); computed once and remembered.

        Raises
        ------
        RegistrationError
            When torch fails.
        """
        key = as_point(point_mm)
        with self._lock:
            if key not in self._refined:
                self._refined[key] = self._refine(key)
            return self._refined[key]

    def _refine(self, point_mm: Point) -> TransformMap:
        from napari_longiseg.registration._torch.device import torch_device, torch_errors
        from napari_longiseg.registration._torch.refine import refine

        method, steps = self._method, self.transform.steps
        there = Chain(steps[: len(steps) // 2])
        with torch_errors():
            found = refine(
                self._source,
                self._target,
                there.inverse,
                Chain(steps[len(steps) // 2 :]),
                as_point(there([point_mm])[0]),
                torch_device(method.device),
                method.refine_spacing_mm,
                method.refine_radius_mm,
                method.refine_iterations,
            )
        if found is None:
            return TransformMap(self.transform, self.quality)
        whole = Chain((*there.steps, found, found, *steps[len(steps) // 2 :]))
        return TransformMap(whole, self.quality.refined(point_mm))
