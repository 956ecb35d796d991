"""Pairs from studies of one's own: manifests with the true outlines of every scan beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import permutations
from pathlib import Path

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point
from napari_longiseg.io.manifest import MANIFEST_NAME, read_manifest
from napari_longiseg.io.outlines import truth_path
from napari_longiseg.io.points import from_xyz
from napari_longiseg.io.schema import LesionEntry, Manifest
from napari_longiseg.training.real.pairs import Found, LesionOnScan, LesionPair, ScanFile


def study_pairs(studies: Iterable[str | Path], *, forward_only: bool = False) -> Found:
    """List the pairs of studies; their scans are not read.

    Every lesion of a manifest is looked for by its id in ``gt_<scan id>.nii.gz``, for each scan that has
    such a file beside the manifest. Where it is not, it is gone, and a click of the manifest on that scan
    says where it would be; without one there is no prompt, and so no case. A few bad studies among many are
    skipped, with the reason.

    Parameters
    ----------
    studies : iterable of path
        Manifests, or the folders of a ``study.json``.
    forward_only : bool
        Only from an earlier scan to a later one, instead of both ways between every two.

    Raises
    ------
    InputError
        When none of the studies can be used.
    """
    pairs: list[LesionPair] = []
    skipped: list[str] = []
    for study in studies:
        path = Path(study) / MANIFEST_NAME if Path(study).is_dir() else Path(study)
        try:
            pairs += _pairs(path, read_manifest(path), forward_only)
        except InputError as error:
            skipped.append(f"Study {study}: {error}")
    if not pairs:
        msg = f"No study can be used. {skipped[0] if skipped else 'Name the manifests of some.'}"
        raise InputError(msg)
    return Found(tuple(pairs), tuple(skipped))


def _pairs(path: Path, manifest: Manifest, forward_only: bool) -> list[LesionPair]:
    """The pairs of one study; single lesions where only one scan has outlines."""
    if not manifest.lesions:
        msg = "it names no lesions; list them with their ids."
        raise InputError(msg)
    scans = manifest.scans
    if all(scan.date for scan in scans):
        scans = sorted(scans, key=lambda scan: scan.date or dt.date.min)
    files = [ScanFile(scan.id, path.parent / scan.image, scan.series) for scan in scans]
    truth = {scan.id: truth_path(path.parent, scan.id) for scan in files}
    truth = {scan: mask for scan, mask in truth.items() if mask.is_file()}
    if not truth:
        msg = f"its scans have no outlines; those of {files[0].id} are looked for in gt_{files[0].id}.nii.gz."
        raise InputError(msg)
    drawn = [scan for scan in files if scan.id in truth]
    order = {scan.id: number for number, scan in enumerate(drawn)}
    pairs = []
    for lesion in manifest.lesions:
        seen = [LesionOnScan(s, truth[s.id], lesion.id, place_mm=_click(lesion, s.id)) for s in drawn]
        if len(seen) == 1:
            pairs.append(LesionPair(manifest.patient, lesion.id, None, seen[0]))
        pairs += [
            LesionPair(manifest.patient, lesion.id, a, b)
            for a, b in permutations(seen, 2)
            if not forward_only or order[a.scan.id] < order[b.scan.id]
        ]
    return pairs


def _click(lesion: LesionEntry, scan_id: str) -> Point | None:
    """The first positive click on a scan."""
    return next((from_xyz(c.point) for c in lesion.clicks if c.scan == scan_id and c.positive), None)
