"""Patient coordinates as they are: for scans of one session, or scans registered beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import RegistrationError
from napari_longiseg.core.geometry import Array
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import Scan


class IdentityMap:
    """Every point stays where it is."""

    def __call__(self, points_mm: npt.ArrayLike) -> Array:
        """The same points, (N, 3) LPS mm."""
        return np.array(points_mm, dtype=np.float64)

    def uncertainty_mm(self, points_mm: npt.ArrayLike) -> Array:
        """``nan``: nothing was compared."""
        return np.full(len(np.atleast_2d(np.asarray(points_mm))), np.nan)


@dataclass(frozen=True)
class IdentityRegistration:
    """Takes both scans' patient coordinates as one space."""

    name: ClassVar[str] = "identity"

    def align(self, source: Scan, target: Scan, progress: Progress) -> IdentityMap:
        """Return the identity.

        Raises
        ------
        RegistrationError
            When the scans have no part of patient space in common.
        """
        if min(source.grid.overlap_mm(target.grid)) <= 0:
            msg = (
                f"{source.id} and {target.id} have no part of patient space in common; use a registration "
                "that aligns them."
            )
            raise RegistrationError(msg)
        progress("Using patient coordinates as they are", 1.0)
        return IdentityMap()
