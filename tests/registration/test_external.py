"""Transforms of other programs between two scans, and what is said about those that do not fit."""

from __future__ import annotations

import os

import numpy as np
import pytest
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from napari_longiseg.core.errors import Cancelled, InputError
from napari_longiseg.core.methods import REGISTRATIONS, create
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.io.transforms import FileTransform, LinearStep
from napari_longiseg.registration._external_map import external_map
from napari_longiseg.registration._itk.steps import chain_of
from napari_longiseg.registration.base import ReportingPointMap, StudyRegistration
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.registration.external import ExternalRegistration

sitk = pytest.importorskip("SimpleITK")

SHIFT_MM = np.array([9.0, -6.0, 4.0])
"""Where the second scan shows what the first does, order (z, y, x)."""


@pytest.fixture(scope="module")
def moved(first) -> Scan:
    """The first scan in other patient coordinates."""
    origin = tuple(first.grid.origin_mm + SHIFT_MM)
    grid = type(first.grid)(first.grid.shape, first.grid.spacing_mm, origin)
    return Scan("T1", first.image, grid)


@pytest.fixture
def shift(tmp_path):
    """A file of a translation, from the first scan to the moved one unless told otherwise."""

    def write(name="shift.tfm", mm=SHIFT_MM):
        path = tmp_path / name
        sitk.WriteTransform(sitk.TranslationTransform(3, mm[::-1].tolist()), str(path))
        return str(path)

    return write


@pytest.fixture
def bend(tmp_path, later, motion_of):
    """A displacement field of the known motion, from the later scan to the first."""
    spacing = np.array([8.0, 8.0, 8.0])
    low, high = later.grid.bounds_mm()
    shape = np.ceil((high - low) / spacing).astype(int) + 1
    nodes = low + np.stack(np.indices(shape), axis=-1) * spacing
    steps = motion_of(nodes.reshape(-1, 3)).reshape(nodes.shape) - nodes
    image = sitk.GetImageFromArray(steps[..., ::-1], isVector=True)
    image.SetSpacing(spacing[::-1].tolist())
    image.SetOrigin(low[::-1].tolist())
    sitk.WriteImage(image, str(tmp_path / "bend.nii.gz"))
    return str(tmp_path / "bend.nii.gz")


def spatial_registration(path, mm) -> None:
    """A DICOM registration of one frame of reference to another, by a shift (z, y, x)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = (
        "1.2.840.10008.5.1.4.1.1.66.1",
        ExplicitVRLittleEndian,
    )
    meta.MediaStorageSOPInstanceUID = generate_uid()
    matrix, registration, frame, ds = Dataset(), Dataset(), Dataset(), Dataset()
    rows = np.eye(4)
    rows[:3, 3] = mm[::-1]
    matrix.FrameOfReferenceTransformationMatrix = rows.ravel().tolist()
    matrix.FrameOfReferenceTransformationMatrixType = "RIGID"
    registration.MatrixSequence = Sequence([matrix])
    frame.FrameOfReferenceUID, frame.MatrixRegistrationSequence = generate_uid(), Sequence([registration])
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.FrameOfReferenceUID, ds.RegistrationSequence, ds.file_meta = generate_uid(), Sequence([frame]), meta
    dcmwrite(path, ds, enforce_file_format=True)


def align(source, target, file, **options):
    return ExternalRegistration(file, **options).align(source, target, silent)


def test_is_declared_as_an_entry_point(shift):
    file = shift()
    made = create(REGISTRATIONS, "external", file=file, invert=True)
    assert made == ExternalRegistration(file, invert=True)


def test_maps_from_the_fixed_image_to_the_moving_one(first, moved, shift):
    found = align(first, moved, shift())
    np.testing.assert_allclose(found([[1.0, 2.0, 3.0]]), [SHIFT_MM + np.array([1.0, 2.0, 3.0])], atol=1e-9)
    assert isinstance(found, ReportingPointMap)
    assert found.report.summary.startswith("shift.tfm: affine.")
    assert not found.report.doubt
    assert found.uncertainty_mm([[0.0, 0.0, 0.0]])[0] < 3
    assert np.isnan(found.uncertainty_mm([[900.0, 0.0, 0.0]])).all()


def test_inverted(first, moved, shift):
    found = align(moved, first, shift(), invert=True)
    np.testing.assert_allclose(found([SHIFT_MM]), [[0, 0, 0]], atol=1e-9)
    assert not found.report.doubt


def test_a_displacement_field_both_ways(first, later, later_points, motion_of, bend):
    there = align(later, first, bend)
    assert np.linalg.norm(there(later_points) - motion_of(later_points), axis=1).max() < 0.3
    assert "displacement field" in there.report.summary
    assert not there.report.doubt
    back = align(first, later, bend, invert=True)
    assert np.linalg.norm(back(there(later_points)) - later_points, axis=1).max() < 0.01
    assert np.linalg.norm(there.transform.inverse(there(later_points)) - later_points, axis=1).max() < 0.01


class TestDoubts:
    """A reader must hear of them before they trust the points."""

    def test_the_wrong_direction(self, first, moved, shift):
        doubt = align(moved, first, shift()).report.doubt
        assert doubt.startswith("shift.tfm seems to map T0 to T1: the other way round the scans agree better")
        assert doubt.endswith("change the option invert.")

    def test_another_transform(self, first, moved, shift):
        doubt = align(first, moved, shift(mm=3 * SHIFT_MM)).report.doubt
        assert doubt == "After shift.tfm the scans hardly agree; check that it belongs to them."

    def test_the_wrong_frames_of_reference(self, first, moved):
        """A file that says its direction itself is not helped by the option."""
        step = LinearStep(np.eye(3), SHIFT_MM)
        found = FileTransform((step,), is_directed=True)
        doubt = external_map("REG", found, chain_of(found), moved, first, silent).report.doubt
        assert doubt.endswith("check its frames of reference.")

    def test_points_that_land_nowhere(self, first, moved, shift):
        doubt = align(first, moved, shift(mm=np.array([600.0, 0.0, 0.0]))).report.doubt
        assert doubt.startswith("Hardly any point of T0 lands on T1: shift.tfm belongs to other scans")

    def test_the_wrong_direction_out_of_view(self, first, shift):
        far = np.array([500.0, 0.0, 0.0])
        grid = type(first.grid)(first.grid.shape, first.grid.spacing_mm, tuple(first.grid.origin_mm + far))
        other = Scan("T1", first.image, grid)
        assert "change the option invert" in align(other, first, shift(mm=far)).report.doubt


class TestStudies:
    def test_a_file_for_every_pair(self, first, moved, shift, tmp_path):
        shift("T0_to_T1.tfm")
        np.testing.assert_allclose(align(first, moved, str(tmp_path))([SHIFT_MM]), [2 * SHIFT_MM])
        np.testing.assert_allclose(align(moved, first, str(tmp_path))([SHIFT_MM]), [[0, 0, 0]], atol=1e-9)

    def test_both_directions_have_a_file(self, first, moved, shift, tmp_path):
        shift("T0_to_T1.tfm")
        shift("T1_to_T0.tfm", mm=-2 * SHIFT_MM)
        np.testing.assert_allclose(align(moved, first, str(tmp_path))([SHIFT_MM]), [-SHIFT_MM])

    def test_a_field_and_an_affine_of_ants(
        self, first, later, later_points, motion_of, bend, shift, tmp_path
    ):
        """Points go through the field first."""
        os.rename(bend, tmp_path / "T1_to_T0_1Warp.nii.gz")
        shift("shift.mat")
        os.rename(tmp_path / "shift.mat", tmp_path / "T1_to_T0_0GenericAffine.mat")
        grid = type(first.grid)(
            first.grid.shape, first.grid.spacing_mm, tuple(first.grid.origin_mm + SHIFT_MM)
        )
        found = align(later, Scan("T0", first.image, grid), str(tmp_path))
        truth = motion_of(later_points) + SHIFT_MM
        assert np.linalg.norm(found(later_points) - truth, axis=1).max() < 0.3
        assert "displacement field, affine" in found.report.summary
        assert not found.report.doubt

    def test_no_file_for_a_pair(self, first, moved, shift, tmp_path):
        shift("T0_to_T2.tfm")
        with pytest.raises(InputError, match="no transform named T0_to_T1 or T1_to_T0"):
            align(first, moved, str(tmp_path))

    def test_a_single_file_goes_from_the_first_scan_to_the_second(self, first, moved, shift):
        method = ExternalRegistration(shift())
        assert isinstance(method, StudyRegistration)
        method = method.for_study(Study("P", (first, moved)))
        assert method.name == "external"
        there, back = method.align(first, moved, silent), method.align(moved, first, silent)
        np.testing.assert_allclose(back(there([SHIFT_MM])), [SHIFT_MM])
        assert not there.report.doubt + back.report.doubt

    def test_a_single_file_for_three_scans(self, first, moved, later, shift):
        study = Study("P", (first, moved, Scan("T2", later.image, later.grid)))
        with pytest.raises(InputError, match="maps one scan to one other, and P has 3; give a folder"):
            ExternalRegistration(shift()).for_study(study)

    def test_a_dicom_registration_of_two_scans_that_are_no_dicom(self, first, moved, tmp_path):
        """Which of its matrices belongs to which scan is a guess, and both ways must agree on it."""
        path = tmp_path / "REG.dcm"
        spatial_registration(path, SHIFT_MM)
        method = ExternalRegistration(str(path)).for_study(Study("P", (first, moved)))
        there, back = method.align(first, moved, silent), method.align(moved, first, silent)
        np.testing.assert_allclose(there([SHIFT_MM]), [2 * SHIFT_MM])
        np.testing.assert_allclose(back(there([SHIFT_MM])), [SHIFT_MM])
        assert there.report.doubt.startswith("The scans do not say which frames of reference in REG.dcm")

    def test_a_dicom_registration_may_hold_many(self, first, moved, later, tmp_path):
        spatial_registration(tmp_path / "REG.dcm", SHIFT_MM)
        study = Study("P", (first, moved, Scan("T2", later.image, later.grid)))
        method = ExternalRegistration(str(tmp_path / "REG.dcm"))
        assert method.for_study(study) is method

    def test_a_folder_serves_any_number_of_scans(self, first, moved, later, tmp_path):
        study = Study("P", (first, moved, Scan("T2", later.image, later.grid)))
        method = ExternalRegistration(str(tmp_path))
        assert method.for_study(study) is method


def test_a_file_that_was_written_again_gives_another_map(first, moved, shift):
    """A cache would take the map of the old one otherwise."""
    method = ExternalRegistration(shift()).for_study(Study("P", (first, moved)))
    cache = RegistrationCache()
    before = cache.point_map(method, first, moved, silent)
    assert cache.point_map(method, first, moved, silent) is before
    os.utime(shift(mm=2 * SHIFT_MM), ns=(1, 1))
    after = cache.point_map(method, first, moved, silent)
    np.testing.assert_allclose(after([SHIFT_MM]), [3 * SHIFT_MM])


def test_a_folder_changes_with_its_files(shift, tmp_path):
    method = ExternalRegistration(str(tmp_path))
    assert method.version == ""
    shift("T0_to_T1.tfm")
    assert method.version != ""
    assert ExternalRegistration(str(tmp_path / "none")).version == ""


class TestRefusals:
    def test_no_file(self, first, moved):
        with pytest.raises(InputError, match="Give the file of the transform"):
            align(first, moved, "")

    def test_a_missing_file(self, first, moved, tmp_path):
        with pytest.raises(InputError, match=r"There is no file .*none\.tfm"):
            align(first, moved, str(tmp_path / "none.tfm"))

    @pytest.mark.parametrize("option", ["axes", "content"])
    def test_another_word(self, option):
        with pytest.raises(InputError, match=f"option '{option}' must be .* or .*, not 'sideways'"):
            ExternalRegistration("a", **{option: "sideways"})


@pytest.mark.parametrize("fail_at", [0.0, 0.3, 0.5])
def test_cancelling_through_progress_passes(first, moved, shift, fail_at):
    def progress(stage, fraction):
        if fraction >= fail_at:
            raise Cancelled("stop")

    with pytest.raises(Cancelled, match="stop"):
        ExternalRegistration(shift()).align(first, moved, progress)
