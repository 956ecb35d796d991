"""Files of every kind that a user may bring: images in any orientation, DICOM series with any flaw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

sitk = pytest.importorskip("SimpleITK")

ROWS, COLUMNS = 6, 7
IDENTITY = (1, 0, 0, 0, 1, 0)


def hu_of(slices: int, seed: int = 0) -> np.ndarray:
    """(slices, rows, columns) of whole HU."""
    return np.random.default_rng(seed).integers(-1000, 1000, (slices, ROWS, COLUMNS)).astype(np.int16)


def ct_slice(hu: np.ndarray, position: tuple[float, float, float], number: int, uid: str) -> Dataset:
    """One CT image; position is x, y, z in mm."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = Dataset()
    ds.file_meta = meta
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    ds.SeriesInstanceUID, ds.SeriesNumber, ds.SeriesDescription = uid, 3, "Body 2.5"
    ds.PatientID, ds.Modality, ds.ImageType = "P01", "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.StudyDate = "20240110"
    ds.AcquisitionNumber, ds.InstanceNumber = 1, number
    ds.ImagePositionPatient, ds.ImageOrientationPatient = list(position), list(IDENTITY)
    ds.PixelSpacing = [0.75, 0.5]
    ds.Rows, ds.Columns = hu.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
    ds.PixelData = (hu + 1024).astype(np.uint16).tobytes()
    return ds


def rescaled(ds: Dataset, hu: np.ndarray, slope: float, intercept: float) -> None:
    """Store HU with another slope and intercept."""
    ds.RescaleSlope, ds.RescaleIntercept = slope, intercept
    ds.PixelData = np.rint((hu - intercept) / slope).astype(np.uint16).tobytes()


WriteSeries = Callable[..., np.ndarray]


@pytest.fixture
def write_series() -> WriteSeries:
    """Write a series into a folder; *edit(dataset, number)* changes a slice, False leaves it out."""

    def write(
        folder: Path,
        slices: int = 6,
        spacing: float = 2.5,
        edit: Callable[[Dataset, int], bool | None] | None = None,
        seed: int = 0,
    ) -> np.ndarray:
        folder.mkdir(parents=True, exist_ok=True)
        hu, uid = hu_of(slices, seed), generate_uid()
        for number in range(slices):
            ds = ct_slice(hu[number], (-10.0, -20.0, 100.0 + spacing * number), number + 1, uid)
            if edit is None or edit(ds, number) is not False:
                # The names run against the slices.
                save(ds, folder / f"IM{slices - number:04d}")
        return hu

    return write


def save(ds: Dataset, path: Path) -> None:
    pydicom.dcmwrite(path, ds, enforce_file_format=True)


def enhanced(path, hu, per_frame_slope=None):
    """All slices in one multi-frame file, last slice first."""
    ds = ct_slice(hu[0], (0, 0, 0), 1, generate_uid())
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope"):
        delattr(ds, name)
    del ds.RescaleIntercept
    ds.NumberOfFrames = len(hu)

    def item(**values):
        inner = Dataset()
        inner.update(values)
        return Sequence([inner])

    def rescale(slope):
        return item(RescaleSlope=slope, RescaleIntercept=-1024, RescaleType="HU")

    shared = Dataset()
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    shared.PixelMeasuresSequence = item(PixelSpacing=[0.75, 0.5], SliceThickness=2.5)
    if per_frame_slope is None:
        shared.PixelValueTransformationSequence = rescale(1)
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for number in reversed(range(len(hu))):
        frame = Dataset()
        frame.PlanePositionSequence = item(ImagePositionPatient=[-10, -20, 100 + 2.5 * number])
        if per_frame_slope is not None:
            frame.PixelValueTransformationSequence = rescale(per_frame_slope[number])
        frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    ds.PixelData = (hu[::-1] + 1024).astype(np.uint16).tobytes()
    path.parent.mkdir(exist_ok=True)
    save(ds, path)


def write_sitk(
    path: Path,
    array: np.ndarray,
    spacing: tuple[float, float, float] = (0.5, 0.75, 2.5),
    origin: tuple[float, float, float] = (-10.0, -20.0, 100.0),
    direction: np.ndarray | None = None,
) -> None:
    """Write an array (k, j, i) with spacing, origin and direction in ITK's order x, y, z."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    if direction is not None:
        image.SetDirection(np.asarray(direction, dtype=float).ravel().tolist())
    sitk.WriteImage(image, str(path))


@pytest.fixture(name="write_sitk")
def _write_sitk() -> Callable[..., None]:
    return write_sitk


@pytest.fixture(name="hu_of")
def _hu_of() -> Callable[..., np.ndarray]:
    return hu_of


@pytest.fixture(name="rescaled")
def _rescaled() -> Callable[..., None]:
    return rescaled


@pytest.fixture(name="save")
def _save() -> Callable[..., None]:
    return save


@pytest.fixture(name="write_enhanced")
def _write_enhanced() -> Callable[..., None]:
    return enhanced
