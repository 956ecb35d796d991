"""Where LungGradICON shall look: lungs from files, or found by their density."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_longiseg.core.components import Mask
from napari_longiseg.core.errors import GeometryError, InputError
from napari_longiseg.core.geometry import Grid, as_point, as_shape
from napari_longiseg.core.lungs import find_lungs
from napari_longiseg.core.resample import resample_labels
from napari_longiseg.core.scan import Scan
from napari_longiseg.io.images import EXTENSIONS, read_labels
from napari_longiseg.registration.agreement import Agreement

MIN_SHARE = 0.5
"""Of a file's labels that must lie within the scan, or it belongs to another one."""


def lungs_of(scan: Scan, folder: str) -> tuple[Mask | None, str]:
    """The lungs of a scan, and one sentence about where they come from.

    Parameters
    ----------
    scan : Scan
        CT.
    folder : str
        Holds a label image for every scan, called as the scan; empty to find the lungs by their density.

    Returns
    -------
    mask : (Z, Y, X) bool or None
        On the scan's grid; None where no lungs were found.
    statement : str

    Raises
    ------
    InputError
        When the folder has no file for the scan, or one that cannot be used.
    """
    if folder:
        path = lung_file(scan.id, Path(folder))
        return _read(scan, path), f"The lungs of {scan.id} are those of {path.name}."
    found = find_lungs(scan)
    return (found.mask if found.found else None), found.statement


def within(agreement: Agreement, mask: Mask, grid: Grid) -> Agreement:
    """The agreement of two scans where the network has looked; elsewhere its answer means nothing.

    Parameters
    ----------
    agreement : Agreement
        On the source scan.
    mask : (Z, Y, X) bool
        Of the source scan.
    grid : Grid
        The mask's.
    """
    shape, spacing = as_shape(agreement.correlation.shape), as_point(agreement.spacing)
    seen = resample_labels(mask, grid, Grid(shape, spacing, as_point(agreement.origin)))
    return replace(agreement, correlation=np.where(seen, agreement.correlation, np.float32(np.nan)))


def lung_file(scan_id: str, folder: Path) -> Path:
    """The label image of a scan.

    Raises
    ------
    InputError
        When there is none.
    """
    for extension in EXTENSIONS:
        if (path := folder / f"{scan_id}{extension}").is_file():
            return path
    msg = f"There is no lung mask {folder / scan_id}.nii.gz; each scan needs a file called as the scan."
    raise InputError(msg)


def _read(scan: Scan, path: Path) -> Mask:
    labels, grid = read_labels(path)
    mask = resample_labels(labels > 0, grid, scan.grid)
    if mask.sum() * scan.grid.voxel_ml < MIN_SHARE * (labels > 0).sum() * grid.voxel_ml or not mask.any():
        msg = f"{path} does not fit scan {scan.id}: most of its labels lie elsewhere, or it has none."
        raise GeometryError(msg)
    return mask
