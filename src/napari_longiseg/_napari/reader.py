"""The reader and the sample of the manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from napari_longiseg._napari.layers.scans import LayerData, study_layers
from napari_longiseg._napari.waiting import load_in_thread, resume_in_thread
from napari_longiseg.io.images import is_image_file
from napari_longiseg.io.manifest import MANIFEST_NAME
from napari_longiseg.io.sample import sample_folder
from napari_longiseg.io.session_store import is_session

PathOrPaths = str | Sequence[str]
LOOKED_AT = 20
"""So many files of a folder are looked at for DICOM's magic word."""


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """How to read a manifest, a study, session or DICOM folder, or a CT image; None for anything else."""
    paths = [path] if isinstance(path, str) else list(path)
    return read_studies if paths and all(_is_ours(Path(p)) for p in paths) else None


def read_studies(path: PathOrPaths) -> list[LayerData]:
    """One image layer per scan, in millimetres; each remembers its study, and where a session was left."""
    paths = [path] if isinstance(path, str) else list(path)
    return [layer for p in paths for layer in _layers_of(Path(p))]


def open_sample() -> list[LayerData]:
    """The synthetic study that comes with the package."""
    return study_layers(load_in_thread(sample_folder()))


def _layers_of(path: Path) -> list[LayerData]:
    if not is_session(path):
        return study_layers(load_in_thread(path))
    study, left = resume_in_thread(path)
    layers = study_layers(study)
    for _, options, _ in layers:
        options["metadata"] |= left.metadata()
    return layers


def _is_ours(path: Path) -> bool:
    if path.is_dir():
        return is_session(path) or (path / MANIFEST_NAME).is_file() or _holds_dicom(path)
    if path.suffix.lower() == ".json":
        return _is_manifest(path)
    return is_image_file(path)


def _is_manifest(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return path.name == MANIFEST_NAME  # let loading say what is wrong with it
    return isinstance(content, dict) and str(content.get("schema", "")).startswith("longiseg-study/")


def _holds_dicom(folder: Path) -> bool:
    files = [entry for entry in sorted(folder.iterdir())[:LOOKED_AT] if entry.is_file()]
    return any(_has_magic(file) for file in files)


def _has_magic(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"
