"""A study from a manifest, a folder or a single image, and the manifest of a study."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.landmark import Landmark
from napari_longiseg.core.lesion import Click, Lesion
from napari_longiseg.core.progress import Progress, scaled, silent
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.io.dicom import holds_dicom
from napari_longiseg.io.images import is_image_file
from napari_longiseg.io.landmarks import read_landmarks
from napari_longiseg.io.outlines import OutlineReader
from napari_longiseg.io.points import from_xyz, to_xyz
from napari_longiseg.io.scans import load_scan, readable
from napari_longiseg.io.schema import SCHEMA, LesionEntry, Manifest, parse_manifest

MANIFEST_NAME = "study.json"


def load_study(path: str | Path, progress: Progress = silent, *, series: str | None = None) -> Study:
    """Read a study.

    Parameters
    ----------
    path : path
        A manifest; a folder with a ``study.json``; a folder with one image file or one folder of DICOM
        files per scan, which become T0, T1, ... by date, else by name; or a single scan.
    progress : Progress
        Called for each scan, and within DICOM series; may raise to cancel.
    series : str, optional
        Which series of a DICOM folder, as :func:`~napari_longiseg.io.scans.load_scan` takes it; for the
        scans whose manifest does not say.

    Raises
    ------
    InputError, GeometryError
        One sentence that names the file, and the field where it is a manifest.
    """
    path = Path(path)
    with readable(path):
        if not path.exists():
            msg = f"There is no file or folder {path}."
            raise InputError(msg)
        if path.is_dir() and (path / MANIFEST_NAME).is_file():
            path = path / MANIFEST_NAME
        if path.suffix.lower() == ".json":
            return _from_manifest(path, progress, series)
        return _from_images(path, progress, series)


def manifest_of(
    study: Study,
    images: Mapping[str, str],
    masks: Mapping[str, str] | None = None,
    landmarks: str | None = None,
) -> dict[str, Any]:
    """The manifest of a study, ready for JSON.

    Parameters
    ----------
    study : Study
        Its scans, lesions and landmarks.
    images : mapping
        Scan id to the path of its image, relative to the manifest.
    masks : mapping, optional
        Scan id to the path of its label image (label = lesion id), for lesions that are outlined.
    landmarks : str, optional
        Path of the table of its landmarks (:func:`~napari_longiseg.io.landmarks.write_landmarks`).

    Raises
    ------
    InputError
        When a scan has no image, an outlined lesion no label image, or landmarks have no table.
    """
    if study.landmarks and landmarks is None:
        msg = "The manifest needs the path of the table of landmarks."
        raise InputError(msg)
    scans = [
        {"id": scan.id, "image": _path_of(images, scan.id, "image")}
        | ({"date": scan.date.isoformat()} if scan.date else {})
        for scan in study.scans
    ]
    lesions = [_lesion_entry(lesion, masks or {}) for lesion in study.lesions]
    content = {"schema": SCHEMA, "patient": study.patient, "scans": scans, "lesions": lesions}
    return content if landmarks is None else content | {"landmarks": Path(landmarks).as_posix()}


def write_manifest(
    path: str | Path,
    study: Study,
    images: Mapping[str, str],
    masks: Mapping[str, str] | None = None,
    landmarks: str | None = None,
) -> None:
    """Write the manifest of a study (:func:`manifest_of`) in one step."""
    path = Path(path)
    text = json.dumps(manifest_of(study, images, masks, landmarks), indent=1, ensure_ascii=False) + "\n"
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest as it is, without its scans.

    Raises
    ------
    InputError
        As :func:`~napari_longiseg.io.schema.parse_manifest`, or when the file cannot be read.
    """
    try:
        with readable(path):
            return parse_manifest(path.read_text(encoding="utf-8-sig"), path)
    except UnicodeDecodeError as error:
        msg = f"{path} is not valid JSON: it is not UTF-8 text."
        raise InputError(msg) from error


def _from_manifest(path: Path, progress: Progress, series: str | None) -> Study:
    manifest = read_manifest(path)
    _check_paths(manifest, path)
    landmarks: tuple[Landmark, ...] = ()
    if manifest.landmarks:
        landmarks = read_landmarks(path.parent / manifest.landmarks, [entry.id for entry in manifest.scans])
    scans = [
        load_scan(
            path.parent / entry.image,
            scan_id=entry.id,
            date=entry.date,
            series=_series_for(path.parent / entry.image, series) if entry.series is None else entry.series,
            progress=_part(progress, entry.id, number, len(manifest.scans)),
        )
        for number, entry in enumerate(manifest.scans)
    ]
    study = Study(manifest.patient, by_date(scans), landmarks=landmarks)
    reader = OutlineReader()
    lesions = [_lesion(entry, study, path, reader) for entry in manifest.lesions]
    progress("Study read", 1.0)
    return study.with_lesions(tuple(lesions))


def _from_images(path: Path, progress: Progress, series: str | None) -> Study:
    """A study without lesions, from one scan or from a folder of scans."""
    images = _images_in(path) if path.is_dir() else [path]
    scans = [
        load_scan(
            image,
            scan_id=f"T{number}",
            series=_series_for(image, series),
            progress=_part(progress, image.name, number, len(images)),
        )
        for number, image in enumerate(images)
    ]
    ordered = [_renamed(scan, f"T{number}") for number, scan in enumerate(by_date(scans))]
    progress("Study read", 1.0)
    name = path.name if path.is_dir() else path.name.split(".")[0]
    return Study(name or path.resolve().name, tuple(ordered))


def _series_for(image: Path, series: str | None) -> str | None:
    """A choice for the whole study concerns its DICOM folders only."""
    return series if image.is_dir() else None


def by_date(scans: Sequence[Scan]) -> tuple[Scan, ...]:
    """The scans by date where all have one, else as they are."""
    if any(scan.date is None for scan in scans):
        return tuple(scans)
    return tuple(sorted(scans, key=lambda scan: scan.date or dt.date.min))


def _images_in(folder: Path) -> list[Path]:
    """The scans of a folder: itself if it holds DICOM files, else its image files and its folders."""
    visible = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    images = [p for p in visible if p.is_file() and is_image_file(p)]
    if not images and holds_dicom(folder):
        return [folder]
    images += [p for p in visible if p.is_dir() and _holds_dicom_below(p)]
    if not images:
        msg = f"{folder} holds no {MANIFEST_NAME}, no image file and no DICOM series."
        raise InputError(msg)
    return sorted(images, key=_natural)


def _natural(path: Path) -> list[str | int]:
    """Sorts T2 before T10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"([0-9]+)", path.name)]


def _holds_dicom_below(folder: Path) -> bool:
    return holds_dicom(folder) or any(_holds_dicom_below(p) for p in sorted(folder.iterdir()) if p.is_dir())


def _renamed(scan: Scan, scan_id: str) -> Scan:
    return Scan(scan_id, scan.image, scan.grid, scan.native, scan.date, scan.path, scan.notes)


def _part(progress: Progress, name: str, number: int, total: int) -> Progress:
    """Progress of one scan out of several; reports the start right away."""
    whole = scaled(progress, number / total, (number + 1) / total)

    def report(stage: str, fraction: float) -> None:
        whole(f"{stage} of {name}", fraction)

    whole(f"Reading {name}", 0.0)
    return report


def _check_paths(manifest: Manifest, path: Path) -> None:
    """Refuse missing files before any of them is read."""
    named = [(f"scans[{i}].image", scan.image) for i, scan in enumerate(manifest.scans)]
    named += [(f"lesions[{i}].mask.path", e.mask.path) for i, e in enumerate(manifest.lesions) if e.mask]
    named += [("landmarks", manifest.landmarks)] if manifest.landmarks else []
    for field, name in named:
        if not (path.parent / name).exists():
            msg = f"{path}: {field} is {name!r}, and there is no such file or folder."
            raise InputError(msg)


def _lesion(entry: LesionEntry, study: Study, path: Path, reader: OutlineReader) -> Lesion:
    clicks = [Click(click.scan, from_xyz(click.point), click.positive) for click in entry.clicks]
    for click in clicks:
        if not study.scan(click.scan).grid.contains(click.point_mm):
            x, y, z = to_xyz(click.point_mm)
            msg = (
                f"{path}: the click of lesion {entry.id} at x, y, z = {x:g}, {y:g}, {z:g} mm lies outside "
                f"scan {click.scan}."
            )
            raise InputError(msg)
    mask = entry.mask
    outline = reader.read(path.parent / mask.path, mask.label, study.scan(mask.scan)) if mask else None
    return Lesion(entry.id, entry.name, tuple(clicks), outline)


def _lesion_entry(lesion: Lesion, masks: Mapping[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": lesion.id}
    if lesion.name:
        entry["name"] = lesion.name
    if lesion.clicks:
        entry["clicks"] = [
            _click_entry(click.scan, click.point_mm, click.positive) for click in lesion.clicks
        ]
    if lesion.source_mask:
        scan = lesion.source_mask.scan
        entry["mask"] = {"scan": scan, "path": _path_of(masks, scan, "label image"), "label": lesion.id}
    return entry


def _click_entry(scan: str, point_mm: Point, positive: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"scan": scan, "point": [round(v, 3) for v in to_xyz(point_mm)]}
    return entry if positive else {**entry, "positive": False}


def _path_of(paths: Mapping[str, str], scan_id: str, kind: str) -> str:
    if scan_id not in paths:
        msg = f"The manifest needs the path of the {kind} of scan {scan_id}."
        raise InputError(msg)
    return Path(paths[scan_id]).as_posix()
