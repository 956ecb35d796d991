"""How far the points of a registration by images can be trusted, place by place."""

from __future__ import annotations

from dataclasses import dataclass
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

MIN_CORRELATION = 0.45
"""Mean local correlation of scans of one patient after a registration that bends. Measured with demons and
greedy: 0.50 to 0.72 on true pairs; 0.22 to 0.38 on real scans of other patients or parts."""
DOUBTFUL_MM = 7.0
"""Where as many of the points may be wrong by more, a reader should look first."""
BORDER_MM = 10.0
"""How far the border of a field of view is felt."""


@dataclass(frozen=True, eq=False)
class Quality:
    """What was measured after two scans were aligned.

    Attributes
    ----------
    agreement : Agreement
        Local correlation of the scans, on the source scan.
    source_bounds, target_bounds : (2, 3) float64
        Lowest and highest coordinates of either field of view: LPS mm, order (z, y, x).
    """

    agreement: Agreement
    source_bounds: Array
    target_bounds: Array

    @classmethod
    def of(cls, agreement: Agreement, source: Scan, target: Scan) -> Quality:
        """The quality of an alignment of these scans."""
        return cls(agreement, np.array(source.grid.bounds_mm()), np.array(target.grid.bounds_mm()))

    def uncertainty_mm(self, points_mm: Array, mapped_mm: Array) -> Array:
        """Error (N,) in mm that nine of ten points stay below; ``nan`` where nothing was compared.

        A linear model of what tells good from bad points: the mean local correlation of the scans tells
        pairs and methods apart; the correlation nearby and the distance to the borders of both fields of
        view, places. Fitted as the 90th percentile of the errors of some 10,000 points of nine pairs with
        known truth after the registrations rigid, affine, demons, greedy and deformable, rounded;
        ``benchmarks/uncertainty.py`` does it again, ``benchmarks/registration.py`` says what becomes of it
        on other pairs.
        """
        near = self.agreement.mean - self.agreement.near(points_mm)
        expected = self.typical_mm + 5.0 * near + 3.4 * self.at_border(points_mm, mapped_mm)
        return np.asarray(np.maximum(expected, 1.0))

    @property
    def typical_mm(self) -> float:
        """The same for a place like most others."""
        return 23.0 * (1.0 - self.agreement.mean) - 1.7

    def refined_uncertainty_mm(self, points_mm: Array, mapped_mm: Array, shift_mm: Array) -> Array:
        """The same after a second look at the surroundings, which has shifted the points by (N,) mm.

        How far the second look has moved a point tells most of what it may still be wrong by. Fitted to
        374 refined points of the same pairs.
        """
        near = self.agreement.near(points_mm)
        at_border = self.at_border(points_mm, mapped_mm)
        return np.asarray(0.5 + 0.8 * (1.0 - near) + 1.1 * at_border + 0.8 * shift_mm)

    def at_border(self, points_mm: Array, mapped_mm: Array) -> Array:
        """1 at the border of either field of view and beyond, falling to 0 inside; (N,)."""
        inside = [
            np.minimum(points - low, high - points).min(axis=1)
            for points, (low, high) in ((points_mm, self.source_bounds), (mapped_mm, self.target_bounds))
        ]
        return np.asarray(np.exp(-np.clip(np.minimum(*inside), 0.0, None) / BORDER_MM))

    @property
    def report(self) -> MapReport:
        """The mean correlation, and a doubt where it is low."""
        mean = self.agreement.mean
        doubt = ""
        if self.typical_mm > DOUBTFUL_MM:
            doubt = (
                f"The scans fit badly (local correlation {mean:.2f}): points may be "
                f"{self.typical_mm:.0f} mm off, check them first."
            )
        return MapReport(f"Local correlation {mean:.2f} in the mean; 1 would be a perfect fit.", doubt)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that it is made of."""
        found = self.agreement
        return {
            "correlation": found.correlation,
            "correlation_at": np.array([found.origin, found.spacing]),
            "source_bounds": self.source_bounds,
            "target_bounds": self.target_bounds,
        }

    @classmethod
    def of_state(cls, state: State) -> Quality:
        """The quality whose :meth:`state` this is."""
        origin, spacing = state["correlation_at"]
        agreement = Agreement(state["correlation"], origin, spacing)
        return cls(agreement, state["source_bounds"], state["target_bounds"])


def require_one_patient(quality: Quality, source: Scan, target: Scan, least: float = MIN_CORRELATION) -> None:
    """Refuse scans that do not agree.

    Parameters
    ----------
    quality : Quality
        Of their alignment.
    source, target : Scan
        For the message.
    least : float
        Mean local correlation that scans of one patient have.

    Raises
    ------
    RegistrationError
        When they do not show the same part of one patient.
    """
    if not quality.agreement.mean >= least:
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
        found = compare_scans(source, target, transform, torch_device(device), progress)
    return Quality.of(found, source, target)
