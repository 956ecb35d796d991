"""How a propagation is to be done."""

from __future__ import annotations

from dataclasses import dataclass

from napari_longiseg.core.errors import InputError


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
    """

    boosting: bool = False
    max_distance_mm: float = 10.0
    source: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.max_distance_mm < float("inf"):
            msg = f"The largest distance must be positive and finite, not {self.max_distance_mm} mm."
            raise InputError(msg)
