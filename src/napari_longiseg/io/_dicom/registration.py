"""DICOM's registration objects: rigid and affine (Spatial Registration), and deformable ones.

DICOM PS3.3, C.20.2 and C.20.3. A Spatial Registration holds a matrix from each frame of reference to a
registered one. A Deformable Spatial Registration goes the other way: from the registered frame through a
matrix, a grid of displacements and another matrix to each source frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid, as_point, as_shape
from napari_longiseg.io._transform.steps import FieldStep, FileTransform, LinearStep, Step, inverted
from napari_longiseg.io._transform.vector_fields import field_step
from napari_longiseg.io.dicom import is_dicom_file
from napari_longiseg.io.points import from_xyz

SPATIAL, DEFORMABLE = "1.2.840.10008.5.1.4.1.1.66.1", "1.2.840.10008.5.1.4.1.1.66.3"
_IDENTIFIERS = ["FrameOfReferenceUID", "SOPInstanceUID"]

Dataset = Any
"""Of pydicom, whose attributes are made at run time."""


@dataclass(frozen=True, eq=False, slots=True)
class RegisteredFrame:
    """One frame of reference of a registration.

    Attributes
    ----------
    names : frozenset of str
        UIDs of the frame and of the images that are named in it.
    steps : tuple of LinearStep or FieldStep
        From this frame to the registered one.
    notes : tuple of str
        What had to be assumed.
    """

    names: frozenset[str]
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()


def read_registration(path: Path, source: Path | None, target: Path | None) -> FileTransform:
    """Read what a registration object says of two scans.

    Parameters
    ----------
    path : Path
        The registration object.
    source, target : Path or None
        Where the scans were read from; where that is DICOM, its frames of reference tell which matrix is
        meant, and which way.

    Raises
    ------
    InputError
        One sentence, naming the file.
    """
    import pydicom

    try:
        frames = _frames(pydicom.dcmread(path))
    except InputError as error:
        msg = f"{path} cannot be used: {error}."
        raise InputError(msg) from error
    except Exception as error:  # pydicom raises whatever the damage leads to
        msg = f"{path} is damaged, or no whole DICOM registration; export it again."
        raise InputError(msg) from error
    start, goal = (_frame_of(path, frames, scan) for scan in (source, target))
    notes = tuple(note for frame in frames for note in frame.notes)
    if start is None and goal is None:
        # Files of two scans mostly have two items, and the registered frame is the one of the fixed image.
        start, goal = frames[1], frames[0]
        assumed = (
            f"The scans do not say which frames of reference in {path.name} are theirs; its first one that "
            "is registered was taken for the source."
        )
        return FileTransform((*start.steps, *inverted(goal.steps)), notes=(*notes, assumed))
    start = start or _other_than(path, frames, goal)
    goal = goal or _other_than(path, frames, start)
    if start is goal:
        notes = (*notes, "Both scans have the same frame of reference.")
    return FileTransform((*start.steps, *inverted(goal.steps)), is_directed=True, notes=notes)


def identifiers(scan: Path | None) -> frozenset[str]:
    """UIDs of the frames of reference and images of a scan's file or folder; none where it is no DICOM."""
    import pydicom

    if scan is None:
        return frozenset()
    files = [scan] if scan.is_file() else sorted(p for p in scan.rglob("*") if p.is_file())
    found: set[str] = set()
    for file in filter(is_dicom_file, files):
        header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["Modality", *_IDENTIFIERS])
        if header.get("Modality") == "CT":  # the registration itself may lie beside the images
            found |= {str(header[name].value) for name in _IDENTIFIERS if header.get(name)}
    return frozenset(found)


def _frames(data: Dataset) -> list[RegisteredFrame]:
    """All frames of reference, the registered one first; InputError without a file's name."""
    if data.SOPClassUID == SPATIAL:
        frames = [
            _frame(item, "FrameOfReferenceUID", (_matrix(item.MatrixRegistrationSequence),))
            for item in data.RegistrationSequence
        ]
    elif data.SOPClassUID == DEFORMABLE:
        frames = [
            _frame(item, "SourceFrameOfReferenceUID", inverted(_deformation(item)))
            for item in data.DeformableRegistrationSequence
        ]
    else:
        msg = "it is DICOM, but neither a Spatial Registration nor a Deformable Spatial Registration"
        raise InputError(msg)
    registered = str(data.FrameOfReferenceUID)
    own = [frame for frame in frames if registered in frame.names]
    others = [frame for frame in frames if registered not in frame.names]
    if not others:
        msg = "it registers nothing to its own frame of reference"
        raise InputError(msg)
    return [*(own or [RegisteredFrame(frozenset({registered}), ())]), *others]


def _frame(item: Dataset, name: str, steps: tuple[Step, ...]) -> RegisteredFrame:
    images = {str(image.ReferencedSOPInstanceUID) for image in item.get("ReferencedImageSequence") or ()}
    frame = {str(item[name].value)} if item.get(name) else set()
    fields = [step for step in steps if isinstance(step, FieldStep)]
    undefined = sum(int(np.isnan(field.vectors).any(axis=0).sum()) for field in fields)
    notes = (
        (f"{undefined} nodes of the displacement field are undefined and do not move.",) if undefined else ()
    )
    defined = [
        replace(step, vectors=np.nan_to_num(step.vectors)) if isinstance(step, FieldStep) else step
        for step in steps
    ]
    return RegisteredFrame(frozenset(images | frame), tuple(defined), notes)


def _matrix(registration: Dataset) -> LinearStep:
    """The one matrix of a matrix registration sequence."""
    matrices = registration[0].MatrixSequence
    if len(matrices) != 1:
        msg = f"it has {len(matrices)} matrices for one frame of reference; export them as a single one"
        raise InputError(msg)
    return _matrix_of(matrices[0])


def _matrix_of(item: Dataset) -> LinearStep:
    return LinearStep.of_xyz([float(value) for value in item.FrameOfReferenceTransformationMatrix])


def _deformation(item: Dataset) -> tuple[Step, ...]:
    """From the registered frame to the source frame."""
    names = ("PreDeformationMatrixRegistrationSequence", "PostDeformationMatrixRegistrationSequence")
    before, after = ([_matrix_of(matrix) for matrix in item.get(name) or ()] for name in names)
    grids = [_grid(grid) for grid in item.get("DeformableRegistrationGridSequence") or ()]
    return (*before, *grids, *after)


def _grid(item: Dataset) -> FieldStep:
    shape = as_shape(item.GridDimensions[::-1])
    vectors = np.frombuffer(item.VectorGridData, "<f4").reshape(*shape, 3)
    row, column = np.asarray(item.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
    # The array's axes run along depth, columns and rows; file order becomes (z, y, x) by the last flip.
    axes = np.column_stack([np.cross(row, column), column, row])[::-1]
    direction = (as_point(axes[0]), as_point(axes[1]), as_point(axes[2]))
    lattice = Grid(shape, from_xyz(item.GridResolution), from_xyz(item.ImagePositionPatient), direction)
    return field_step(np.moveaxis(vectors, -1, 0), lattice)


def _frame_of(path: Path, frames: list[RegisteredFrame], scan: Path | None) -> RegisteredFrame | None:
    """The frame that a scan belongs to, by as many of its UIDs as possible; None where it has none."""
    names = identifiers(scan)
    best = max(frames, key=lambda frame: len(frame.names & names))
    if names and not best.names & names:
        msg = f"{path} registers other scans: it does not name the frame of reference of {scan}."
        raise InputError(msg)
    return best if names else None


def _other_than(path: Path, frames: list[RegisteredFrame], known: RegisteredFrame | None) -> RegisteredFrame:
    """The other frame of two, where only one scan is known."""
    others = [frame for frame in frames if frame is not known]
    if len(others) != 1:
        msg = (
            f"{path} registers {len(frames)} frames of reference, and one of the scans does not say which is "
            "its own; use DICOM scans."
        )
        raise InputError(msg)
    return others[0]
