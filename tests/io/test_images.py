"""Which image files are read, and how the others are refused."""

import gzip
import struct

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.scan import Scan
from napari_longiseg.io.images import read_grid, read_image, read_labels, write_image, write_labels
from napari_longiseg.io.scans import load_scan

sitk = pytest.importorskip("SimpleITK")

FORMATS = ("nii", "nii.gz", "nrrd", "nhdr", "mha", "mhd")


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(1).integers(-1024, 3000, (20, 30, 40)).astype(np.int16)


@pytest.mark.parametrize("extension", FORMATS)
class TestFormats:
    def test_read(self, tmp_path, values, extension, write_sitk):
        path = tmp_path / f"T0.{extension}"
        write_sitk(path, values)
        scan = load_scan(path, scan_id="T0")
        np.testing.assert_array_equal(scan.image, values)
        assert scan.image.dtype == np.int16
        assert scan.path == path
        assert scan.date is None
        np.testing.assert_allclose(scan.grid.spacing_mm, (2.5, 0.75, 0.5), rtol=1e-6)
        np.testing.assert_allclose(scan.grid.origin_mm, (100, -20, -10), rtol=1e-6)

    def test_garbage(self, tmp_path, values, extension):
        path = tmp_path / f"T0.{extension}"
        path.write_bytes(b"this is no image " * 100)
        with pytest.raises(InputError, match=rf"T0\.{extension} .*damaged"):
            read_image(path)

    def test_truncated(self, tmp_path, values, extension, write_sitk):
        path = tmp_path / f"T0.{extension}"
        write_sitk(path, values)
        data = next((p for p in tmp_path.iterdir() if p != path), path)
        data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
        with pytest.raises(InputError, match=rf"T0\.{extension} .*damaged"):
            read_image(path)


def test_flipped_bits_in_a_packed_file(tmp_path, values, write_sitk):
    """ITK itself reads such a file without a word, with wrong voxels."""
    path = tmp_path / "T0.nii.gz"
    write_sitk(path, np.tile(values, (4, 2, 2)))
    packed = bytearray(path.read_bytes())
    packed[len(packed) // 2] ^= 0xFF
    path.write_bytes(packed)
    with pytest.raises(InputError, match=r"T0\.nii\.gz is damaged"):
        read_image(path)


def test_missing_data_file(tmp_path, values, write_sitk):
    write_sitk(tmp_path / "T0.mhd", values)
    (tmp_path / "T0.raw").unlink()
    with pytest.raises(InputError, match=r"T0\.mhd needs the file T0\.raw beside it"):
        read_image(tmp_path / "T0.mhd")


def refused(path, array):
    sitk.WriteImage(array if isinstance(array, sitk.Image) else sitk.GetImageFromArray(array), str(path))
    with pytest.raises(InputError) as error:
        load_scan(path, scan_id="T0")
    assert str(path) in str(error.value)
    return str(error.value)


class TestRefusals:
    @pytest.fixture(params=["T0.nii.gz", "T0.mha", "T0.nrrd"])
    def path(self, tmp_path, request):
        return tmp_path / request.param

    def test_2d(self, path):
        assert "2-D" in refused(path, np.zeros((20, 30), np.int16))

    def test_4d(self, path):
        volume = sitk.GetImageFromArray(np.zeros((4, 5, 6), np.int16))
        assert "4-D with 3 volumes" in refused(path, sitk.JoinSeries([volume] * 3))

    def test_rgb(self, path):
        image = sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), np.uint8), isVector=True)
        assert "3 values per voxel" in refused(path, image)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, path, value):
        values = np.zeros((4, 5, 6), np.float32)
        values[1, 2, 3] = value
        assert "1 values that are not finite" in refused(path, values)

    def test_one_slice(self, path):
        sentence = refused(path, np.zeros((1, 5, 6), np.int16))
        assert "at least 2" in sentence


def test_one_volume_in_four_dimensions(tmp_path, values):
    path = tmp_path / "T0.mha"
    sitk.WriteImage(sitk.JoinSeries([sitk.GetImageFromArray(values)]), str(path))
    np.testing.assert_array_equal(read_image(path)[0], values)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"There is no file or folder .*T0\.nii"):
        load_scan(tmp_path / "T0.nii", scan_id="T0")
    with pytest.raises(InputError, match=r"There is no file .*T0\.nii"):
        read_labels(tmp_path / "T0.nii")


def test_unknown_extension(tmp_path):
    (tmp_path / "T0.png").write_bytes(b"x" * 200)
    with pytest.raises(InputError, match=r"T0\.png has an unknown extension"):
        load_scan(tmp_path / "T0.png", scan_id="T0")


def test_ome_zarr(tmp_path):
    (tmp_path / "T0.ome.zarr").mkdir()
    with pytest.raises(InputError, match=r"T0\.ome\.zarr: OME-Zarr images cannot be read yet"):
        load_scan(tmp_path / "T0.ome.zarr", scan_id="T0")


@pytest.mark.parametrize("extension", ["mha", "nrrd"])
def test_sheared_axes(tmp_path, values, extension, write_sitk):
    path = tmp_path / f"T0.{extension}"
    write_sitk(path, values, direction=np.array([[1, 0.2, 0], [0, 1, 0], [0, 0, 1]]))
    with pytest.raises(InputError, match=r"T0.*axes of its grid are not perpendicular"):
        read_image(path)


@pytest.fixture
def nifti(write_sitk):
    """Change the header of a NIfTI file that ITK wrote."""

    def write(path, values, *, qform=1, slope=0.0, intercept=0.0, sform=None):
        write_sitk(path, values)
        header = bytearray(path.read_bytes())
        struct.pack_into("<2f", header, 112, slope, intercept)
        struct.pack_into("<h", header, 252, qform)
        if sform is not None:
            struct.pack_into("<12f", header, 280, *np.ravel(sform))
        path.write_bytes(header)
        return path

    return write


class TestNifti:
    @pytest.mark.parametrize("qform", [0, 1])
    def test_sheared_sform(self, tmp_path, values, qform, nifti):
        """With a valid qform ITK would take that one and say nothing."""
        sform = [[-0.5, -0.2, 0, 10], [0, -0.75, 0, 20], [0, 0, 2.5, 100]]
        path = nifti(tmp_path / "T0.nii", values, qform=qform, sform=sform)
        with pytest.raises(
            InputError, match=r"T0\.nii: the axes of its grid \(sform\) are not perpendicular"
        ):
            read_image(path)

    def test_slope_and_intercept(self, tmp_path, values, nifti):
        scan = load_scan(nifti(tmp_path / "T0.nii", values, slope=2, intercept=-24), scan_id="T0")
        np.testing.assert_array_equal(scan.image, 2 * values - 24)
        assert scan.image.dtype == np.int16
        scan = load_scan(nifti(tmp_path / "T1.nii", values, slope=0.5, intercept=0), scan_id="T1")
        np.testing.assert_allclose(scan.image, values / 2)
        assert scan.image.dtype == np.float32

    def test_nifti_2_and_big_endian(self, tmp_path):
        header = bytearray(540)
        struct.pack_into(">i4s", header, 0, 540, b"n+2\0")
        struct.pack_into(">hh", header, 12, 4, 16)
        struct.pack_into(">8q", header, 16, 3, 40, 30, 20, 1, 1, 1, 1)
        struct.pack_into(">q", header, 168, 544)
        path = tmp_path / "T0.nii.gz"
        with gzip.open(path, "wb") as file:
            file.write(bytes(header) + b"\0" * 1000)
        with pytest.raises(InputError, match="damaged"):
            read_image(path)


class TestTypes:
    @pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint16, np.float32, np.float64])
    def test_whole_numbers_become_int16(self, tmp_path, dtype, write_sitk):
        values = np.arange(120, dtype=dtype).reshape(4, 5, 6)
        write_sitk(tmp_path / "T0.mha", values)
        image = load_scan(tmp_path / "T0.mha", scan_id="T0").image
        assert image.dtype == np.int16
        np.testing.assert_array_equal(image, values)

    @pytest.mark.parametrize("top", [0.5, 40000.0])
    def test_others_become_float32(self, tmp_path, top, write_sitk):
        values = np.zeros((4, 5, 6), np.float64)
        values[0, 0, 0] = top
        write_sitk(tmp_path / "T0.mha", values)
        image = load_scan(tmp_path / "T0.mha", scan_id="T0").image
        assert image.dtype == np.float32
        assert image.max() == top


class TestLabels:
    def test_fractions_are_no_labels(self, tmp_path, write_sitk):
        write_sitk(tmp_path / "m.nii", np.full((4, 5, 6), 0.5, np.float32))
        with pytest.raises(InputError, match=r"m\.nii is not a label image: .* not whole numbers"):
            read_labels(tmp_path / "m.nii")

    def test_negative_values_are_no_labels(self, tmp_path, write_sitk):
        write_sitk(tmp_path / "m.nii", np.full((4, 5, 6), -1, np.int16))
        with pytest.raises(InputError, match=r"m\.nii is not a label image: .* negative"):
            read_labels(tmp_path / "m.nii")

    def test_whole_fractions_are_labels(self, tmp_path, write_sitk):
        write_sitk(tmp_path / "m.nii", np.full((4, 5, 6), 3.0, np.float32))
        labels, _ = read_labels(tmp_path / "m.nii")
        assert labels.dtype.kind == "i"
        assert (labels == 3).all()

    @pytest.mark.parametrize(("top", "dtype"), [(0, np.uint8), (255, np.uint8), (256, np.uint16)])
    def test_as_few_bits_as_do(self, tmp_path, grid, top, dtype):
        scan = Scan("T0", np.zeros(grid.shape, np.int16), grid)
        labels = np.zeros(grid.shape, np.uint16)
        labels[3, 4, 5] = top
        write_labels(tmp_path / "m.nii.gz", labels, scan)
        back, there = read_labels(tmp_path / "m.nii.gz")
        assert back.dtype == dtype
        assert back[3, 4, 5] == top
        np.testing.assert_allclose(there.origin_mm, grid.origin_mm)

    def test_of_another_shape(self, tmp_path, grid):
        scan = Scan("T0", np.zeros(grid.shape, np.int16), grid)
        with pytest.raises(InputError, match=r"The labels have shape \(2, 2, 2\), scan T0 has"):
            write_labels(tmp_path / "m.nii.gz", np.zeros((2, 2, 2), np.uint8), scan)


@pytest.mark.parametrize("extension", ["nii.gz", "nrrd", "mha"])
def test_write_and_read(tmp_path, extension):
    turned = Grid((4, 5, 6), (2.5, 0.75, 0.5), (1, 2, 3), ((0, 0, -1), (0, 1, 0), (1, 0, 0)))
    array = np.random.default_rng(0).normal(size=turned.shape).astype(np.float32)
    write_image(tmp_path / f"a.{extension}", array, turned)
    back, grid = read_image(tmp_path / f"a.{extension}")
    np.testing.assert_array_equal(back, array)
    np.testing.assert_allclose(grid.matrix, turned.matrix, atol=1e-6)
    np.testing.assert_allclose(grid.origin_mm, turned.origin_mm, atol=1e-6)


def test_write_a_mask(tmp_path, grid):
    mask = np.zeros(grid.shape, bool)
    mask[2, 3, 4] = True
    write_image(tmp_path / "m.nii.gz", mask, grid)
    np.testing.assert_array_equal(read_labels(tmp_path / "m.nii.gz")[0], mask)


def test_write_where_it_cannot_be(tmp_path, grid):
    with pytest.raises(InputError, match=r"a\.nii cannot be written"):
        write_image(tmp_path / "none" / "a.nii", np.zeros(grid.shape, np.int16), grid)
    with pytest.raises(InputError, match=r"a\.jpg has an unknown extension"):
        write_image(tmp_path / "a.jpg", np.zeros(grid.shape, np.int16), grid)


def test_what_the_system_refuses(tmp_path, values, write_sitk, monkeypatch):
    """Whatever the reason: no permission, a network drive that is gone, a disk error."""
    path = tmp_path / "T0.nii.gz"
    write_sitk(path, values)

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("napari_longiseg.io.images.check_nifti", refuse)
    with pytest.raises(InputError, match=r"T0\.nii\.gz cannot be read: Permission denied"):
        load_scan(path, scan_id="T0")


class TestMetaImages:
    """ITK prints what is wrong with them to the terminal, and reads what it could not unpack."""

    @pytest.fixture
    def path(self, tmp_path, values):
        path = tmp_path / "T0.mha"
        sitk.WriteImage(sitk.GetImageFromArray(values), str(path), useCompression=True)
        return path

    def test_flipped_bits(self, path):
        packed = bytearray(path.read_bytes())
        packed[-len(packed) // 4] ^= 0xFF
        path.write_bytes(packed)
        with pytest.raises(InputError, match=r"T0\.mha is damaged; get a new copy"):
            read_image(path)

    @pytest.mark.parametrize("left", [0, 20, -10])
    def test_cut_off_without_noise(self, path, left, capfd):
        path.write_bytes(path.read_bytes()[:left])
        with pytest.raises(InputError, match=r"T0\.mha is damaged"):
            read_image(path)
        assert capfd.readouterr().err == ""

    def test_header_that_contradicts_itself(self, path):
        path.write_bytes(path.read_bytes().replace(b"NDims = 3", b"NDims = 2"))
        with pytest.raises(InputError, match=r"T0\.mha is damaged or not a MetaImage"):
            read_image(path)

    def test_text_and_lists_of_slices_are_left_to_itk(self, tmp_path):
        header = "NDims = 3\nDimSize = 2 2 2\nElementType = MET_SHORT\n"
        (tmp_path / "text.mha").write_text(
            f"{header}BinaryData = False\nElementDataFile = LOCAL\n1 2 3 4 5 6 7 8\n"
        )
        assert read_image(tmp_path / "text.mha")[0].sum() == 36
        names = [f"slice{k}.raw" for k in range(2)]
        for k, name in enumerate(names):
            (tmp_path / name).write_bytes(np.full(4, k + 1, "<i2").tobytes())
        (tmp_path / "list.mhd").write_text(f"{header}ElementDataFile = LIST\n" + "\n".join(names) + "\n")
        assert read_image(tmp_path / "list.mhd")[0].sum() == 12


class TestHeaderAlone:
    def test_the_grid_is_that_of_the_whole_file(self, tmp_path, write_sitk, values):
        for name in ("a.nii.gz", "a.mha", "a.nrrd"):
            write_sitk(tmp_path / name, values, direction=np.eye(3)[:, [2, 0, 1]] * [1, -1, 1])
            assert read_grid(tmp_path / name) == read_image(tmp_path / name)[1]

    def test_one_volume_in_four_dimensions(self, tmp_path, values):
        path = tmp_path / "a.nii.gz"
        image = sitk.JoinSeries([sitk.GetImageFromArray(values)])
        sitk.WriteImage(image, str(path))
        assert read_grid(path) == read_image(path)[1]

    def test_what_has_no_header(self, tmp_path):
        (tmp_path / "a.nii.gz").write_bytes(b"no image")
        with pytest.raises(InputError, match=r"a\.nii\.gz cannot be read; it is damaged"):
            read_grid(tmp_path / "a.nii.gz")
        with pytest.raises(InputError, match="There is no file"):
            read_grid(tmp_path / "b.nii.gz")
