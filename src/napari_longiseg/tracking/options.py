"""How a propagation is to be done."""

from __future__ import annotations

from dataclasses import dataclass

from napari_longiseg.core.errors import InputError
from napari_longiseg.registration.correction import RADIUS_MM


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """Choices of one tracking run.

    Attributes
    ----------
    boosting : bool
        Segment, take the centre of what was found, segment again from there (LinGuinE, equation 5).
    max_distance_mm : float
        A component farther than this from the mapped point is another structure: the lesion is not found.
    source : str or None
        Scan to start from; by default each lesion's own (its outline, else its first positive click).
    correct_by_landmarks : bool
        Where the study has landmarks, the map between two scans goes exactly through those that both have,
        whatever the registration; but for ``landmarks``, which has its own way to use them.
    learn_from_verified : bool
        A lesion that a reader has clicked, outlined, accepted or edited on two scans corrects the map
        between them for the other lesions.
    correction_radius_mm : float
        How far a landmark or a verified lesion corrects the map around it.

    Raises
    ------
    InputError
        When a distance is not positive and finite.
    """

    boosting: bool = False
    max_distance_mm: float = 10.0
    source: str | None = None
    correct_by_landmarks: bool = True
    learn_from_verified: bool = False
    correction_radius_mm: float = RADIUS_MM

    def __post_init__(self) -> None:
        if not 0 < self.max_distance_mm < float("inf"):
            msg = f"The largest distance must be positive and finite, not {self.max_distance_mm} mm."
            raise InputError(msg)
        if not 0 < self.correction_radius_mm < float("inf"):
            msg = (
                f"The radius of corrections must be positive and finite, not {self.correction_radius_mm} mm."
            )
            raise InputError(msg)
