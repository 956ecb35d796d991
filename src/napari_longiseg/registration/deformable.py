"""The embedded default: affine and diffeomorphic by local correlation, in torch, without weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point, as_point
from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.quality import Quality, require_one_patient
from napari_longiseg.registration.refined import NEAR, RefinedMap, halves
from napari_longiseg.registration.region import Region
from napari_longiseg.registration.transforms import Chain, Displacement, State, unpack

MIN_CORRELATION = 0.60
"""Mean local correlation of scans of one patient. Measured: 0.62 to 0.83 on true pairs, 5 mm slices, other
contrast phases and two thirds cropped away included; 0.21 to 0.59 on other patients or parts."""


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
    iterations: int = 30
    refine_iterations: int = 25
    refine_radius_mm: float = 28.0
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
        from napari_longiseg.registration._torch.affine import half_of
        from napari_longiseg.registration._torch.align import FINE_MM, align_affine, align_flow, load_pair
        from napari_longiseg.registration._torch.compare import compare
        from napari_longiseg.registration._torch.device import torch_device, torch_errors
        from napari_longiseg.registration._torch.lungs import lungs_of

        with torch_errors():
            pair = load_pair(source, target, FINE_MM, torch_device(self.device), scaled(progress, 0.0, 0.15))
            affine = align_affine(pair, scaled(progress, 0.15, 0.3), stage)
            flow = align_flow(pair, affine, self.iterations, scaled(progress, 0.3, 0.95), stage)
            half = half_of(affine)
            transform = Chain((half, flow, flow, half))
            agreement = compare(pair.source, pair.target, transform)
            lungs = lungs_of(pair)
        quality = Quality.of(agreement, source, target)
        require_one_patient(quality, source, target, MIN_CORRELATION)
        progress(stage, 1.0)
        return DeformableMap(transform, quality, lungs, self, source, target)

    def restore(self, state: State, source: Scan, target: Scan) -> DeformableMap | RefinedMap:
        """The map of these scans whose state this is; KeyError or ValueError where it is none."""
        lungs = None
        if "source_lungs.at" in state:
            lungs = Region.of_state(state, "source_lungs"), Region.of_state(state, "target_lungs")
        whole = DeformableMap(unpack(state), Quality.of_state(state), lungs, self, source, target)
        return RefinedMap.of_state(state, whole) if f"{NEAR}place" in state else whole


class DeformableMap(TransformMap):
    """A map of two whole scans, to be refined around single places.

    Parameters
    ----------
    transform, quality
        Of the whole scans; the transform goes half way twice.
    lungs : tuple of Region or None
        Of source and target, where both show some.
    method : DeformableRegistration
        How to refine.
    source, target : Scan
        What a refinement looks at again.
    """

    def __init__(
        self,
        transform: Chain,
        quality: Quality,
        lungs: tuple[Region, Region] | None,
        method: DeformableRegistration,
        source: Scan,
        target: Scan,
    ) -> None:
        super().__init__(transform, quality)
        self._lungs = lungs
        self._method, self._source, self._target = method, source, target

    def refined(self, point_mm: Point) -> RefinedMap:
        """The map around this source point (LPS mm, order z, y, x); a cache keeps it, not the map.

        Raises
        ------
        RegistrationError
            When torch fails.
        """
        from napari_longiseg.registration._torch.device import torch_device, torch_errors
        from napari_longiseg.registration._torch.refine import Look, Side, refine

        method, (there, on) = self._method, halves(self)
        flows: tuple[Displacement, ...] = ()
        lungs = self._lungs_at(point_mm)
        # In the lungs the first look is a wide one: along the wall the whole map is wrong by what has slid.
        for zoom in (2, 1) if lungs else (1,):
            before, after = Chain((*there, *flows)), Chain((*reversed(flows), *on))
            with torch_errors():
                look = Look(
                    zoom * method.refine_spacing_mm,
                    zoom * method.refine_radius_mm,
                    method.refine_iterations,
                    torch_device(method.device),
                )
                source = Side(self._source, before.inverse, lungs and lungs[0])
                target = Side(self._target, after, lungs and lungs[1])
                found = refine(source, target, as_point(before([point_mm])[0]), look)
            if found is not None:
                flows = (*flows, found)
        return RefinedMap(self, flows, as_point(point_mm), method.refine_radius_mm / 2)

    def _lungs_at(self, point_mm: Point) -> tuple[Region, Region] | None:
        """The lungs, where the point lies in them."""
        inside = self._lungs is not None and self._lungs[0].share(np.array([point_mm]))[0] > 0
        return self._lungs if inside else None

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that the map is made of."""
        lungs = self._lungs
        parts = lungs[0].state("source_lungs") | lungs[1].state("target_lungs") if lungs else {}
        return super().state() | parts
