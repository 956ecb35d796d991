"""Scans are unpacked once; VOIs are then read where they lie."""

from __future__ import annotations

import os
from functools import partial

import numpy as np
import pytest

from napari_longiseg.core.errors import GeometryError, InputError, StorageError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.io.images import write_image
from napari_longiseg.io.scans import load_scan
from napari_longiseg.training.real import store as module
from napari_longiseg.training.real.pairs import ScanFile
from napari_longiseg.training.real.store import ScanStore


@pytest.fixture
def files(add_patient):
    """A scan of Longitudinal-CT and its mask."""
    inputs = add_patient() / "inputsTr"
    scan = ScanFile("BL_00", inputs / "c6f057b865_BL_img_00.nii.gz")
    return scan, inputs / "c6f057b865_BL_mask_00.nii.gz"


def test_a_scan_is_what_the_reader_gives(files, store):
    scan, loaded = store.scan(files[0]), load_scan(files[0].path, scan_id="BL_00")
    np.testing.assert_array_equal(scan.image, loaded.image)
    assert (scan.id, scan.grid, scan.native, scan.path) == (
        "BL_00", loaded.grid, loaded.native, loaded.path,
    )  # fmt: skip
    assert isinstance(scan.image, np.memmap)


def test_lesions_are_cropped_with_their_deepest_points(files, store):
    scan, mask = files
    found = store.lesion(scan, mask, 1)
    grid = store.scan(scan).grid
    native = load_scan(scan.path, scan_id="BL_00").native
    assert found.mask.voxels.sum() == pytest.approx(4 / 3 * np.pi * 5**3 / np.prod(grid.spacing_mm), rel=0.15)
    np.testing.assert_allclose(found.point_mm, native.to_mm((8, 20, 20)), atol=1e-4)
    assert store.lesion(scan, mask, 3) is None


def test_each_file_is_read_once(files, store, monkeypatch):
    store.lesion(*files, 1)
    monkeypatch.setattr(module, "load_scan", None)
    monkeypatch.setattr(module, "read_labels_on", None)
    again = ScanStore(store.folder)
    assert again.lesion(*files, 2) is not None
    assert again.scan(files[0]).image.shape == store.scan(files[0]).image.shape


def test_a_file_that_has_changed_is_read_again(files, store):
    scan, mask = files
    before = store.lesion(scan, mask, 1)
    write_image(mask, np.ones((24, 60, 64), np.uint8), load_scan(scan.path, scan_id="x").native)
    os.utime(mask, ns=(0, 0))
    after = ScanStore(store.folder).lesion(scan, mask, 1)
    assert after.mask.voxels.size > before.mask.voxels.size


def test_an_empty_mask_has_no_lesions(files, store):
    scan, mask = files
    write_image(mask, np.zeros((24, 60, 64), np.uint8), load_scan(scan.path, scan_id="x").native)
    assert store.lesion(scan, mask, 1) is None


class TestMistakes:
    def test_a_missing_file(self, files, store):
        files[0].path.unlink()
        with pytest.raises(InputError, match=r"There is no file or folder .*BL_img_00\.nii\.gz"):
            store.scan(files[0])

    def test_a_damaged_file_leaves_nothing(self, files, store):
        files[0].path.write_bytes(files[0].path.read_bytes()[:-100])
        with pytest.raises(InputError, match=r"BL_img_00\.nii\.gz is damaged"):
            store.scan(files[0])
        assert not store.folder.exists()

    def test_a_mask_of_another_place(self, files, store):
        write_image(files[1], np.ones((4, 4, 4), np.uint8), Grid((4, 4, 4), (1, 1, 1), (900, 0, 0)))
        with pytest.raises(GeometryError, match=r"BL_mask_00\.nii\.gz lies in another place"):
            store.lesion(*files, 1)

    def test_labels_beyond_all_lesion_ids(self, files, store):
        labels = np.full((24, 60, 64), 70000, np.int32)
        write_image(files[1], labels, load_scan(files[0].path, scan_id="x").native)
        with pytest.raises(InputError, match="holds the label 70000; the largest that can be used is 65535"):
            store.lesion(*files, 1)

    def test_a_folder_that_cannot_be_written(self, files, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(StorageError, match=r"Scans cannot be unpacked: .*file.* cannot be written to"):
            ScanStore(tmp_path / "file").scan(files[0])

    @pytest.mark.parametrize("suffix", [".npy", ".npz", ".json"])
    def test_what_was_cut_off(self, files, store, suffix):
        store.lesion(*files, 1)
        (file,) = store.folder.glob(f"*{suffix}")
        file.write_bytes(file.read_bytes()[:20])
        again = ScanStore(store.folder)
        read = partial(again.lesion, *files, 1) if suffix == ".npz" else partial(again.scan, files[0])
        with pytest.raises(InputError, match=r"was unpacked from .* is damaged; delete its folder and start"):
            read()
