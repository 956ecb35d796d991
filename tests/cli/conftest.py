from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_longiseg import cli
from napari_longiseg.core.labels import label_volume
from napari_longiseg.core.scan import Study
from napari_longiseg.io.images import write_image, write_labels
from napari_longiseg.io.manifest import write_manifest
from napari_longiseg.tracking.track import Tracker


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process: (exit code, standard output, standard error)."""

    def call(*arguments: object):
        monkeypatch.setattr(sys, "argv", ["longiseg", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_info:  # typer always leaves through one
            cli.main()
        printed = capsys.readouterr()
        return exit_info.value.code or 0, printed.out, printed.err

    return call


@pytest.fixture
def study_folder(tmp_path: Path, study: Study) -> Path:
    """The phantom study on disk."""
    folder = tmp_path / "study"
    folder.mkdir()
    for scan in study.scans:
        write_image(folder / f"{scan.id}.nii.gz", scan.image, scan.grid)
    write_manifest(folder / "study.json", study, {scan.id: f"{scan.id}.nii.gz" for scan in study.scans})
    return folder


@pytest.fixture
def with_truth(study_folder: Path, study: Study, segmenter) -> Path:
    """The phantom study on disk with its truth."""
    from napari_longiseg.registration.identity import IdentityRegistration

    findings = list(Tracker(IdentityRegistration(), segmenter).track(study))
    for scan in study.scans:
        labels = label_volume([f for f in findings if f.scan == scan.id], scan.grid)
        write_labels(study_folder / f"gt_{scan.id}.nii.gz", labels, scan)
    return study_folder


@pytest.fixture
def edited(study_folder: Path):
    """Change the manifest on disk through a function of its JSON."""

    def edit(change) -> Path:
        path = study_folder / "study.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
        return path

    return edit


@pytest.fixture
def noise_file(tmp_path: Path):
    """An image file of any number type, made by SimpleITK."""
    import SimpleITK as sitk

    def make(name: str, array: np.ndarray, is_vector: bool = False) -> Path:
        path = tmp_path / name
        sitk.WriteImage(sitk.GetImageFromArray(array, isVector=is_vector), str(path))
        return path

    return make
