"""What a session file says of a study, as values that check themselves; order x, y, z, as in all files."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

from napari_longiseg.core.lesion import Origin, Presence, Review
from napari_longiseg.io.points import from_xyz, to_xyz
from napari_longiseg.io.schema import Coordinate

SCHEMA = "longiseg-session/1"

Number = Annotated[float, PlainSerializer(float)]
"""Also what third parties' methods give as a number of another kind."""
Numbers = tuple[Coordinate, Coordinate, Coordinate]
Whole = tuple[int, int, int]


def _turned(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The other order of axes; of a matrix, that of its rows and of its columns."""
    return tuple(_turned(value) if isinstance(value, tuple) else value for value in reversed(values))


Xyz = Annotated[Numbers, AfterValidator(from_xyz), PlainSerializer(to_xyz)]
"""A point or spacing in mm."""
Voxels = Annotated[Whole, AfterValidator(_turned), PlainSerializer(_turned)]
"""An index or a size in voxels."""
Matrix = Annotated[tuple[Numbers, Numbers, Numbers], AfterValidator(_turned), PlainSerializer(_turned)]
"""Rows x, y, z and one column per index axis, as ITK has it."""


class Entry(BaseModel):
    """Of a session file. Made from our own values with ``model_construct``, in the order z, y, x."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class GridEntry(Entry):
    """A grid; its first axis is the one that changes fastest in the file."""

    shape: Voxels
    spacing_mm: Xyz
    origin_mm: Xyz
    direction: Matrix


class ScanEntry(Entry):
    """One scan; *image* names its group below ``scans``, *key* is the hash of its voxels and grid."""

    id: Annotated[str, Field(pattern=r"^[^/\\]+$")]
    image: Annotated[str, Field(pattern=r"^[0-9a-f]+(-[0-9]+)?$")]
    key: str
    grid: GridEntry
    native: GridEntry
    date: dt.date | None
    path: str | None
    notes: list[str]


class MaskEntry(Entry):
    """A mask: where it lies in the working grid, and where its bits begin in the array of all masks."""

    start: Voxels
    stop: Voxels
    byte: Annotated[int, Field(ge=0)]


class SourceMaskEntry(Entry):
    """A lesion outlined beforehand."""

    scan: str
    mask: MaskEntry


class ClickEntry(Entry):
    """A click."""

    scan: str
    point_mm: Xyz
    positive: bool


class BoxEntry(Entry):
    """A box that a reader has drawn."""

    scan: str
    low_mm: Xyz
    high_mm: Xyz


class LesionEntry(Entry):
    """A lesion with its prompts."""

    id: int
    name: str
    clicks: list[ClickEntry]
    source_mask: SourceMaskEntry | None
    boxes: list[BoxEntry]
    colour: str


class ProposalEntry(Entry):
    """Where a lesion is expected."""

    lesion: int
    scan: str
    point_mm: Xyz
    source_scan: str
    uncertainty_mm: Number | None
    registration: str
    doubt: str
    verified: bool


class MeasurementsEntry(Entry):
    """Size and density."""

    volume_ml: float
    long_axis_mm: float
    short_axis_mm: float
    mean_hu: float
    long_axis_ends_mm: tuple[Xyz, Xyz]
    short_axis_ends_mm: tuple[Xyz, Xyz]


class FindingEntry(Entry):
    """A lesion on a scan."""

    lesion: int
    scan: str
    presence: Presence
    origin: Origin
    source_scan: str
    review: Review
    point_mm: Xyz | None
    proposed_mm: Xyz | None
    mask: MaskEntry | None
    measurements: MeasurementsEntry | None
    confidence: Number | None
    uncertainty_mm: Number | None
    registration: str
    segmenter: str
    reason: str
    merged_into: int | None
    split_from: int | None


class LandmarkEntry(Entry):
    """A place that a reader has pointed at."""

    scan: str
    name: str
    point_mm: Xyz


class SessionEntry(Entry):
    """All but voxels; *masks* names the array with the bits of all masks below ``masks``.

    Names of folders are hashes and nothing else: saving removes the folders of the session that was there
    before, and whoever made that file must not choose what is removed.
    """

    schema_: Literal["longiseg-session/1"] = Field(alias="schema")
    patient: str
    scans: Annotated[list[ScanEntry], Field(min_length=1)]
    lesions: list[LesionEntry]
    findings: list[FindingEntry]
    proposals: list[ProposalEntry]
    landmarks: list[LandmarkEntry]
    history: list[str]
    masks: Annotated[str, Field(pattern=r"^[0-9a-f]+$")]
