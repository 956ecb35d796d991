"""What a reader gives a method to go by on one scan: the point, the box, and taking them back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point, as_point
from napari_longiseg.core.lesion import BoxPrompt, Click, Lesion
from napari_longiseg.session.session import Session


def move_point(session: Session, lesion_id: int, scan_id: str, point_mm: Point) -> None:
    """Say that a lesion is here on a scan, and nowhere else there.

    The point takes the place of all positive clicks on the scan, of an outline that was given beforehand,
    and of a box that does not hold it. What is known there stays until a method brings something else.

    Parameters
    ----------
    session : Session
        Is changed.
    lesion_id, scan_id
        Which lesion, and where.
    point_mm : Point
        LPS mm, order (z, y, x).

    Raises
    ------
    InputError
        When there is no such lesion or scan, or the point lies outside the scan.
    """
    lesion = session.lesion(lesion_id)
    session.check_inside(scan_id, point_mm)
    moved = Click(scan_id, point_mm)
    clicks: list[Click] = []
    for click in lesion.clicks:
        if not (click.positive and click.scan == scan_id):
            clicks.append(click)
        elif moved not in clicks:  # where the first one was, so that the lesion starts from the same scan
            clicks.append(moved)
    if moved not in clicks:
        clicks.append(moved)
    outline = lesion.source_mask
    with session.action(f"Move the point of lesion {lesion_id} on {scan_id}"):
        session.set_lesion(
            replace(
                lesion,
                clicks=tuple(clicks),
                source_mask=None if outline and outline.scan == scan_id else outline,
                boxes=tuple(box for box in lesion.boxes if box.scan != scan_id or _holds(box, point_mm)),
            )
        )


def set_box(session: Session, lesion_id: int, box: BoxPrompt) -> None:
    """Draw a box around a lesion, in place of one on the same scan; what sticks out of the scan is cut off.

    Raises
    ------
    InputError
        When there is no such lesion or scan, or the box lies outside the scan.
    """
    lesion, scan = session.lesion(lesion_id), session.scan(box.scan)
    low, high = scan.grid.bounds_mm()
    low, high = np.maximum(box.low_mm, low), np.minimum(box.high_mm, high)
    if (low >= high).any():
        msg = f"That box lies outside scan {scan.id}."
        raise InputError(msg)
    others = tuple(other for other in lesion.boxes if other.scan != scan.id)
    inside = BoxPrompt(scan.id, as_point(low), as_point(high))
    with session.action(f"Box around lesion {lesion_id} on {scan.id}"):
        session.set_lesion(replace(lesion, boxes=(*others, inside)))


def reset(session: Session, lesion_id: int, scan_id: str) -> None:
    """Take back all that a reader did to a lesion on a scan, and forget what is known there.

    Where the lesion has prompts nowhere else, the first one stays.

    Raises
    ------
    InputError
        When there is no such lesion or scan, or nothing to take back.
    """
    session.scan(scan_id)
    lesion = session.lesion(lesion_id)
    bare = _without_prompts(lesion, scan_id)
    if bare == lesion and session.state.known((lesion_id, scan_id)) is None:
        msg = f"There is nothing to reset of lesion {lesion_id} on {scan_id}."
        raise InputError(msg)
    with session.action(f"Reset lesion {lesion_id} on {scan_id}"):
        if bare != lesion:
            session.set_lesion(bare)
        session.forget(lesion_id, scan_id)


def _without_prompts(lesion: Lesion, scan_id: str) -> Lesion:
    """The lesion without its prompts on a scan, but for the first where it would have none left."""
    outline = lesion.source_mask
    bare = replace(
        lesion,
        clicks=tuple(click for click in lesion.clicks if click.scan != scan_id),
        boxes=tuple(box for box in lesion.boxes if box.scan != scan_id),
        source_mask=None if outline and outline.scan == scan_id else outline,
    )
    if bare.source_scan is not None:
        return bare
    first = next((click for click in lesion.clicks_on(scan_id) if click.positive), None)
    box = lesion.box_on(scan_id)
    if outline is not None:
        return replace(bare, source_mask=outline)
    if first is not None:
        return replace(bare, clicks=(*bare.clicks, first))
    return bare if box is None else replace(bare, boxes=(box,))


def _holds(box: BoxPrompt, point_mm: Point) -> bool:
    return bool(np.all(np.less_equal(box.low_mm, point_mm) & np.less_equal(point_mm, box.high_mm)))
