"""File > Open and dropped files: napari's own opening, with the readers that the manifest names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from npe2 import PluginManager
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from napari_longiseg._napari.layers.adopt import left_off, loaded_study
from napari_longiseg._napari.preferences import PLUGIN
from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Box
from napari_longiseg.core.lesion import Finding, LesionMask, Origin, Presence
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.state import State
from napari_longiseg.io.images import write_image
from napari_longiseg.io.manifest import MANIFEST_NAME, write_manifest
from napari_longiseg.io.session_store import write_session


def readers(path: Path) -> list[str]:
    """The plugins that napari offers for a path."""
    manager = PluginManager.instance()
    manager.discover()
    return [reader.plugin_name for reader in manager.iter_compatible_readers([str(path)])]


def open_paths(viewer, *paths: Path) -> list[str]:
    """Open paths as napari does when they are dropped on it; names of the layers."""
    assert all(PLUGIN in readers(path) for path in paths)
    viewer.open([str(path) for path in paths], plugin=PLUGIN, stack=False)
    return [layer.name for layer in viewer.layers]


@pytest.fixture
def files(tmp_path, study) -> list[Path]:
    """The scans of the study, a file each."""
    paths = [tmp_path / f"{scan.id}.nii.gz" for scan in study.scans]
    for path, scan in zip(paths, study.scans, strict=True):
        write_image(path, scan.image, scan.grid)
    return paths


@pytest.fixture
def manifest(files, study) -> Path:
    path = files[0].with_name(MANIFEST_NAME)
    write_manifest(path, study, {file.name[:2]: file.name for file in files})
    return path


@pytest.fixture
def series(tmp_path) -> Path:
    """A folder with the slices of a small CT."""
    folder, uid = tmp_path / "dicom", generate_uid()
    folder.mkdir()
    for number in range(5):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        ds.SeriesInstanceUID, ds.Modality, ds.StudyDate = uid, "CT", "20240110"
        ds.ImageType, ds.InstanceNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], number + 1
        ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, 2.5 * number], [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing, ds.Rows, ds.Columns = [0.75, 0.5], 6, 7
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
        ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
        ds.PixelData = np.full((6, 7), 1024 + number, np.uint16).tobytes()
        pydicom.dcmwrite(folder / f"{number}.dcm", ds, enforce_file_format=True)
    return folder


def test_a_manifest(viewer, manifest, study):
    assert open_paths(viewer, manifest) == ["T0", "T1", "T2"]
    found = loaded_study(viewer.layers)
    assert found.patient == "P01"
    for layer, scan in zip(viewer.layers, study.scans, strict=True):
        np.testing.assert_array_equal(layer.data, scan.image)
        np.testing.assert_allclose(layer.scale, scan.grid.spacing_mm, atol=1e-6)
        np.testing.assert_allclose(layer.translate, scan.grid.origin_mm, atol=1e-6)


def test_its_folder(viewer, manifest):
    assert open_paths(viewer, manifest.parent) == ["T0", "T1", "T2"]
    assert len(loaded_study(viewer.layers).scans) == 3


def test_one_image(viewer, files):
    assert len(open_paths(viewer, files[1])) == 1
    assert len(loaded_study(viewer.layers).scans) == 1


def test_several_images_at_once_are_one_study(viewer, files, study):
    assert len(open_paths(viewer, *files)) == 3
    found = loaded_study(viewer.layers)
    assert [scan.grid.shape for scan in found.scans] == [scan.grid.shape for scan in study.scans]
    assert len({scan.id for scan in found.scans}) == 3


def test_a_folder_of_dicom(viewer, series):
    open_paths(viewer, series)
    (scan,) = loaded_study(viewer.layers).scans
    assert scan.date.isoformat() == "2024-01-10"
    np.testing.assert_array_equal(scan.image[:, 0, 0], range(5))
    np.testing.assert_allclose(viewer.layers[0].scale, (2.5, 0.75, 0.5))


def test_folders_and_files_together(viewer, series, files):
    assert len(open_paths(viewer, series, files[0])) == 2
    assert len(loaded_study(viewer.layers).scans) == 2


def test_a_session_goes_on_where_it_was_left(viewer, tmp_path, study):
    lesions = {lesion.id: lesion for lesion in study.lesions}
    mask = LesionMask(Box((2, 3, 4), (5, 6, 7)), np.ones((3, 3, 3), bool))
    found = Finding(1, "T0", Presence.PRESENT, Origin.SOURCE, "T0", point_mm=(0.0, 0.0, 0.0), mask=mask)
    state = State(lesions).with_known(found).with_known(Proposal(1, "T1", (1.0, 2.0, 3.0), "T0", 4.0))
    path = tmp_path / "mine.longiseg.zarr"
    write_session(path, study, state, ["Add lesion 1"])
    assert open_paths(viewer, path) == ["T0", "T1", "T2"]
    left = left_off(viewer.layers, loaded_study(viewer.layers))
    assert left.path == path
    assert left.past == ("Add lesion 1",)
    assert left.state.lesions == lesions
    assert left.state.proposals[1, "T1"] == state.proposals[1, "T1"]
    np.testing.assert_array_equal(left.state.findings[1, "T0"].mask.voxels, mask.voxels)


def test_a_study_without_a_session_was_left_nowhere(viewer, manifest):
    open_paths(viewer, manifest)
    assert left_off(viewer.layers, loaded_study(viewer.layers)) is None


def test_a_damaged_session_says_so(viewer, tmp_path):
    path = tmp_path / "mine.longiseg.zarr"
    path.mkdir()
    with pytest.raises(InputError, match=r"mine\.longiseg\.zarr"):
        viewer.open(str(path), plugin=PLUGIN)
    assert len(viewer.layers) == 0
