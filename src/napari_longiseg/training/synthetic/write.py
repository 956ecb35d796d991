"""A synthetic study as a folder of files."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.progress import Progress, silent
from napari_longiseg.io.images import write_image
from napari_longiseg.io.points import to_xyz
from napari_longiseg.training.synthetic.study import SyntheticStudy
from napari_longiseg.training.synthetic.truth import LesionTruth


def write_study(synthetic: SyntheticStudy, folder: str | Path, progress: Progress = silent) -> Path:
    """Write ``study.json``, ``truth.json``, and ``T0.nii.gz`` with ``gt_T0.nii.gz`` for every scan.

    The folder appears only when it is complete.

    Raises
    ------
    InputError
        When the folder exists and is not empty, or cannot be written.
    """
    folder = Path(folder).absolute()
    _refuse_used(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        msg = f"{folder} cannot be made: {error.strerror}; choose another folder."
        raise InputError(msg) from error
    try:
        _write_files(synthetic, part, progress)
        part.chmod(0o755)  # mkdtemp makes it private
        _refuse_used(folder)
        if folder.is_dir():
            folder.rmdir()
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return folder


def _refuse_used(folder: Path) -> None:
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        msg = f"{folder} exists and is not empty; choose another folder, or empty it first."
        raise InputError(msg)


def _write_files(synthetic: SyntheticStudy, folder: Path, progress: Progress) -> None:
    scans = synthetic.study.scans
    for number, scan in enumerate(scans):
        progress(f"Writing {scan.id}", number / len(scans))
        write_image(folder / f"{scan.id}.nii.gz", scan.image, scan.grid)
        write_image(folder / f"gt_{scan.id}.nii.gz", synthetic.labels[scan.id].astype(np.uint8), scan.grid)
    _write_json(folder / "study.json", manifest(synthetic))
    _write_json(folder / "truth.json", truth_record(synthetic))
    progress("Done", 1.0)


def _write_json(path: Path, record: dict[str, Any]) -> None:
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def manifest(synthetic: SyntheticStudy) -> dict[str, Any]:
    """The study as ``longiseg-study/1``."""
    study = synthetic.study
    return {
        "schema": "longiseg-study/1",
        "patient": study.patient,
        "scans": [
            {
                "id": scan.id,
                "image": f"{scan.id}.nii.gz",
                "date": scan.date.isoformat() if scan.date else None,
            }
            for scan in study.scans
        ],
        "lesions": [
            {
                "id": lesion.id,
                "name": lesion.name,
                "clicks": [{"scan": c.scan, "point": _xyz(c.point_mm)} for c in lesion.clicks],
            }
            for lesion in study.lesions
        ],
    }


def truth_record(synthetic: SyntheticStudy) -> dict[str, Any]:
    """The truth as ``longiseg-truth/1``; points are [x, y, z] in LPS mm."""
    return {
        "schema": "longiseg-truth/1",
        "seed": synthetic.options.seed,
        "options": asdict(synthetic.options),
        "scans": [scan.id for scan in synthetic.study.scans],
        "lesions": [_lesion(lesion) for lesion in synthetic.lesions],
    }


def _lesion(lesion: LesionTruth) -> dict[str, Any]:
    return {
        "id": lesion.id,
        "kind": lesion.kind,
        "name": lesion.name,
        "growth": [round(g, 4) for g in lesion.growth],
        "volume_ml": [round(v, 5) for v in lesion.volume_ml],
        "long_axis_mm": [round(d, 3) for d in lesion.long_axis_mm],
        "centres": [_xyz(c) for c in lesion.centres_mm],
        "merged_into": lesion.merged_into,
        "merged_at": lesion.merged_at,
        "split_from": lesion.split_from,
        "split_at": lesion.split_at,
    }


def _xyz(point_mm: tuple[float, float, float]) -> list[float]:
    return [round(v, 4) for v in to_xyz(point_mm)]
