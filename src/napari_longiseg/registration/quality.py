"""How far the points of a registration by images can be trusted, place by place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import RegistrationError
from napari_longiseg.core.geometry import Array
from napari_longiseg.core.progress import Progress, silent
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.agreement import Agreement
from napari_longiseg.registration.base import MapReport
from napari_longiseg.registration.transforms import State, Transform

MIN_CORRELATION = 0.65
"""Mean local correlation at 4 mm of scans of one patient. Measured: 0.77 to 0.90 on true pairs, half of the
scan cropped away included; 0.45 to 0.59 on pairs of different patients. Nearer to the latter, since true
pairs may also differ in contrast phase and kernel."""
WHOLE_MM, REFINED_MM = 1.5, 0.7
DISAGREEMENT_MM = 1.0


@dataclass(frozen=True, eq=False)
class Quality:
    """What was measured after two scans were aligned.

    Attributes
    ----------
    agreement : Agreement
        Local correlation of the scans, on the source scan.
    """

    agreement: Agreement
    expected_mm: float = WHOLE_MM

    def uncertainty_mm(self, points_mm: Array, mapped_mm: Array) -> Array:
        """Error (N,) in mm that nine of ten points stay below; ``nan`` where nothing was compared."""
        return np.asarray(self.expected_mm + DISAGREEMENT_MM * (1.0 - self.agreement.near(points_mm)))

    @property
    def report(self) -> MapReport:
        """In a sentence."""
        return MapReport(f"Local correlation {self.agreement.mean:.2f} in the mean.")

    def refined(self, point_mm: Array) -> Quality:
        return replace(self, expected_mm=REFINED_MM)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that it is made of."""
        found = self.agreement
        return {
            "correlation": found.correlation,
            "correlation_at": np.array([found.origin, found.spacing]),
            "expected_mm": np.array(self.expected_mm),
        }

    @classmethod
    def of_state(cls, state: State) -> Quality:
        """The quality whose :meth:`state` this is."""
        origin, spacing = state["correlation_at"]
        return cls(Agreement(state["correlation"], origin, spacing), float(state["expected_mm"]))


def require_one_patient(quality: Quality, source: Scan, target: Scan) -> None:
    """Refuse scans that do not agree.

    Raises
    ------
    RegistrationError
        When they do not show the same part of one patient.
    """
    if not quality.agreement.mean >= MIN_CORRELATION:
        msg = f"{source.id} and {target.id} do not show the same part of one patient, or too little of it."
        raise RegistrationError(msg)


def assess(
    source: Scan, target: Scan, transform: Transform, progress: Progress = silent, device: str = "auto"
) -> Quality:
    """Compare two scans after they are aligned by any transform.

    Raises
    ------
    RegistrationError
        When torch fails.
    """
    from napari_longiseg.registration._torch.compare import compare_scans
    from napari_longiseg.registration._torch.device import torch_device, torch_errors

    with torch_errors():
        return Quality(compare_scans(source, target, transform, torch_device(device), progress))
