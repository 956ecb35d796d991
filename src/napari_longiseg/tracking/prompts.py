"""Which prompts a lesion has, and whether they can be used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.lesion import Click, Finding, Lesion
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.core.state import Key
from napari_longiseg.segmentation.base import SegmenterInfo
from napari_longiseg.tracking.options import TrackOptions
from napari_longiseg.tracking.voi import takes_box


def check_prompts(study: Study, starts: Collection[Key], info: SegmenterInfo) -> None:
    """Refuse lesions that cannot be outlined, before any work is done.

    Parameters
    ----------
    study : Study
        With the lesions.
    starts : collection of Key
        Lesion and scan ids: where a lesion needs a prompt to start from.
    info : SegmenterInfo
        Of the engine that is to outline them.

    Raises
    ------
    InputError
        A lesion without a prompt on its source scan, a click or box on a scan that is not there or outside of
        it, a box that the engine cannot see as a whole.
    """
    for lesion in study.lesions:
        for source in (scan for lesion_id, scan in starts if lesion_id == lesion.id):
            _check_start(lesion, study.scan(source))
        for click in lesion.clicks:
            _check_inside(f"click of lesion {lesion.id}", click.point_mm, study.scan(click.scan))
        for box in lesion.boxes:
            scan = study.scan(box.scan)
            _check_inside(f"middle of the box around lesion {lesion.id}", box.middle_mm, scan)
            if not takes_box(box, scan, info):
                msg = (
                    f"The box around lesion {lesion.id} on {scan.id} is larger than what the segmenter "
                    f"{info.name} sees at a time; draw a smaller one, or choose another segmenter."
                )
                raise InputError(msg)


def starts_of(
    study: Study,
    wanted: Mapping[Key, Proposal | None],
    options: TrackOptions,
    known: Iterable[Finding],
) -> dict[Key, Key]:
    """For lesions and scans that are to be outlined, the same lesion and the scan that it is carried from.

    Parameters
    ----------
    study : Study
        With the lesions.
    wanted : mapping
        Lesion and scan ids, with the proposal where there is one.
    options : TrackOptions
        May name the scan to start from.
    known : iterable of Finding
        As for :func:`source_id`.

    Raises
    ------
    InputError
        When the study has no such lesion, or neither a proposal nor a reader says where one is.
    """
    known, lesions = list(known), {lesion.id: lesion for lesion in study.lesions}
    starts: dict[Key, Key] = {}
    for (lesion_id, scan_id), proposal in wanted.items():
        if lesion_id not in lesions:
            msg = f"The study has no lesion {lesion_id} to outline on {scan_id}."
            raise InputError(msg)
        lesion = lesions[lesion_id]
        source = proposal.source_scan if proposal else source_id(lesion, options, known)
        if proposal is None and source != scan_id and lesion.point_on(scan_id) is None:
            msg = f"Lesion {lesion_id} has neither a positive click nor a box on {scan_id}: click it there."
            raise InputError(msg)
        starts[lesion_id, scan_id] = lesion_id, source
    return starts


def source_id(lesion: Lesion, options: TrackOptions, known: Iterable[Finding] = ()) -> str:
    """The scan that a lesion's propagation starts from.

    Without any prompt that is the first scan on which a reader has outlined it, according to what is known.

    Raises
    ------
    InputError
        When there is none.
    """
    drawn = (f.scan for f in known if f.lesion == lesion.id and f.is_readers and f.mask is not None)
    source = options.source or lesion.source_scan or next(drawn, None)
    if source is None:
        msg = f"Lesion {lesion.id} has neither a positive click nor a box nor an outline on any scan."
        raise InputError(msg)
    return source


def clicks_on(lesion: Lesion, scan_id: str) -> tuple[Click, ...]:
    """A reader's clicks on a scan; where none is positive, the middle of their box comes first."""
    clicks = lesion.clicks_on(scan_id)
    point = lesion.point_on(scan_id)
    if point is None or any(click.positive for click in clicks):
        return clicks
    return (Click(scan_id, point), *clicks)


def _check_start(lesion: Lesion, source: Scan) -> None:
    outline = lesion.source_mask
    if outline is not None and outline.scan == source.id:
        if outline.mask.is_empty:
            msg = f"The outline of lesion {lesion.id} on {source.id} is empty."
            raise InputError(msg)
    elif lesion.point_on(source.id) is None:
        msg = f"Lesion {lesion.id} has neither a positive click nor a box nor an outline on {source.id}."
        raise InputError(msg)


def _check_inside(what: str, point_mm: Point, scan: Scan) -> None:
    if not scan.grid.contains(point_mm):
        z, y, x = point_mm
        msg = f"The {what} at x, y, z = {x:.1f}, {y:.1f}, {z:.1f} mm lies outside scan {scan.id}."
        raise InputError(msg)
