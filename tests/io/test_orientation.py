"""Scans of every orientation are reordered without loss, and masks land on the same voxels of the file."""

from itertools import permutations, product

import numpy as np
import pytest

from napari_longiseg.core.geometry import Grid
from napari_longiseg.io.images import read_labels, write_labels
from napari_longiseg.io.orientation import covering_grid, is_oblique, to_working
from napari_longiseg.io.scans import load_scan

sitk = pytest.importorskip("SimpleITK")

ORDERS = [
    np.eye(3)[:, list(axes)] * np.array(senses)
    for axes in permutations(range(3))
    for senses in product((1, -1), repeat=3)
]
SHAPE = (3, 4, 5)


def rotation(degrees: float) -> np.ndarray:
    """About x, then about z, in ITK's order."""
    a = np.radians(degrees)
    c, s = np.cos(a), np.sin(a)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def index_and_value(path):
    """Every voxel of a file: its physical point (z, y, x) and its value, as SimpleITK sees them."""
    image = sitk.ReadImage(str(path))
    for index in np.ndindex(image.GetSize()):
        yield image.TransformIndexToPhysicalPoint(index)[::-1], image[index]


@pytest.mark.parametrize("direction", ORDERS)
def test_all_48_axis_orders(tmp_path, direction, write_sitk):
    path, mask_path = tmp_path / "scan.nii.gz", tmp_path / "mask.nii.gz"
    values = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    write_sitk(path, values, direction=direction)
    scan = load_scan(path, scan_id="T0")
    assert scan.grid.is_lps
    assert not scan.notes
    assert sorted(scan.image.ravel()) == list(range(values.size))
    for point, value in index_and_value(path):
        index = scan.grid.to_index(point)
        np.testing.assert_allclose(index, np.rint(index), atol=1e-4)
        assert scan.image[tuple(np.rint(index).astype(int))] == value

    write_labels(mask_path, scan.image.astype(np.uint16), scan)
    for (point, value), (mask_point, label) in zip(
        index_and_value(path), index_and_value(mask_path), strict=True
    ):
        assert label == value
        np.testing.assert_allclose(mask_point, point, atol=1e-4)


def test_the_spacing_is_kept_exactly(tmp_path, write_sitk):
    path = tmp_path / "scan.mha"
    spacing, origin = (0.7123456789, 0.8123456789, 1.3123456789), (1.1, 2.2, 3.3)
    write_sitk(path, np.zeros(SHAPE, np.int16), spacing, origin, np.eye(3)[:, [2, 0, 1]])
    grid = load_scan(path, scan_id="T0").grid
    # ITK's index axes i, j, k run along z, x, y
    assert grid.spacing_mm == (spacing[0], spacing[2], spacing[1])
    assert grid.origin_mm == origin[::-1]


class TestOblique:
    @pytest.fixture
    def path(self, tmp_path, write_sitk):
        path = tmp_path / "oblique.nii.gz"
        k, j, i = np.indices((20, 24, 28))
        write_sitk(path, (10 * k + 5 * j + 2 * i).astype(np.int16), (1.0, 1.25, 2.0), direction=rotation(12))
        return path

    def test_it_is_resampled_where_it_was(self, path):
        scan = load_scan(path, scan_id="T0")
        assert any("oblique" in note for note in scan.notes)
        assert scan.image.dtype == np.int16
        assert scan.grid.spacing_mm == pytest.approx((2.0, 1.25, 1.0))
        assert scan.grid.shape > scan.native.shape
        image = sitk.ReadImage(str(path))
        for index in [(14, 12, 10), (5, 6, 4), (22, 17, 15)]:
            point = image.TransformIndexToPhysicalPoint(index)
            here = tuple(scan.grid.nearest_voxel(point[::-1]))
            there = image.TransformPhysicalPointToContinuousIndex(scan.grid.to_mm(here)[::-1])
            assert scan.image[here] == pytest.approx(np.dot(there, (2, 5, 10)), abs=0.51)

    def test_all_of_it_is_covered(self, path):
        scan = load_scan(path, scan_id="T0")
        low, high = scan.grid.bounds_mm()
        native_low, native_high = scan.native.bounds_mm()
        assert (low <= native_low + 1e-6).all()
        assert (high >= native_high - 1e-6).all()

    def test_masks_go_back_on_its_own_grid(self, path, tmp_path):
        scan = load_scan(path, scan_id="T0")
        image = sitk.ReadImage(str(path))
        centre = np.array(image.TransformIndexToPhysicalPoint((14, 12, 10))[::-1])
        points = scan.grid.to_mm(np.stack(np.indices(scan.grid.shape), axis=-1))
        ball = np.linalg.norm(points - centre, axis=-1) < 6
        write_labels(tmp_path / "mask.nii.gz", ball, scan)
        mask = sitk.ReadImage(str(tmp_path / "mask.nii.gz"))
        assert mask.GetSize() == image.GetSize()
        np.testing.assert_allclose(mask.GetDirection(), image.GetDirection(), atol=1e-6)
        labels, grid = read_labels(tmp_path / "mask.nii.gz")
        found = grid.to_mm(np.argwhere(labels))
        np.testing.assert_allclose(found.mean(axis=0), centre, atol=0.2)
        expected = np.linalg.norm(grid.to_mm(np.stack(np.indices(grid.shape), axis=-1)) - centre, axis=-1) < 6
        overlap = 2 * (expected & (labels > 0)).sum() / (expected.sum() + labels.sum())
        assert overlap > 0.9

    def test_fractions_stay_fractions(self):
        native = Grid((6, 6, 6), (1, 1, 1), direction=covering_direction())
        image, grid = to_working(np.full((6, 6, 6), 0.25, np.float32), native)
        assert image.dtype == np.float32
        assert image[tuple(n // 2 for n in grid.shape)] == pytest.approx(0.25)


def covering_direction():
    matrix = rotation(20)[::-1, ::-1]
    return tuple(tuple(row) for row in matrix)


def test_45_degrees_still_take_each_axis_once():
    grid = covering_grid(Grid((4, 5, 6), (3, 2, 1), direction=tuple(map(tuple, rotation(45)))))
    assert sorted(grid.spacing_mm) == [1, 2, 3]


def test_a_hair_is_not_oblique(tmp_path, write_sitk):
    """Directions of real files are rounded; such scans are not resampled, and no voxel is lost."""
    path = tmp_path / "scan.nrrd"
    values = np.arange(1, 1 + 20 * 30 * 40, dtype=np.int16).reshape(20, 30, 40)
    write_sitk(path, values, direction=rotation(0.003) @ np.diag([-1.0, -1.0, 1.0]))
    scan = load_scan(path, scan_id="T0")
    assert not is_oblique(scan.native)
    np.testing.assert_array_equal(scan.image, values[:, ::-1, ::-1])
    write_labels(tmp_path / "mask.nii.gz", scan.image.astype(np.uint16), scan)
    np.testing.assert_array_equal(read_labels(tmp_path / "mask.nii.gz")[0], values)
