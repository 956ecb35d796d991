"""What is known of a lesion: its clicks, and its finding on each scan."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Box, Grid, Point, Shape, as_shape


class Presence(StrEnum):
    """Whether a lesion is there on a scan."""

    PRESENT = "present"
    NOT_FOUND = "not_found"
    """The method found nothing."""
    OUT_OF_VIEW = "out_of_view"
    """The lesion's place lies outside the scan."""
    RESOLVED = "resolved"
    """A reader says that it is gone."""
    NOT_EVALUABLE = "not_evaluable"


class Review(StrEnum):
    """What a reader has made of a finding."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    EDITED = "edited"


class Origin(StrEnum):
    """Where a finding comes from."""

    SOURCE = "source"
    """A reader clicked or outlined it on this scan."""
    PROPAGATED = "propagated"
    """Its point was carried over from another scan."""
    NEW = "new"
    """It appeared on this scan."""


@dataclass(frozen=True, slots=True)
class Click:
    """A point (LPS mm, order z, y, x) on one scan, for one lesion."""

    scan: str
    point_mm: Point
    positive: bool = True


@dataclass(frozen=True, slots=True)
class BoxPrompt:
    """A box that a reader has drawn around one lesion on one scan: its corners, LPS mm, order z, y, x."""

    scan: str
    low_mm: Point
    high_mm: Point

    def __post_init__(self) -> None:
        if not all(low < high for low, high in zip(self.low_mm, self.high_mm, strict=True)):
            msg = "A box around a lesion needs a height, a width and a depth."
            raise InputError(msg)

    @property
    def middle_mm(self) -> Point:
        """Its centre."""
        z, y, x = ((low + high) / 2 for low, high in zip(self.low_mm, self.high_mm, strict=True))
        return z, y, x


@dataclass(frozen=True, eq=False, slots=True)
class LesionMask:
    """The voxels of one lesion on one scan, cropped to a box of the scan's working grid.

    Attributes
    ----------
    box : Box
        Where the voxels lie in the scan; inside it.
    voxels : (Z, Y, X) bool
        The mask, of the box's shape.
    """

    box: Box
    voxels: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.voxels.shape != self.box.shape:
            msg = f"A mask of shape {self.voxels.shape} does not fill a box of shape {self.box.shape}."
            raise InputError(msg)

    @property
    def is_empty(self) -> bool:
        """Whether no voxel is set."""
        return not self.voxels.any()

    @classmethod
    def of(cls, mask: npt.NDArray[np.bool_], box: Box | None = None) -> LesionMask:
        """Crop a mask tightly; *box* says where the mask lies in the scan, by default all of it."""
        tight = Box.of_mask(mask)
        start = np.asarray(box.start if box else (0, 0, 0))
        placed = Box(as_shape(start + tight.start), as_shape(start + tight.stop))
        return cls(placed, np.ascontiguousarray(mask[tight.slices]))

    def grid(self, scan_grid: Grid) -> Grid:
        """The grid of :attr:`voxels`."""
        return scan_grid.crop(self.box)

    def within(self, box: Box) -> npt.NDArray[np.bool_]:
        """The mask in another box of the same scan, of that box's shape."""
        out = np.zeros(box.shape, dtype=bool)
        common = self.box.intersection(box)
        if not common.is_empty:
            out[common.relative_to(box).slices] = self.voxels[common.relative_to(self.box).slices]
        return out

    def on(self, shape: Shape) -> npt.NDArray[np.bool_]:
        """The mask as an array of the whole scan's shape."""
        return self.within(Box((0, 0, 0), shape))

    def union(self, other: LesionMask) -> LesionMask:
        """The voxels of two masks of the same scan."""
        box = self.box.union(other.box)
        return LesionMask(box, self.within(box) | other.within(box))

    def without(self, voxels: npt.NDArray[np.bool_], box: Box) -> LesionMask:
        """The mask less some voxels, given in a box of the same scan."""
        taken = LesionMask(box, voxels).within(self.box)
        return LesionMask.of(self.voxels & ~taken, self.box)


@dataclass(frozen=True, slots=True)
class SourceMask:
    """A lesion outlined beforehand on one scan."""

    scan: str
    mask: LesionMask


@dataclass(frozen=True, slots=True)
class Lesion:
    """An identity: the same lesion on every scan.

    Attributes
    ----------
    id : int
        >= 1; also the label value and the colour on every scan.
    name : str
        What the reader calls it.
    clicks : tuple of Click
        Prompts on any scan, in the order in which they were made.
    source_mask : SourceMask or None
        Its outline on one scan, where that is known beforehand.
    boxes : tuple of BoxPrompt
        At most one per scan; what is outlined there stays inside.
    colour : str
        ``#rrggbb`` where the reader has chosen one, else empty: the palette's.
    """

    id: int
    name: str = ""
    clicks: tuple[Click, ...] = ()
    source_mask: SourceMask | None = None
    boxes: tuple[BoxPrompt, ...] = ()
    colour: str = ""

    def __post_init__(self) -> None:
        if self.id < 1:
            msg = f"A lesion id must be 1 or more, not {self.id}."
            raise InputError(msg)

    def clicks_on(self, scan_id: str) -> tuple[Click, ...]:
        """The clicks on one scan."""
        return tuple(click for click in self.clicks if click.scan == scan_id)

    def box_on(self, scan_id: str) -> BoxPrompt | None:
        """The box on one scan."""
        return next((box for box in self.boxes if box.scan == scan_id), None)

    def point_on(self, scan_id: str) -> Point | None:
        """Where a reader says that it is on one scan: the first positive click, else the box's middle."""
        clicked = (click.point_mm for click in self.clicks_on(scan_id) if click.positive)
        box = self.box_on(scan_id)
        return next(clicked, box.middle_mm if box else None)

    @property
    def prompts(self) -> tuple[object, ...]:
        """All that a method goes by: lesions with equal ones are found alike."""
        return self.id, self.clicks, self.boxes, self.source_mask

    @property
    def source_scan(self) -> str | None:
        """Where tracking starts: the outlined scan, else that of the first positive click, else of a box."""
        if self.source_mask:
            return self.source_mask.scan
        scans = [click.scan for click in self.clicks if click.positive] + [box.scan for box in self.boxes]
        return next(iter(scans), None)


@dataclass(frozen=True, slots=True)
class Measurements:
    """Size and density of one finding.

    Attributes
    ----------
    volume_ml : float
        Number of voxels times their volume.
    long_axis_mm, short_axis_mm : float
        RECIST 1.1: longest axial diameter, and the longest perpendicular to it in the same slice.
    mean_hu : float
        Mean over the mask.
    long_axis_ends_mm, short_axis_ends_mm : (2, 3) tuple of Point
        End points of both diameters in patient space, LPS mm, order (z, y, x).
    """

    volume_ml: float
    long_axis_mm: float
    short_axis_mm: float
    mean_hu: float
    long_axis_ends_mm: tuple[Point, Point]
    short_axis_ends_mm: tuple[Point, Point]


LOW_CONFIDENCE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One lesion on one scan.

    Attributes
    ----------
    point_mm : Point or None
        The lesion's point: the deepest voxel of its mask, else where it was looked for.
    proposed_mm : Point or None
        The point that the registration carried over, before segmentation.
    mask, measurements
        None unless the lesion is present.
    confidence : float or None
        0 to 1, the segmenter's own.
    uncertainty_mm : float or None
        The point map's at the lesion's point.
    source_scan : str
        Where the propagation started.
    reason : str
        Why there is no mask, or what to doubt about the finding: a sentence each.
    merged_into, split_from : int or None
        Lesion ids: edges of the correspondence.
    """

    lesion: int
    scan: str
    presence: Presence
    origin: Origin
    source_scan: str
    review: Review = Review.PROPOSED
    point_mm: Point | None = None
    proposed_mm: Point | None = None
    mask: LesionMask | None = None
    measurements: Measurements | None = None
    confidence: float | None = None
    uncertainty_mm: float | None = None
    registration: str = ""
    segmenter: str = ""
    reason: str = ""
    merged_into: int | None = None
    split_from: int | None = None

    @property
    def is_reviewed(self) -> bool:
        """Whether a reader has accepted or edited it."""
        return self.review in (Review.ACCEPTED, Review.EDITED)

    @property
    def is_doubtful(self) -> bool:
        """Whether there is an outline that nobody has reviewed, and something speaks against it."""
        unsure = self.confidence is not None and self.confidence < LOW_CONFIDENCE
        return self.mask is not None and not self.is_reviewed and (unsure or bool(self.reason))

    @property
    def is_gone(self) -> bool:
        """Whether a reader says that it is not there: what a method alone has not found may lie elsewhere."""
        return self.presence is Presence.RESOLVED or (
            self.presence is Presence.NOT_FOUND and self.is_reviewed
        )

    @property
    def is_readers(self) -> bool:
        """Whether a reader vouches for its place: clicked or outlined it there, accepted or edited it."""
        return self.origin is Origin.SOURCE or self.is_reviewed
