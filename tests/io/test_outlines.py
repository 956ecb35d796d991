"""Label images on the grids of their scans."""

import numpy as np
import pytest

from napari_longiseg.core.errors import GeometryError
from napari_longiseg.io.outlines import read_labels_on
from napari_longiseg.io.scans import load_scan


def test_labels_lie_on_the_voxels_of_the_scan_in_any_orientation(tmp_path, write_sitk):
    values = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    turned = np.eye(3)[:, [1, 2, 0]] * [1, -1, -1]
    for name in ("scan", "mask"):
        write_sitk(tmp_path / f"{name}.nii.gz", values, direction=turned)
    scan = load_scan(tmp_path / "scan.nii.gz", scan_id="T0")
    np.testing.assert_array_equal(read_labels_on(tmp_path / "mask.nii.gz", scan), scan.image)


def test_a_mask_of_another_place(tmp_path, write_sitk):
    write_sitk(tmp_path / "scan.nii.gz", np.zeros((3, 4, 5), np.int16))
    write_sitk(tmp_path / "mask.nii.gz", np.zeros((3, 4, 5), np.uint8), origin=(500, 0, 0))
    scan = load_scan(tmp_path / "scan.nii.gz", scan_id="T0")
    with pytest.raises(GeometryError, match=r"mask\.nii\.gz lies in another place than scan T0"):
        read_labels_on(tmp_path / "mask.nii.gz", scan)
