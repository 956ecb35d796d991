"""Which findings of one scan are the same thing, and which voxels belong to which lesion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.components import nearest_component
from napari_longiseg.core.geometry import Box
from napari_longiseg.core.labels import nearer
from napari_longiseg.core.lesion import Finding, LesionMask, Origin
from napari_longiseg.core.scan import Scan
from napari_longiseg.tracking.findings import with_mask

MERGED_SHARE = 0.5
"""Two lesions have coalesced where their masks, each grown from its own point, share this much of the smaller
one; lesions that only touch share a rim."""


def reconcile(findings: Sequence[Finding], scan: Scan, source_ml: Mapping[int, float]) -> list[Finding]:
    """Settle the overlaps among the findings of one scan, in their order.

    Two propagated lesions that share most of the smaller one's mask have merged: the one that was larger on
    the source scan gets both masks, the other points to it with ``merged_into`` and is measured there. Where
    masks overlap less, each voxel goes to the lesion whose point is nearer in mm. A lesion that a reader
    clicked on this very scan keeps its mask; a propagated one beside it gets the rest, or has merged into it.

    Parameters
    ----------
    findings : sequence of Finding
        At most one per lesion, all on *scan*.
    scan : Scan
        The scan.
    source_ml : mapping
        Lesion id to its volume in ml on the source scan; missing where unknown.
    """
    settled = list(findings)
    for i, j in combinations(range(len(settled)), 2):
        settled[i], settled[j] = _settle(settled[i], settled[j], scan, source_ml)
    return settled


def _settle(a: Finding, b: Finding, scan: Scan, source_ml: Mapping[int, float]) -> tuple[Finding, Finding]:
    if a.mask is None or b.mask is None:
        return a, b
    box = a.mask.box.intersection(b.mask.box)
    shared = a.mask.within(box) & b.mask.within(box)
    if not shared.any():
        return a, b
    clicked_a, clicked_b = a.origin is Origin.SOURCE, b.origin is Origin.SOURCE
    if clicked_a != clicked_b:
        return (a, _beside(b, a, shared, box, scan)) if clicked_a else (_beside(a, b, shared, box, scan), b)
    smaller = min(_count(a), _count(b))
    if not clicked_a and int(shared.sum()) >= MERGED_SHARE * smaller:
        if source_ml.get(a.lesion, 0.0) >= source_ml.get(b.lesion, 0.0):
            return _with_union(a, b, scan), _merged(b, into=a)
        return _merged(a, into=b), _with_union(b, a, scan)
    to_b = shared & nearer(b, a, box, scan.grid)
    return _less(a, to_b, box, scan, rival=b), _less(b, shared & ~to_b, box, scan, rival=a)


def _beside(
    finding: Finding, clicked: Finding, shared: npt.NDArray[np.bool_], box: Box, scan: Scan
) -> Finding:
    """A propagated finding beside one that a reader clicked on this scan, which keeps all that is its own."""
    if int(shared.sum()) >= MERGED_SHARE * _count(finding):
        return _merged(finding, into=clicked)
    return _less(finding, shared, box, scan, rival=clicked)


def _count(finding: Finding) -> int:
    return int(finding.mask.voxels.sum()) if finding.mask else 0


def _with_union(keeper: Finding, other: Finding, scan: Scan) -> Finding:
    if keeper.mask is None or other.mask is None:
        return keeper
    return with_mask(keeper, keeper.mask.union(other.mask), scan)


def _merged(finding: Finding, into: Finding) -> Finding:
    reason = f"Merged into lesion {into.lesion} and measured there. {finding.reason}".strip()
    return replace(finding, mask=None, measurements=None, merged_into=into.lesion, reason=reason)


def _less(finding: Finding, voxels: npt.NDArray[np.bool_], box: Box, scan: Scan, rival: Finding) -> Finding:
    """The finding less some voxels, kept in one piece."""
    if not voxels.any() or finding.mask is None or finding.point_mm is None:
        return finding
    rest = finding.mask.without(voxels, box)
    if rest.is_empty:
        return _merged(finding, into=rival)
    piece, _ = nearest_component(rest.voxels, rest.grid(scan.grid), finding.point_mm)
    return with_mask(finding, LesionMask.of(piece, rest.box), scan)
