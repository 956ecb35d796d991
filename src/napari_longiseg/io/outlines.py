"""Outlines given as label images, on the working grids of their scans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import GeometryError, InputError
from napari_longiseg.core.lesion import LesionMask, SourceMask
from napari_longiseg.core.resample import resample_labels
from napari_longiseg.core.scan import Scan
from napari_longiseg.io.images import read_labels


def truth_path(folder: Path, scan_id: str) -> Path:
    """Where the true outlines of a study's scan lie, if any: a label image whose labels are lesion ids."""
    return folder / f"gt_{scan_id}.nii.gz"


def read_labels_on(path: Path, scan: Scan) -> npt.NDArray[Any]:
    """A label image on a scan's working grid: reordered and flipped, or else resampled by nearest neighbour.

    Raises
    ------
    InputError
        When the file is no label image.
    GeometryError
        When it lies in another place than the scan.
    """
    labels, grid = read_labels(path)
    if min(scan.grid.overlap_mm(grid)) <= 0:
        msg = f"{path} lies in another place than scan {scan.id}; check which scan it was drawn on."
        raise GeometryError(msg)
    return resample_labels(labels, grid, scan.grid)


class OutlineReader:
    """Reads each label image once, however many lesions it outlines."""

    def __init__(self) -> None:
        self._labels: dict[tuple[Path, str], npt.NDArray[Any]] = {}
        self._values: dict[tuple[Path, str], frozenset[int]] = {}

    def read(self, path: Path, label: int, scan: Scan) -> SourceMask:
        """The outline with this label.

        Where the image lies on another grid than the scan, it is reordered and flipped, or else resampled
        by nearest neighbour.

        Raises
        ------
        InputError
            When the file is no label image, or has no such label.
        GeometryError
            When the outline does not lie inside the scan.
        """
        key = (path, scan.id)
        if key not in self._labels:
            labels, grid = read_labels(path)
            self._values[key] = frozenset(int(v) for v in np.unique(labels))
            self._labels[key] = resample_labels(labels, grid, scan.grid)
        if label not in self._values[key]:
            there = ", ".join(str(v) for v in sorted(self._values[key] - {0})[:20]) or "none"
            msg = f"{path} has no label {label}; its labels are {there}."
            raise InputError(msg)
        mask = LesionMask.of(self._labels[key] == label)
        if mask.is_empty:
            msg = (
                f"Label {label} of {path} does not overlap scan {scan.id}; check which scan it was drawn on."
            )
            raise GeometryError(msg)
        return SourceMask(scan.id, mask)
