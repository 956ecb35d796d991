"""What a segmenter is: VOIs with prompts in, probabilities out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Grid, Point, Shape
from napari_longiseg.core.lesion import Click
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import ScanStatistics

Prompt = Literal["click", "negative_click", "prior"]


@dataclass(frozen=True, slots=True)
class SegmenterInfo:
    """What an engine is and what it wants to see.

    Attributes
    ----------
    name : str
        As in the entry point.
    prompts : tuple of Prompt
        What it makes use of; ``click`` always.
    voi_mm : (3,) float
        Edge lengths in mm of the box around the click that it sees, order (z, y, x).
    spacing_mm : (3,) float or None
        Voxel spacing that the VOI is resampled to; None for the scan's own.
    licence : str
        Licence of the engine with its weights.
    device : str
        ``"cpu"``, or ``"cuda"`` where it is meant for one.
    voi_voxels : (3,) int or None
        The box in the scan's own voxels, for engines that want a fixed number of them; then ``voi_mm`` is
        only about right.
    """

    name: str
    prompts: tuple[Prompt, ...]
    voi_mm: Point
    spacing_mm: Point | None = None
    licence: str = "BSD-3-Clause"
    device: str = "cpu"
    voi_voxels: Shape | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """The same lesion on another scan.

    Attributes
    ----------
    image : (Z, Y, X) float32
        VOI of that scan in HU.
    mask : (Z, Y, X) bool
        The lesion there.
    grid : Grid
        Grid of both.
    point_mm : Point or None
        The lesion's point there that was carried over, LPS mm, order (z, y, x); by default the deepest.
    """

    image: npt.NDArray[np.float32]
    mask: npt.NDArray[np.bool_]
    grid: Grid
    point_mm: Point | None = None


@dataclass(frozen=True, slots=True, eq=False)
class VoiRequest:
    """One lesion to outline in one VOI.

    Attributes
    ----------
    lesion : int
        Its id.
    image : (Z, Y, X) float32
        HU; air where the VOI sticks out of the scan.
    grid : Grid
        LPS grid of the image.
    clicks : tuple of Click
        At least one positive; points in LPS mm, order (z, y, x).
    statistics : ScanStatistics
        Of the whole scan.
    prior : Prior or None
        The lesion on the source scan, where its mask is known.
    tolerance_mm : float
        How far a click may lie from the lesion: 0 for a reader's click, more for a point that a
        registration carried over.
    box_mm : tuple of Point or None
        Lowest and highest corner of the box that a reader drew around the lesion, LPS mm, order (z, y, x);
        the VOI holds it. Use it or not: the outline is clipped to it afterwards.
    """

    lesion: int
    image: npt.NDArray[np.float32]
    grid: Grid
    clicks: tuple[Click, ...]
    statistics: ScanStatistics
    prior: Prior | None = None
    tolerance_mm: float = 0.0
    box_mm: tuple[Point, Point] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class VoiResult:
    """What an engine makes of one request.

    Attributes
    ----------
    probability : (Z, Y, X) float32
        On the request's grid; the mask is where it is >= 0.5. All below where nothing was found.
    confidence : float or None
        0 to 1, the engine's own.
    reason : str
        One sentence where nothing was found, or a warning.
    """

    probability: npt.NDArray[np.float32]
    confidence: float | None = None
    reason: str = ""


class Segmenter(Protocol):
    """Outlines lesions.

    The constructor's keyword parameters are the engine's options; make the class a frozen dataclass. One that
    is also :class:`Prepared` loads what it needs before it is asked for outlines.
    """

    @property
    def info(self) -> SegmenterInfo:
        """What the engine is and wants."""
        ...

    def segment(self, requests: Sequence[VoiRequest]) -> Iterator[VoiResult]:
        """One result per request, in their order.

        Raises
        ------
        SegmentationError
            When the engine fails; never torch's own errors.
        """
        ...


@runtime_checkable
class Prepared(Protocol):
    """A segmenter that has something to load, such as weights."""

    def prepare(self, progress: Progress) -> None:
        """Load it where that was not done yet, and report that as a stage.

        Raises
        ------
        SegmentationError, Cancelled
            When the engine fails, and from *progress*.
        InputError
            When something cannot be used.
        """
        ...
