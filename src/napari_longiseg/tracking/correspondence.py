"""Which findings of one scan are the same thing, and which voxels belong to which lesion."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.components import nearest_component
from napari_longiseg.core.geometry import Box
from napari_longiseg.core.labels import nearer
from napari_longiseg.core.lesion import Finding, LesionMask
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
    clicked on this very scan, or has accepted or edited there, keeps its mask; a propagated one beside it
    gets the rest, or has merged into it.

    Parameters
    ----------
    findings : sequence of Finding
        At most one per lesion, all on *scan*.
    scan : Scan
        The scan.
    source_ml : mapping
        Lesion id to its volume in ml on the source scan; missing where unknown.
    """
    apart = list(findings)
    for i, j in combinations(range(len(apart)), 2):
        apart[i], apart[j] = _settle(apart[i], apart[j], scan, source_ml)
    return apart


def settled(
    found: Sequence[Finding], known: Iterable[Finding], scan: Scan, on_source: Collection[Finding]
) -> list[Finding]:
    """The findings of one scan without overlaps, and what else changed by that, by lesion id.

    Parameters
    ----------
    found : sequence of Finding
        All on *scan*, at most one per lesion.
    known : iterable of Finding
        What is known of any lesions on any scans.
    on_source : collection of Finding
        The lesions of *found* on the scans that they start from.
    """
    known = list(known)
    ours = {finding.lesion for finding in found}
    before = {f.lesion: f for f in known if f.scan == scan.id and f.lesion not in ours}
    starts = [*(f for f in known if f.scan == f.source_scan), *on_source]
    source_ml = {f.lesion: f.measurements.volume_ml for f in starts if f.measurements}
    both = sorted([*found, *before.values()], key=lambda f: f.lesion)
    return [f for f in reconcile(both, scan, source_ml) if f is not before.get(f.lesion)]


def with_union(keeper: Finding, other: Finding, scan: Scan) -> Finding:
    """The finding with the masks of both."""
    if other.mask is None:
        return keeper
    return with_mask(keeper, keeper.mask.union(other.mask) if keeper.mask else other.mask, scan)


def merged_into(finding: Finding, keeper: Finding) -> Finding:
    """The finding as a part of another one, which is measured in its place."""
    reason = f"Merged into lesion {keeper.lesion} and measured there. {finding.reason}".strip()
    return replace(finding, mask=None, measurements=None, merged_into=keeper.lesion, reason=reason)


def _settle(a: Finding, b: Finding, scan: Scan, source_ml: Mapping[int, float]) -> tuple[Finding, Finding]:
    if a.mask is None or b.mask is None:
        return a, b
    box = a.mask.box.intersection(b.mask.box)
    shared = a.mask.within(box) & b.mask.within(box)
    if not shared.any():
        return a, b
    if a.is_readers != b.is_readers:
        return (
            (a, _beside(b, a, shared, box, scan)) if a.is_readers else (_beside(a, b, shared, box, scan), b)
        )
    smaller = min(_count(a), _count(b))
    if not a.is_readers and int(shared.sum()) >= MERGED_SHARE * smaller:
        if source_ml.get(a.lesion, 0.0) >= source_ml.get(b.lesion, 0.0):
            return with_union(a, b, scan), merged_into(b, a)
        return merged_into(a, b), with_union(b, a, scan)
    to_b = shared & nearer(b, a, box, scan.grid)
    return _less(a, to_b, box, scan, rival=b), _less(b, shared & ~to_b, box, scan, rival=a)


def _beside(
    finding: Finding, certain: Finding, shared: npt.NDArray[np.bool_], box: Box, scan: Scan
) -> Finding:
    """A propagated finding beside one that a reader vouches for, which keeps all that is its own."""
    if int(shared.sum()) >= MERGED_SHARE * _count(finding):
        return merged_into(finding, certain)
    return _less(finding, shared, box, scan, rival=certain)


def _count(finding: Finding) -> int:
    return int(finding.mask.voxels.sum()) if finding.mask else 0


def _less(finding: Finding, voxels: npt.NDArray[np.bool_], box: Box, scan: Scan, rival: Finding) -> Finding:
    """The finding less some voxels, kept in one piece."""
    if not voxels.any() or finding.mask is None or finding.point_mm is None:
        return finding
    rest = finding.mask.without(voxels, box)
    if rest.is_empty:
        return merged_into(finding, rival)
    piece, _ = nearest_component(rest.voxels, rest.grid(scan.grid), finding.point_mm)
    return with_mask(finding, LesionMask.of(piece, rest.box), scan)
