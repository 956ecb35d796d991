"""Which outlines a stroke of the brush has changed; pure functions."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Box
from napari_longiseg.core.labels import labels_within
from napari_longiseg.core.lesion import Finding, LesionMask
from napari_longiseg.core.scan import Scan


def repainted(
    labels: npt.NDArray[np.integer],
    box: Box,
    scan: Scan,
    findings: Sequence[Finding],
    lesions: Collection[int],
    selected: int | None,
) -> dict[int, LesionMask]:
    """Outlines as they are after a stroke, of those lesions that it has changed.

    A voxel belongs to the lesion that it was painted for and to no other; one that was erased belongs to
    none, also where two outlines lay over each other.

    Parameters
    ----------
    labels : (Z, Y, X) int
        What is painted in the box now.
    box : Box
        Where the stroke was, or more; inside the scan.
    scan : Scan
        The scan.
    findings : sequence of Finding
        Of the scan, as they were before the stroke.
    lesions : collection of int
        Ids of all lesions.
    selected : int or None
        A label that is no lesion counts as this one, where there is one; else it stays what it is.

    Returns
    -------
    dict
        Lesion id (or such a label) to outline, which is empty where all of it was taken away.
    """
    changed = labels != labels_within(findings, scan.grid, box)
    known = {finding.lesion: finding.mask for finding in findings if finding.mask is not None}
    if selected is not None:
        labels = np.where(np.isin(labels, [0, *lesions]), labels, selected)
    painted = set(np.unique(labels[changed]).tolist()) - {0}
    outlines = {}
    for lesion in sorted({*known, *painted}):
        before = known.get(lesion, LesionMask(box, np.zeros(box.shape, dtype=bool)))
        within = before.within(box)
        after = np.where(changed, labels == lesion, within)
        if (after != within).any():
            outlines[lesion] = _with_part(before, after, box)
    return outlines


def _with_part(mask: LesionMask, voxels: npt.NDArray[np.bool_], box: Box) -> LesionMask:
    """A mask whose voxels in a box are these."""
    around = mask.box.union(box)
    whole = mask.within(around)
    whole[box.relative_to(around).slices] = voxels
    return LesionMask.of(whole, around)
