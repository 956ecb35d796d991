"""Between a study with what is known of it, and the entries of a session file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Box, Grid
from napari_longiseg.core.landmark import Landmark
from napari_longiseg.core.lesion import (
    BoxPrompt,
    Click,
    Finding,
    Lesion,
    LesionMask,
    Measurements,
    SourceMask,
)
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.core.state import State
from napari_longiseg.io._session.entries import (
    SCHEMA,
    BoxEntry,
    ClickEntry,
    FindingEntry,
    GridEntry,
    LandmarkEntry,
    LesionEntry,
    MaskEntry,
    MeasurementsEntry,
    ProposalEntry,
    ScanEntry,
    SessionEntry,
    SourceMaskEntry,
)

Bytes = npt.NDArray[np.uint8]


class MaskPile:
    """Masks of any number and overlap, bit by bit behind each other."""

    def __init__(self) -> None:
        self._parts: list[Bytes] = []
        self._size = 0

    def add(self, mask: LesionMask) -> MaskEntry:
        """Put a mask on top, and say where it is."""
        entry = MaskEntry.model_construct(start=mask.box.start, stop=mask.box.stop, byte=self._size)
        self._parts.append(np.packbits(mask.voxels))
        self._size += len(self._parts[-1])
        return entry

    @property
    def content(self) -> Bytes:
        """All masks, (N,) uint8."""
        return np.concatenate([np.zeros(0, np.uint8), *self._parts])


def digest(content: Bytes) -> str:
    """Names what has this content, and nothing else."""
    return hashlib.blake2b(content.data, digest_size=16).hexdigest()


def to_entry(
    study: Study, state: State, history: Sequence[str], images: Mapping[str, str]
) -> tuple[SessionEntry, Bytes]:
    """What a session file says, and the bits of all masks.

    Parameters
    ----------
    study : Study
        Its scans and landmarks.
    state : State
        The lesions, and what is known of them.
    history : sequence of str
        What was done.
    images : mapping
        Scan id to the name of its image's group.
    """
    pile = MaskPile()
    lesions = [_lesion_entry(state.lesions[i], pile) for i in sorted(state.lesions)]
    findings = [_finding_entry(state.findings[key], pile) for key in sorted(state.findings)]
    content = pile.content
    entry = SessionEntry.model_construct(
        schema_=SCHEMA,
        patient=study.patient,
        scans=[_scan_entry(scan, images[scan.id]) for scan in study.scans],
        lesions=lesions,
        findings=findings,
        proposals=[ProposalEntry.model_construct(**_of(state.proposals[k])) for k in sorted(state.proposals)],
        landmarks=[LandmarkEntry.model_construct(**_of(one)) for one in study.landmarks],
        history=list(history),
        masks=digest(content),
    )
    return entry, content


def to_study(entry: SessionEntry, scans: Sequence[Scan], content: Bytes) -> tuple[Study, State]:
    """The study with its lesions, and what is known of them.

    Raises
    ------
    InputError
        When the parts do not fit together.
    """
    lesions = {one.id: _lesion(one, content) for one in entry.lesions}
    findings = [_finding(one, content) for one in entry.findings]
    proposals = [Proposal(**dict(one)) for one in entry.proposals]
    state = State(
        lesions,
        {(found.lesion, found.scan): found for found in findings},
        {(place.lesion, place.scan): place for place in proposals},
    )
    landmarks = tuple(Landmark(**dict(one)) for one in entry.landmarks)
    study = Study(entry.patient, tuple(scans), tuple(lesions[i] for i in sorted(lesions)), landmarks)
    _check_references(study, state)
    return study, state


def to_grid(entry: GridEntry) -> Grid:
    """A grid."""
    return Grid(**dict(entry))


def _of(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any of our dataclasses
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _scan_entry(scan: Scan, image: str) -> ScanEntry:
    return ScanEntry.model_construct(
        id=scan.id,
        image=image,
        key=scan.key,
        grid=GridEntry.model_construct(**_of(scan.grid)),
        native=GridEntry.model_construct(**_of(scan.native)),
        date=scan.date,
        path=None if scan.path is None else str(scan.path),
        notes=list(scan.notes),
    )


def to_scan(entry: ScanEntry, image: npt.NDArray[Any]) -> Scan:
    """A scan, from its image (Z, Y, X)."""
    path = None if entry.path is None else Path(entry.path)
    grid, native = to_grid(entry.grid), to_grid(entry.native)
    return Scan(entry.id, image, grid, native, entry.date, path, tuple(entry.notes))


def _lesion_entry(lesion: Lesion, pile: MaskPile) -> LesionEntry:
    outline = lesion.source_mask
    own = {
        "clicks": [ClickEntry.model_construct(**_of(click)) for click in lesion.clicks],
        "boxes": [BoxEntry.model_construct(**_of(box)) for box in lesion.boxes],
        "source_mask": outline
        and SourceMaskEntry.model_construct(scan=outline.scan, mask=pile.add(outline.mask)),
    }
    return LesionEntry.model_construct(**_of(lesion) | own)


def _lesion(entry: LesionEntry, content: Bytes) -> Lesion:
    outline = entry.source_mask
    own: dict[str, Any] = {
        "clicks": tuple(Click(**dict(click)) for click in entry.clicks),
        "boxes": tuple(BoxPrompt(**dict(box)) for box in entry.boxes),
        "source_mask": outline and SourceMask(outline.scan, _mask(outline.mask, content)),
    }
    return Lesion(**dict(entry) | own)


def _finding_entry(finding: Finding, pile: MaskPile) -> FindingEntry:
    mask, sizes = finding.mask, finding.measurements
    own = {
        "mask": mask and pile.add(mask),
        "measurements": sizes and MeasurementsEntry.model_construct(**_of(sizes)),
    }
    return FindingEntry.model_construct(**_of(finding) | own)


def _finding(entry: FindingEntry, content: Bytes) -> Finding:
    own: dict[str, Any] = {
        "mask": entry.mask and _mask(entry.mask, content),
        "measurements": entry.measurements and Measurements(**dict(entry.measurements)),
    }
    return Finding(**dict(entry) | own)


def _mask(entry: MaskEntry, content: Bytes) -> LesionMask:
    box = Box(entry.start, entry.stop)
    count = int(np.prod(box.shape))
    packed = content[entry.byte : entry.byte + -(-count // 8)]
    if 8 * len(packed) < count:
        msg = "a mask is cut short"
        raise InputError(msg)
    return LesionMask(box, np.unpackbits(packed, count=count).astype(bool).reshape(box.shape))


def _check_references(study: Study, state: State) -> None:
    """Refuse what is said of lesions and scans that are not there, and masks that stick out of their scan."""
    shapes = {scan.id: scan.grid.shape for scan in study.scans}
    masks = [(found.scan, found.mask) for found in state.findings.values()]
    masks += [(x.source_mask.scan, x.source_mask.mask) for x in study.lesions if x.source_mask]
    prompts = [click.scan for lesion in study.lesions for click in lesion.clicks]
    prompts += [box.scan for lesion in study.lesions for box in lesion.boxes]
    keys = (*state.findings, *state.proposals)
    strange = {i for i, _ in keys} - set(state.lesions)
    strange_scans = {*prompts, *(scan for _, scan in keys), *(scan for scan, _ in masks)} - set(shapes)
    if strange or strange_scans:
        msg = f"it speaks of {[*sorted(strange), *sorted(strange_scans)][0]!r}, which it does not have"
        raise InputError(msg)
    if any(mask is not None and mask.box.clipped(shapes[scan]) != mask.box for scan, mask in masks):
        msg = "a mask sticks out of its scan"
        raise InputError(msg)
