"""Where a lesion is expected, before anything is outlined there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from napari_longiseg.core.geometry import Point
from napari_longiseg.core.lesion import Finding


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where a registration expects one lesion on one scan, before it is outlined there.

    Attributes
    ----------
    point_mm : Point
        Where to look.
    source_scan : str
        Where the lesion's point was carried from.
    uncertainty_mm : float or None
        Of the point map there; None where it is not known.
    registration : str
        The method.
    doubt : str
        Why a reader should look twice; empty where all seems well.
    verified : bool
        A reader has accepted the point; the outline is still to come.
    """

    lesion: int
    scan: str
    point_mm: Point
    source_scan: str
    uncertainty_mm: float | None = None
    registration: str = ""
    doubt: str = ""
    verified: bool = False

    def noted_in(self, finding: Finding) -> Finding:
        """A finding of the lesion on the scan that says where it was expected, how surely, and by what."""
        return replace(
            finding,
            proposed_mm=self.point_mm,
            uncertainty_mm=self.uncertainty_mm,
            registration=self.registration,
        )
