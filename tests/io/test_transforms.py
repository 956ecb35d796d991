"""Transforms of other programs: to 1e-4 mm where SimpleITK has the points, and one sentence for bad files."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.io.transforms import FileTransform, find_transforms, read_transform, write_matrix
from napari_longiseg.registration._itk.steps import chain_of

sitk = pytest.importorskip("SimpleITK")

SIZE, SPACING, ORIGIN = (17, 15, 13), (4.0, 5.5, 7.0), (-30.0, -45.0, 60.0)
RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def oblique() -> list[float]:
    """A direction, turned about x and z."""
    a = np.radians(25)
    c, s = np.cos(a), np.sin(a)
    turned = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return turned.ravel().tolist()


def placed(image):
    image.SetSpacing(SPACING)
    image.SetOrigin(ORIGIN)
    image.SetDirection(oblique())
    return image


def vectors(seed: int = 0) -> np.ndarray:
    """(k, j, i, 3) rough displacements in the order x, y, z, mm."""
    return np.random.default_rng(seed).normal(0, 4, (*SIZE[::-1], 3))


def field_image():
    return placed(sitk.GetImageFromArray(vectors(), isVector=True))


def affine():
    transform = sitk.AffineTransform(3)
    transform.SetMatrix([1.05, 0.1, -0.02, -0.08, 0.95, 0.05, 0.03, -0.04, 1.02])
    transform.SetTranslation((12.0, -7.0, 5.0))
    transform.SetCenter((10.0, 20.0, 90.0))
    return transform


def spline(mesh=(4, 3, 5)):
    transform = sitk.BSplineTransformInitializer(field_image(), mesh, 3)
    noise = np.random.default_rng(1).normal(0, 5, len(transform.GetParameters()))
    transform.SetParameters(noise.tolist())
    return transform


def euler():
    return sitk.Euler3DTransform((10.0, -20.0, 60.0), 0.2, -0.1, 0.3, (5.0, 6.0, -7.0))


def versor():
    transform = sitk.VersorRigid3DTransform()
    transform.SetRotation((1.0, 2.0, 3.0), 0.4)
    transform.SetTranslation((3.0, -2.0, 9.0))
    return transform


def similarity():
    return sitk.Similarity3DTransform(1.1, (0.0, 0.6, 0.8), 0.25, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))


def field():
    return sitk.DisplacementFieldTransform(field_image())


def composite():
    shift = sitk.TranslationTransform(3, (2.0, 3.0, 4.0))
    return sitk.CompositeTransform([affine(), field(), versor(), spline(), shift])


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """(200, 3) x, y, z: inside the field, at its border, and outside."""
    index = np.random.default_rng(2).uniform(-3, np.add(SIZE, 2), (200, 3))
    return index * SPACING @ np.reshape(oblique(), (3, 3)).T + ORIGIN


def mapped(found: FileTransform, points: np.ndarray) -> np.ndarray:
    """Points x, y, z after a transform that was read."""
    return chain_of(found)(points[:, ::-1])[:, ::-1]


def expected(transform, points: np.ndarray) -> np.ndarray:
    """The same by SimpleITK."""
    return np.array([transform.TransformPoint(point) for point in points.tolist()])


TRANSFORMS = (affine, euler, versor, similarity, spline, field, composite)
FILES = [
    (make, name)
    for make in TRANSFORMS
    for name in ("a.tfm", "a.txt", "a.h5", "a.hdf5", "a.mat")
    if (make, name) != (composite, "a.mat")  # which ITK does not write
]


@pytest.mark.parametrize(("make", "name"), FILES)
def test_itk_files_map_points_as_itk_does(tmp_path, points, make, name):
    transform = make()
    sitk.WriteTransform(transform, str(tmp_path / name))
    found = read_transform(tmp_path / name)
    np.testing.assert_allclose(mapped(found, points), expected(transform, points), atol=1e-4)
    assert not found.is_directed
    assert not found.notes


def test_itk_text_is_known_by_its_content(tmp_path, points):
    """ITK-SNAP lets users save it under any name."""
    sitk.WriteTransform(affine(), str(tmp_path / "a.tfm"))
    for name in ("b.mat", "b", "b.xyz"):
        (tmp_path / "a.tfm").rename(tmp_path / name)
        found = read_transform(tmp_path / name)
        np.testing.assert_allclose(mapped(found, points), expected(affine(), points), atol=1e-6)
        (tmp_path / name).rename(tmp_path / "a.tfm")


def test_itk_snap_writes_the_base_of_all_affine_transforms(tmp_path, points):
    path = tmp_path / "snap.txt"
    path.write_text(
        "#Insight Transform File V1.0\n#Transform 0\nTransform: MatrixOffsetTransformBase_double_3_3\n"
        "Parameters: 1 0.1 0 -0.1 1 0 0 0 0.9 5 6 7\nFixedParameters: 1 2 3\n"
    )
    matrix = np.array([[1, 0.1, 0], [-0.1, 1, 0], [0, 0, 0.9]])
    wanted = (points - [1, 2, 3]) @ matrix.T + [1, 2, 3] + [5, 6, 7]
    np.testing.assert_allclose(mapped(read_transform(path), points), wanted, atol=1e-9)


def test_such_a_base_within_a_composite(tmp_path, points):
    path = tmp_path / "a.tfm"
    sitk.WriteTransform(composite(), str(path))
    path.write_text(path.read_text().replace(": AffineTransform", ": MatrixOffsetTransformBase"))
    np.testing.assert_allclose(mapped(read_transform(path), points), expected(composite(), points), atol=1e-4)


def test_a_matrix_as_text_is_ras(tmp_path, points):
    """As ITK-SNAP, Convert3D and greedy write it; the numbers are those of greedy's own formatting."""
    rows = np.array([[1.02, 0.05, 0, -4.5], [-0.05, 0.97, 0.01, 2.0], [0.01, 0, 1.01, 8.25], [0, 0, 0, 1]])
    path = tmp_path / "affine.mat"
    path.write_text("\n".join(" ".join(f"{v:g}" for v in row) + " " for row in rows) + "\n")
    wanted = np.c_[points, np.ones(len(points))] @ (RAS @ rows @ RAS).T
    np.testing.assert_allclose(mapped(read_transform(path), points), wanted[:, :3], atol=1e-9)


def test_a_matrix_is_written_as_it_is_read(tmp_path, points):
    sitk.WriteTransform(affine(), str(tmp_path / "a.tfm"))
    (step,) = read_transform(tmp_path / "a.tfm").steps
    write_matrix(tmp_path / "a.mat", step)
    found = read_transform(tmp_path / "a.mat")
    np.testing.assert_allclose(mapped(found, points), expected(affine(), points), atol=1e-6)


@pytest.mark.parametrize("extension", ["nii", "nii.gz", "mha", "mhd", "nrrd", "nhdr"])
class TestFields:
    def test_vectors(self, tmp_path, points, extension):
        path = tmp_path / f"field.{extension}"
        sitk.WriteImage(field_image(), str(path))
        np.testing.assert_allclose(mapped(read_transform(path), points), expected(field(), points), atol=1e-4)

    def test_four_dimensions(self, tmp_path, points, extension):
        parts = [
            placed(sitk.GetImageFromArray(np.ascontiguousarray(c))) for c in np.moveaxis(vectors(), -1, 0)
        ]
        path = tmp_path / f"field.{extension}"
        sitk.WriteImage(sitk.JoinSeries(parts), str(path))
        np.testing.assert_allclose(mapped(read_transform(path), points), expected(field(), points), atol=1e-4)

    def test_ras_vectors(self, tmp_path, points, extension):
        turned = placed(sitk.GetImageFromArray(vectors() * [-1, -1, 1], isVector=True))
        path = tmp_path / f"field.{extension}"
        sitk.WriteImage(turned, str(path))
        found = read_transform(path, axes="ras")
        np.testing.assert_allclose(mapped(found, points), expected(field(), points), atol=1e-4)

    @pytest.mark.parametrize("axes", ["lps", "ras"])
    def test_positions(self, tmp_path, points, extension, axes):
        image = field_image()
        goes = (
            np.array(
                [
                    image.TransformIndexToPhysicalPoint(tuple(map(int, index[::-1])))
                    for index in np.ndindex(SIZE[::-1])
                ]
            ).reshape(*SIZE[::-1], 3)
            + vectors()
        )
        goes = goes * [-1, -1, 1] if axes == "ras" else goes
        path = tmp_path / f"field.{extension}"
        sitk.WriteImage(placed(sitk.GetImageFromArray(goes, isVector=True)), str(path))
        found = read_transform(path, axes=axes, content="positions")
        np.testing.assert_allclose(mapped(found, points), expected(field(), points), atol=1e-4)


@pytest.mark.parametrize(("intent", "senses"), [(1007, 1), (0, 1), (1006, [-1, -1, 1])])
def test_nifti_in_five_dimensions(tmp_path, points, intent, senses):
    """Displacement vectors (1006) are RAS by definition; other vectors are what ITK wrote, LPS."""
    path = tmp_path / "field.nii"
    sitk.WriteImage(placed(sitk.GetImageFromArray(vectors() * senses, isVector=True)), str(path))
    raw = bytearray(path.read_bytes())
    assert struct.unpack_from("<8h", raw, 40)[:6] == (5, *SIZE, 1, 3)
    struct.pack_into("<h", raw, 68, intent)
    path.write_bytes(raw)
    np.testing.assert_allclose(mapped(read_transform(path), points), expected(field(), points), atol=1e-4)
    if intent == 1006:
        again = read_transform(path, axes="ras")
        np.testing.assert_allclose(mapped(again, points), expected(field(), points), atol=1e-4)


class TestFolder:
    @pytest.mark.parametrize("name", ["T0_to_T1.tfm", "T0_to_T1.nii.gz", "T0_to_T1.NII", "T0_to_T1"])
    def test_the_file_of_a_pair(self, tmp_path, name):
        for other in ("T0_to_T1.5.tfm", "T0_to_T1.raw", "T0_to_T12.tfm", "T1_to_T0.tfm", name):
            (tmp_path / other).touch()
        assert find_transforms(tmp_path, "T0", "T1") == ((tmp_path / name,), False)

    def test_the_other_direction(self, tmp_path):
        (tmp_path / "T1_to_T0.tfm").touch()
        assert find_transforms(tmp_path, "T0", "T1") == ((tmp_path / "T1_to_T0.tfm",), True)

    @pytest.mark.parametrize("prefix", ["T0_to_T1", "T0_to_T1_"])
    def test_the_two_files_of_ants(self, tmp_path, prefix):
        names = ("1Warp.nii.gz", "0GenericAffine.mat", "1InverseWarp.nii.gz", "Warped.nii.gz")
        field, affine, *_ = (tmp_path / f"{prefix}{name}" for name in names)
        affine.touch()
        assert find_transforms(tmp_path, "T0", "T1") == ((affine,), False)
        for name in names:
            (tmp_path / f"{prefix}{name}").touch()
        assert find_transforms(tmp_path, "T0", "T1") == ((field, affine), False)

    def test_none(self, tmp_path):
        with pytest.raises(InputError, match="no transform named T0_to_T2 or T2_to_T0"):
            find_transforms(tmp_path, "T0", "T2")

    def test_two(self, tmp_path):
        for name in ("T0_to_T1.tfm", "T0_to_T1.nii.gz"):
            (tmp_path / name).touch()
        with pytest.raises(InputError, match=r"2 transforms for T0_to_T1: T0_to_T1\.nii\.gz, T0_to_T1\.tfm"):
            find_transforms(tmp_path, "T0", "T1")


def refusal(path: Path) -> str:
    with pytest.raises(InputError, match=path.name) as error:
        read_transform(path)
    return str(error.value)


class TestRefusals:
    def test_missing(self, tmp_path):
        assert "There is no file" in refusal(tmp_path / "a.tfm")

    @pytest.mark.parametrize("content", [b"", b"hello", b"1 2 3", b"\xff\xfe\x00", b"nan " * 15 + b"x"])
    def test_no_transform(self, tmp_path, content):
        path = tmp_path / "a.txt"
        path.write_bytes(content)
        assert "no transform that can be read" in refusal(path)

    def test_two_dimensions(self, tmp_path):
        path = tmp_path / "a.tfm"
        sitk.WriteTransform(sitk.Euler2DTransform(), str(path))
        assert "2-D transform" in refusal(path)

    @pytest.mark.parametrize("name", ["a.tfm", "a.h5", "a.mat"])
    def test_truncated(self, tmp_path, name):
        path = tmp_path / name
        sitk.WriteTransform(affine(), str(path))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert "damaged" in refusal(path)

    @pytest.mark.parametrize("extension", ["nii", "nii.gz", "mha"])
    def test_truncated_field(self, tmp_path, extension):
        path = tmp_path / f"a.{extension}"
        sitk.WriteImage(field_image(), str(path), True)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert "damaged" in refusal(path)

    def test_unknown_kind(self, tmp_path):
        path = tmp_path / "a.tfm"
        sitk.WriteTransform(affine(), str(path))
        path.write_text(path.read_text().replace("AffineTransform", "SomeTransform"))
        assert "of a kind that ITK does not know" in refusal(path)

    def test_a_list_that_is_no_composite(self, tmp_path):
        """ITK takes the first one and drops the rest."""
        path = tmp_path / "a.tfm"
        sitk.WriteTransform(affine(), str(path))
        path.write_text(path.read_text() + path.read_text().split("\n", 1)[1])
        assert "lists 2 transforms; save them as one composite" in refusal(path)

    def test_splines_that_are_not_cubic(self, tmp_path):
        transform = sitk.BSplineTransformInitializer(field_image(), (3, 3, 3), 2)
        sitk.WriteTransform(transform, str(tmp_path / "a.tfm"))
        assert "B-spline of order 2" in refusal(tmp_path / "a.tfm")

    def test_flat_matrices(self, tmp_path):
        path = tmp_path / "a.mat"
        path.write_text("1 0 0 0\n0 1 0 0\n0 0 0 0\n0 0 0 1\n")
        assert "flattens space" in refusal(path)

    @pytest.mark.parametrize("last", ["0 0 0 2", "0 0 1 1", "0 0 0 nan"])
    def test_matrices_that_are_not_affine(self, tmp_path, last):
        path = tmp_path / "a.mat"
        path.write_text(f"1 0 0 0\n0 1 0 0\n0 0 1 0\n{last}\n")
        assert "not an affine one" in refusal(path)

    def test_an_ordinary_image(self, tmp_path):
        sitk.WriteImage(placed(sitk.GetImageFromArray(vectors()[..., 0])), str(tmp_path / "a.nii.gz"))
        assert "no displacement field" in refusal(tmp_path / "a.nii.gz")

    @pytest.mark.parametrize("extension", ["nii", "mha"])
    def test_values_that_are_not_finite(self, tmp_path, extension):
        values = vectors()
        values[1, 2, 3, 0] = np.nan
        path = tmp_path / f"a.{extension}"
        sitk.WriteImage(sitk.GetImageFromArray(values, isVector=True), str(path))
        assert "1 values that are not finite" in refusal(path)
