"""How far each scan is displayed from its patient position, so that cells side by side show the same thing.

All cells of napari's grid share one slice position. Between two dates a lesion moves by centimetres
(breath, posture), and scanners number the table differently, so equal patient coordinates rarely show the
same anatomy. Only the display moves: clicks, masks and measurements stay in each scan's own coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from napari_longiseg.core.geometry import Point, as_point
from napari_longiseg.core.scan import Scan, Study

NO_SHIFT: Point = (0.0, 0.0, 0.0)
LEAST_OVERLAP = 0.5
"""Scans that share less than this part of the smaller one's edge, along any axis, are centred."""


def frame_shift(scan: Scan, reference: Scan) -> Point:
    """Shift (mm) that centres a scan on another one; none where they lie over each other as they are."""
    shared = np.asarray(scan.grid.overlap_mm(reference.grid))
    smaller = np.minimum(scan.grid.size_mm, reference.grid.size_mm)
    if (shared >= LEAST_OVERLAP * smaller).all():
        return NO_SHIFT
    centre = np.mean(scan.grid.bounds_mm(), axis=0)
    return as_point(np.mean(reference.grid.bounds_mm(), axis=0) - centre)


def display_shifts(study: Study, points_mm: Mapping[str, Point], reference: str | None) -> dict[str, Point]:
    """Shift of every scan in mm, order (z, y, x).

    Parameters
    ----------
    study : Study
        The scans; the first stays where it is.
    points_mm : mapping
        Scan id to the selected lesion's point there; these are brought to the same place.
    reference : str or None
        Scan whose point the others are brought to: where the reader clicked.
    """
    shifts = {scan.id: frame_shift(scan, study.scans[0]) for scan in study.scans}
    if reference is None or reference not in points_mm:
        return shifts
    goal = np.add(points_mm[reference], shifts[reference])
    for scan_id, point in points_mm.items():
        shifts[scan_id] = as_point(goal - point)
    return shifts
