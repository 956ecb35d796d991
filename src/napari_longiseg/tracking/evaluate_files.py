"""Evaluate a results folder against the truth of its study."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.resample import resample_labels
from napari_longiseg.io.images import read_labels
from napari_longiseg.io.manifest import MANIFEST_NAME, read_manifest
from napari_longiseg.io.outlines import truth_path
from napari_longiseg.io.points import from_xyz
from napari_longiseg.io.results import Results, read_results
from napari_longiseg.io.tables import Row
from napari_longiseg.tracking.evaluate import Score, Summary, score


def evaluate_folder(results: Path, study: Path, truth: Path | None = None) -> list[Score]:
    """Score every row of a results folder.

    Parameters
    ----------
    results : Path
        Written by ``longiseg track``.
    study : Path
        A manifest, or its folder, with the truth ``gt_<scan id>.nii.gz`` (label = lesion id) beside it.
    truth : Path, optional
        Another folder that holds the truth.

    Returns
    -------
    list of Score
        By lesion, then in the order of the scans.

    Raises
    ------
    InputError
        When the truth of a scan is missing or does not cover the same space, or the results are of
        another study.
    """
    if not study.exists():
        msg = f"There is no file or folder {study}."
        raise InputError(msg)
    folder = truth or (study if study.is_dir() else study.parent)
    found = read_results(results)
    _check_same_study(found, study / MANIFEST_NAME if study.is_dir() else study, results)
    scores: dict[tuple[int, str], Score] = {}
    for scan in dict.fromkeys(str(row["scan"]) for row in found.rows):
        rows = [row for row in found.rows if row["scan"] == scan]
        scores |= {(s.lesion, s.scan): s for s in _scan_scores(found, rows, scan, folder)}
    return [scores[_lesion(row), str(row["scan"])] for row in found.rows]


def write_scores(path: Path, scores: Sequence[Score], summaries: Mapping[str, Summary]) -> None:
    """Write scores and summaries as JSON.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    content = {
        "schema": "longiseg-scores/1",
        "scores": [asdict(s) | {"outcome": s.outcome} for s in scores],
        "summaries": {name: asdict(summary) for name, summary in summaries.items()},
    }
    try:
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}."
        raise InputError(msg) from error


def _check_same_study(found: Results, manifest_path: Path, results: Path) -> None:
    """Refuse results of another patient or of other scans, where there is a manifest that says so."""
    if not manifest_path.is_file():
        return
    manifest = read_manifest(manifest_path)
    patients = {str(row["patient"]) for row in found.rows}
    if patients - {manifest.patient}:
        names = ", ".join(sorted(patients))
        msg = f"{results} holds results of {names}, but {manifest_path} is of {manifest.patient}."
        raise InputError(msg)
    tracked, listed = ({str(row["scan"]) for row in found.rows}, {scan.id for scan in manifest.scans})
    if found.rows and tracked != listed:
        msg = (
            f"{results} holds the scans {', '.join(sorted(tracked))}, but {manifest_path} names "
            f"{', '.join(sorted(listed))}; track the study again."
        )
        raise InputError(msg)


def _scan_scores(found: Results, rows: Sequence[Row], scan: str, folder: Path) -> list[Score]:
    path = truth_path(folder, scan)
    if not path.is_file():
        msg = f"There is no truth for scan {scan}: {path} does not exist."
        raise InputError(msg)
    truth, grid = read_labels(path)
    labels, own = found.labels(scan)
    if min(own.overlap_mm(grid)) <= 0:
        msg = f"{path} and the mask of scan {scan} lie in different places."
        raise InputError(msg)
    labels = resample_labels(labels, own, grid)
    return [
        score(
            _lesion(row),
            scan,
            np.asarray(truth == _lesion(row)),
            np.asarray(labels == _lesion(row)),
            grid,
            _proposed(row),
            is_source=row["source_scan"] == scan,
        )
        for row in rows
    ]


def _lesion(row: Row) -> int:
    return int(str(row["lesion"]))


def _proposed(row: Row) -> Point | None:
    values = [row[f"proposed_{axis}_mm"] for axis in "xyz"]
    if any(value is None for value in values):
        return None
    return from_xyz([float(str(value)) for value in values])
