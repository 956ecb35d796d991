"""Look at all files before a training, so that a bad one costs a few lesions then, and not the run later."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid, Point
from napari_longiseg.core.progress import Progress, silent
from napari_longiseg.training.real.pairs import Found, LesionOnScan, LesionPair, ScanFile, summary
from napari_longiseg.training.real.store import ScanStore, StoredLesion

CENTRE_TOLERANCE_MM = 5.0
"""How far a lesion's centre may lie from the box around its mask: a slice or two."""


def usable_pairs(found: Found, store: ScanStore, *, threads: int = 1, progress: Progress = silent) -> Found:
    """Unpack all scans and masks, and leave out what cannot be trained on.

    Parameters
    ----------
    found : Found
        What was listed, of one kind (:func:`~napari_longiseg.training.real.pairs.pairs_for`).
    store : ScanStore
        Where to unpack them.
    threads : int
        Files to unpack at the same time; each takes about 1 GB of memory meanwhile.
    progress : Progress
        Called for every scan.

    Returns
    -------
    Found
        Pairs whose lesions are known to be there or gone, each with its click. Pairs whose lesion is not on
        the baseline are left out; lesions that contradict their masks, that are gone without a place to look
        for them, or whose place lies outside of the scan are reported besides.

    Raises
    ------
    InputError
        When nothing is left.
    StorageError
        When the store's folder cannot be written to, or is full.
    """
    sides = [side for pair in found.pairs for side in (pair.baseline, pair.followup) if side is not None]
    masks: dict[ScanFile, dict[Path | None, None]] = {}
    for side in sides:
        masks.setdefault(side.scan, {})[side.mask] = None
    bad: dict[tuple[ScanFile, Path | None], str] = {}

    def unpack(scan: ScanFile) -> None:
        for mask in masks[scan]:
            try:
                store.unpack(scan, mask)
            except InputError as error:
                bad[scan, mask] = str(error)

    pool = ThreadPoolExecutor(threads)
    try:
        for done, _ in enumerate(pool.map(unpack, masks), start=1):
            progress("Unpacking scans", done / len(masks))
    finally:
        pool.shutdown(cancel_futures=True)

    known: dict[LesionOnScan, LesionOnScan | str] = {}
    for side in sides:
        if side not in known:
            known[side] = bad.get((side.scan, side.mask)) or _checked(side, store)
    return _left(found, known)


def _left(found: Found, known: dict[LesionOnScan, LesionOnScan | str]) -> Found:
    pairs: list[LesionPair] = []
    reasons: list[tuple[str, int, str]] = []
    for pair in found.pairs:
        baseline = known[pair.baseline] if pair.baseline else None
        followup = known[pair.followup]
        bad = [side for side in (baseline, followup) if isinstance(side, str)]
        reasons += [(pair.patient, pair.lesion, reason) for reason in bad]
        if isinstance(baseline, str) or isinstance(followup, str):
            continue
        if baseline is None or baseline.present:
            pairs.append(replace(pair, baseline=baseline, followup=followup))
    skipped = (*found.skipped, *summary(reasons))
    if not pairs:
        msg = f"There is no lesion to train on. {skipped[0] if skipped else ''}".strip()
        raise InputError(msg)
    return Found(tuple(pairs), skipped)


def _checked(side: LesionOnScan, store: ScanStore) -> LesionOnScan | str:
    """The lesion with what its mask says, or why it cannot be used."""
    stored = store.lesion(side.scan, side.mask, side.label) if side.mask else None
    grid = store.scan(side.scan).grid
    if side.present is True and stored is None:
        return f"{side.mask} has no label {side.label}, though the lesion is said to be there."
    if side.present is False and stored is not None:
        return f"{side.mask} has the label {side.label}, though the lesion is said not to be there."
    if stored and side.centre_mm and (off := _off_mm(stored, side.centre_mm, grid)) > CENTRE_TOLERANCE_MM:
        return f"its centre is said to lie {off:.0f} mm off its label {side.label} in {side.mask}."
    click = side.click_mm or (stored.point_mm if stored else side.place_mm)
    if click is None:
        return f"it is not on {side.scan.path}, and nothing says where it would be."
    if not grid.contains(click):
        return f"its place lies outside of {side.scan.path}."
    return replace(side, present=stored is not None, click_mm=click)


def _off_mm(stored: StoredLesion, point_mm: Point, grid: Grid) -> float:
    """Distance from a point to the box around a mask."""
    low, high = stored.mask.grid(grid).bounds_mm()
    return float(np.linalg.norm(np.maximum(np.maximum(low - point_mm, point_mm - high), 0)))
