"""DICOM registration objects: which matrix is meant, and which way it goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from napari_longiseg.core.errors import InputError
from napari_longiseg.io.transforms import read_transform
from napari_longiseg.registration._itk.steps import chain_of

sitk = pytest.importorskip("SimpleITK")

SPATIAL, DEFORMABLE = "1.2.840.10008.5.1.4.1.1.66.1", "1.2.840.10008.5.1.4.1.1.66.3"
FIRST, SECOND, THIRD = (generate_uid() for _ in range(3))
"""Frames of reference of three scans."""
POINTS = np.random.default_rng(0).uniform(-40, 40, (50, 3))
"""x, y, z."""


def matrix(seed: int) -> np.ndarray:
    rows = np.eye(4)
    rows[:3] += np.random.default_rng(seed).normal(0, 0.1, (3, 4)) * [1, 1, 1, 100]
    return np.round(rows, 6)


def after(rows: np.ndarray, points: np.ndarray = POINTS) -> np.ndarray:
    return points @ rows[:3, :3].T + rows[:3, 3]


def item(**values: object) -> Dataset:
    ds = Dataset()
    for name, value in values.items():
        setattr(ds, name, value)
    return ds


def matrices(*all_rows: np.ndarray, kind: str = "AFFINE") -> Sequence:
    return Sequence(
        [
            item(
                FrameOfReferenceTransformationMatrix=[f"{v:.6f}" for v in rows.ravel()],
                FrameOfReferenceTransformationMatrixType=kind,
            )
            for rows in all_rows
        ]
    )


def frame(uid: str | None, *all_rows: np.ndarray, images: tuple[str, ...] = ()) -> Dataset:
    """An item of a Spatial Registration."""
    ds = item(MatrixRegistrationSequence=Sequence([item(MatrixSequence=matrices(*all_rows))]))
    if uid:
        ds.FrameOfReferenceUID = uid
    if images:
        ds.ReferencedImageSequence = Sequence([item(ReferencedSOPInstanceUID=uid) for uid in images])
    return ds


def written(path: Path, save, kind: str = SPATIAL, registered: str = FIRST, **content: object) -> Path:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = kind, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = item(SOPClassUID=kind, SOPInstanceUID=meta.MediaStorageSOPInstanceUID, Modality="REG", **content)
    ds.FrameOfReferenceUID = registered
    ds.file_meta = meta
    save(ds, path)
    return path


@pytest.fixture
def series(tmp_path, write_series):
    """A folder with a CT series of a frame of reference."""

    def write(name: str, uid: str, images: list[str] | None = None) -> Path:
        def edit(ds: Dataset, number: int) -> None:
            ds.FrameOfReferenceUID = uid
            if images is not None:
                images.append(str(ds.SOPInstanceUID))

        write_series(tmp_path / name, slices=3, edit=edit)
        return tmp_path / name

    return write


@pytest.fixture
def scans(series):
    return series("T0", FIRST), series("T1", SECOND), series("T2", THIRD)


@pytest.fixture
def path(tmp_path, save):
    """Three frames registered to the first."""
    frames = [frame(FIRST, np.eye(4)), frame(SECOND, matrix(1)), frame(THIRD, matrix(2))]
    return written(tmp_path / "REG.dcm", save, RegistrationSequence=Sequence(frames))


def mapped(found, points=POINTS):
    return chain_of(found)(points[:, ::-1])[:, ::-1]


class TestSpatialRegistration:
    def test_to_the_registered_frame(self, path, scans):
        found = read_transform(path, source=scans[1], target=scans[0])
        np.testing.assert_allclose(mapped(found), after(matrix(1)), atol=1e-9)
        assert found.is_directed
        assert not found.notes

    def test_from_the_registered_frame(self, path, scans):
        found = read_transform(path, source=scans[0], target=scans[1])
        np.testing.assert_allclose(mapped(found, after(matrix(1))), POINTS, atol=1e-9)

    def test_between_two_others(self, path, scans):
        found = read_transform(path, source=scans[1], target=scans[2])
        np.testing.assert_allclose(after(matrix(2), mapped(found)), after(matrix(1)), atol=1e-9)

    def test_a_slice_stands_for_its_series(self, path, scans):
        one = next(iter(scans[1].iterdir()))
        found = read_transform(path, source=one, target=scans[0])
        np.testing.assert_allclose(mapped(found), after(matrix(1)), atol=1e-9)

    def test_the_registered_frame_needs_no_item(self, tmp_path, save, scans):
        content = {"RegistrationSequence": Sequence([frame(SECOND, matrix(1))])}
        found = read_transform(written(tmp_path / "R", save, **content), source=scans[0], target=scans[1])
        np.testing.assert_allclose(mapped(found, after(matrix(1))), POINTS, atol=1e-9)

    def test_the_registration_lies_beside_the_images(self, path, scans):
        """It carries the registered frame of reference itself, and is no image of it."""
        path.rename(scans[1] / "REG.dcm")
        found = read_transform(scans[1] / "REG.dcm", source=scans[1], target=scans[0])
        np.testing.assert_allclose(mapped(found), after(matrix(1)), atol=1e-9)

    def test_images_of_one_frame_of_reference(self, tmp_path, save, series):
        """Two dates on one scanner may share a frame; then the images tell the items apart."""
        first, second = [], []
        scans = series("T0", FIRST, first), series("T1", FIRST, second)
        frames = [frame(None, np.eye(4), images=tuple(first)), frame(None, matrix(1), images=tuple(second))]
        path = written(tmp_path / "R", save, registered=first[0], RegistrationSequence=Sequence(frames))
        found = read_transform(path, source=scans[1], target=scans[0])
        np.testing.assert_allclose(mapped(found), after(matrix(1)), atol=1e-9)

    def test_scans_of_one_frame_stay_where_they_are(self, path, scans, series):
        found = read_transform(path, source=scans[1], target=series("T3", SECOND))
        np.testing.assert_allclose(mapped(found), POINTS, atol=1e-9)
        assert found.notes == ("Both scans have the same frame of reference.",)

    def test_one_of_two_scans_is_known(self, tmp_path, save, scans):
        content = {"RegistrationSequence": Sequence([frame(FIRST, np.eye(4)), frame(SECOND, matrix(1))])}
        path = written(tmp_path / "R", save, **content)
        for source, target in ((scans[1], None), (None, scans[0]), (scans[1], tmp_path / "T0.nii")):
            found = read_transform(path, source=source, target=target)
            np.testing.assert_allclose(mapped(found), after(matrix(1)), atol=1e-9)
            assert found.is_directed

    def test_neither_scan_is_known(self, path):
        found = read_transform(path)
        np.testing.assert_allclose(mapped(found), after(matrix(1)), atol=1e-9)
        assert not found.is_directed
        assert "its first one that is registered was taken for the source" in found.notes[0]


class TestDeformableRegistration:
    """It goes from the registered frame to the source frame."""

    @pytest.fixture
    def field(self):
        image = sitk.GetImageFromArray(
            np.random.default_rng(3).normal(0, 2, (9, 10, 11, 3)).astype("f4").astype(float), isVector=True
        )
        image.SetSpacing((9.0, 10.0, 12.0))
        image.SetOrigin((-45.0, -50.0, -48.0))
        turn = sitk.Euler3DTransform((0, 0, 0), 0.2, 0.1, 0.3)
        image.SetDirection(turn.GetMatrix())
        return image

    @pytest.fixture
    def truth(self, field):
        """Registered to source points: pre, field, post."""
        transform = sitk.DisplacementFieldTransform(sitk.Image(field))
        moved = [transform.TransformPoint(point) for point in after(matrix(4)).tolist()]
        return after(matrix(5), np.array(moved))

    @staticmethod
    def deformation(field, values=None):
        direction = np.reshape(field.GetDirection(), (3, 3))
        grid = item(
            ImageOrientationPatient=[f"{v:.9f}" for v in [*direction[:, 0], *direction[:, 1]]],
            ImagePositionPatient=list(field.GetOrigin()),
            GridDimensions=list(field.GetSize()),
            GridResolution=list(field.GetSpacing()),
            VectorGridData=(sitk.GetArrayFromImage(field) if values is None else values)
            .astype("<f4")
            .tobytes(),
        )
        return item(
            SourceFrameOfReferenceUID=SECOND,
            PreDeformationMatrixRegistrationSequence=matrices(matrix(4)),
            PostDeformationMatrixRegistrationSequence=matrices(matrix(5)),
            DeformableRegistrationGridSequence=Sequence([grid]),
        )

    def test_from_the_registered_frame(self, tmp_path, save, scans, field, truth):
        content = {"DeformableRegistrationSequence": Sequence([self.deformation(field)])}
        path = written(tmp_path / "R", save, DEFORMABLE, **content)
        found = read_transform(path, source=scans[0], target=scans[1])
        np.testing.assert_allclose(mapped(found), truth, atol=1e-4)

    def test_to_the_registered_frame(self, tmp_path, save, scans):
        """Backwards through a smooth field, by iteration."""
        axes = np.meshgrid(*[np.linspace(-3, 3, n) for n in (9, 10, 11)], indexing="ij")
        values = np.stack([3 * np.sin(axes[0]), 2 * np.cos(axes[1]), 3 * np.sin(axes[2])], axis=-1)
        image = sitk.GetImageFromArray(values, isVector=True)
        image.SetSpacing((30.0, 30.0, 30.0))
        image.SetOrigin((-150.0, -140.0, -130.0))
        content = {"DeformableRegistrationSequence": Sequence([self.deformation(image)])}
        path = written(tmp_path / "R", save, DEFORMABLE, **content)
        there = read_transform(path, source=scans[1], target=scans[0])
        back = read_transform(path, source=scans[0], target=scans[1])
        np.testing.assert_allclose(mapped(back, mapped(there)), POINTS, atol=0.01)

    def test_undefined_nodes_do_not_move(self, tmp_path, save, scans, field):
        values = sitk.GetArrayFromImage(field)
        values[0, 0, 0] = np.nan
        content = {"DeformableRegistrationSequence": Sequence([self.deformation(field, values)])}
        path = written(tmp_path / "R", save, DEFORMABLE, **content)
        found = read_transform(path, source=scans[0], target=scans[1])
        assert np.isfinite(mapped(found)).all()
        assert found.notes == ("1 nodes of the displacement field are undefined and do not move.",)

    def test_a_truncated_grid(self, tmp_path, save, scans, field):
        content = {"DeformableRegistrationSequence": Sequence([self.deformation(field, np.zeros((4, 3)))])}
        path = written(tmp_path / "R", save, DEFORMABLE, **content)
        with pytest.raises(InputError, match=r"R is damaged, or no whole DICOM registration"):
            read_transform(path)


class TestRefusals:
    def test_other_scans(self, path, series, scans):
        other = series("other", generate_uid())
        with pytest.raises(
            InputError, match=r"REG\.dcm registers other scans: it does not name .* of .*other"
        ):
            read_transform(path, source=scans[1], target=other)

    def test_one_of_three_frames_is_not_known(self, path, scans):
        with pytest.raises(InputError, match="registers 3 frames of reference, and one of the scans"):
            read_transform(path, source=scans[1])

    def test_a_chain_of_matrices(self, tmp_path, save):
        content = {"RegistrationSequence": Sequence([frame(SECOND, matrix(1), matrix(2))])}
        with pytest.raises(
            InputError, match="2 matrices for one frame of reference; export them as a single"
        ):
            read_transform(written(tmp_path / "R", save, **content))

    def test_nothing_but_the_registered_frame(self, tmp_path, save):
        content = {"RegistrationSequence": Sequence([frame(FIRST, np.eye(4))])}
        with pytest.raises(InputError, match="registers nothing to its own frame"):
            read_transform(written(tmp_path / "R", save, **content))

    def test_other_dicom(self, scans):
        with pytest.raises(InputError, match="it is DICOM, but neither a Spatial Registration nor"):
            read_transform(next(iter(scans[0].iterdir())))

    def test_truncated(self, path):
        path.write_bytes(path.read_bytes()[:400])
        with pytest.raises(InputError, match=r"REG\.dcm is damaged"):
            read_transform(path)

    def test_flat(self, tmp_path, save):
        content = {"RegistrationSequence": Sequence([frame(SECOND, np.diag([1.0, 0, 1, 1]))])}
        with pytest.raises(InputError, match="flattens space"):
            read_transform(written(tmp_path / "R", save, **content))
