"""Whether the slices of a series make one straight, gapless volume."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_longiseg.core.errors import GeometryError
from napari_longiseg.core.geometry import Array, Grid, as_point, as_shape
from napari_longiseg.io._dicom.headers import SliceHeader
from napari_longiseg.io._nifti import is_orthonormal
from napari_longiseg.io.orientation import TILT_DEGREES

MOST_TILT_DEGREES = 45.0
"""No gantry can be tilted more."""
SAME_PLACE_MM = 0.01


def spacing_tolerance_mm(spacing_mm: float) -> float:
    """How far a distance between slices may differ from the usual one: 1 %, at least 0.05 mm."""
    return max(0.01 * spacing_mm, 0.05)


def sorted_slices(slices: Sequence[SliceHeader]) -> list[SliceHeader]:
    """The slices along their normal."""
    normal = _normal(slices[0])
    return sorted(slices, key=lambda s: (float(np.dot(s.position_mm, normal)), s.frame or 0, s.path.name))


def same_places(slices: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Sorted slices grouped by place; a group of several holds duplicates."""
    normal = _normal(slices[0])
    groups = [[slices[0]]]
    for header in slices[1:]:
        step = np.dot(np.subtract(header.position_mm, groups[-1][0].position_mm), normal)
        if step < SAME_PLACE_MM:
            groups[-1].append(header)
        else:
            groups.append([header])
    return groups


def grid_of_slices(slices: Sequence[SliceHeader], name: str) -> Grid:
    """The grid of sorted slices without duplicates, axes (slice, row, column).

    Of a tilted gantry it is sheared: its first axis is the stacking direction, not the slices' normal.

    Parameters
    ----------
    slices : sequence of SliceHeader
        All parallel, along their normal.
    name : str
        Of the series, for messages.

    Raises
    ------
    GeometryError
        When the slices are too few, shifted sideways, missing or unequally spaced; says where.
    """
    first = slices[0]
    normal = _normal(first)
    columns = np.column_stack([normal, first.row, first.column])
    if not is_orthonormal(columns):
        msg = f"{name}: rows and columns of its slices are not perpendicular."
        raise GeometryError(msg)
    if len(slices) < 2:
        msg = f"{name} has fewer than 2 slices."
        raise GeometryError(msg)
    positions = np.array([s.position_mm for s in slices])
    stacking = _stacking(positions, normal, name)
    _check_steps(slices, positions @ normal, name)
    spacing = float((positions[-1] - positions[0]) @ stacking) / (len(slices) - 1)
    columns = np.column_stack([stacking, first.row, first.column])
    return Grid(
        shape=as_shape((len(slices), *first.size)),
        spacing_mm=as_point((spacing, *first.spacing_mm)),
        origin_mm=as_point(first.position_mm),
        direction=(as_point(columns[0]), as_point(columns[1]), as_point(columns[2])),
    )


def place(header: SliceHeader) -> str:
    """Where a slice lies, along the patient axis nearest to its normal."""
    axis = int(np.abs(_normal(header)).argmax())
    return f"{'zyx'[axis]} = {header.position_mm[axis]:.1f} mm"


def _normal(header: SliceHeader) -> Array:
    """Unit normal (z, y, x) of a slice, right-handed with its axes.

    A cross product of vectors in reversed order changes its sign, hence the order of the factors.
    """
    normal = np.cross(header.row, header.column)
    unit: Array = normal / np.linalg.norm(normal)
    return unit


def _stacking(positions: Array, normal: Array, name: str) -> Array:
    """Unit vector (z, y, x) along which the slices follow each other: their normal, but for a tilted gantry.

    Raises
    ------
    GeometryError
        When they follow no straight line, or one that no gantry tilts to.
    """
    stacking: Array = positions[-1] - positions[0]
    sideways = stacking - (stacking @ normal) * normal
    degrees = float(np.degrees(np.arctan2(np.linalg.norm(sideways), stacking @ normal)))
    if degrees > MOST_TILT_DEGREES:
        msg = f"{name} has slices that lie beside each other, {degrees:.0f} degrees off a stack."
        raise GeometryError(msg)
    straight = positions[0] + np.linspace(0, 1, len(positions))[:, None] * stacking
    shifts = positions - straight
    shifts -= np.outer(shifts @ normal, normal)
    worst = float(np.linalg.norm(shifts, axis=1).max())
    if worst > spacing_tolerance_mm(float(np.linalg.norm(stacking)) / (len(positions) - 1)):
        msg = f"{name} has slices that are shifted sideways by up to {worst:.1f} mm."
        raise GeometryError(msg)
    along: Array = stacking / np.linalg.norm(stacking)
    return along if degrees > TILT_DEGREES else normal


def _check_steps(slices: Sequence[SliceHeader], along: Array, name: str) -> None:
    steps = np.diff(along)
    usual = float(np.median(steps))
    tolerance = spacing_tolerance_mm(usual)
    wrong = np.flatnonzero(np.abs(steps - usual) > tolerance)
    if not len(wrong):
        return
    multiples = np.rint(steps / usual)
    gaps = (multiples >= 1) & (np.abs(steps - multiples * usual) <= tolerance * multiples)
    after = int(wrong[0])
    where = f"after slice {after + 1} of {len(slices)}, {place(slices[after])}"
    if gaps.all():
        missing = int((multiples - 1).sum())
        noun = "slice is" if missing == 1 else "slices are"
        msg = f"{name}: {missing} {noun} missing, the first {where}; get the whole series."
    else:
        msg = (
            f"{name} has unequally spaced slices: {steps.min():.2f} to {steps.max():.2f} mm apart, first "
            f"{where}; use a reconstruction with equal spacing."
        )
    raise GeometryError(msg)
