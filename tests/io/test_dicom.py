"""DICOM series: what is read, and what is refused rather than put together wrongly."""

import datetime as dt
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from scipy import ndimage

from napari_longiseg.core.errors import Cancelled, GeometryError, InputError
from napari_longiseg.io.dicom import list_series, read_series
from napari_longiseg.io.images import read_labels, write_labels
from napari_longiseg.io.scans import load_scan

sitk = pytest.importorskip("SimpleITK")

REAL = Path(__file__).parents[3] / "shared" / "data" / "dicom_series"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "CT"


@pytest.fixture
def tilted_series(folder, write_series, rescaled):
    """A scan with another tilt of the gantry, and what its HU are at any place (z, y, x)."""

    def hu_at(places):
        return np.asarray(places) @ (3.0, -4.0, 2.0) - 300

    def load(degrees):
        rows = np.array([np.sin(np.radians(degrees)), np.cos(np.radians(degrees)), 0.0])
        columns = np.array([0.0, 0.0, 1.0])

        def tilt(ds, number):
            ds.Rows, ds.Columns, ds.PixelSpacing = 40, 32, [1.5, 1.5]
            ds.ImageOrientationPatient = [1, 0, 0, 0, *np.round(rows[1::-1], 6)]
            x, y, z = (float(value) for value in ds.ImagePositionPatient)
            row, column = np.mgrid[:40, :32][..., None] * 1.5
            rescaled(ds, hu_at((z, y, x) + row * rows + column * columns), 0.05, -1800)

        write_series(folder, slices=20, edit=tilt)
        return load_scan(folder, scan_id="T0"), hu_at

    return load


class TestReading:
    def test_a_series(self, folder, write_series):
        hu = write_series(folder)
        scan = load_scan(folder, scan_id="T0")
        np.testing.assert_array_equal(scan.image, hu)
        assert scan.image.dtype == np.int16
        assert scan.grid == scan.native
        assert scan.grid.spacing_mm == (2.5, 0.75, 0.5)
        assert scan.grid.origin_mm == (100.0, -20.0, -10.0)
        assert scan.date == dt.date(2024, 1, 10)
        assert scan.notes == ()

    def test_as_simpleitk_reads_it(self, folder, write_series):
        def prone(ds, number):
            ds.ImageOrientationPatient = [-1, 0, 0, 0, -1, 0]

        write_series(folder, edit=prone)
        found = read_series(folder)
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        image = reader.Execute()
        np.testing.assert_array_equal(found.values, sitk.GetArrayFromImage(image))
        np.testing.assert_allclose(found.grid.origin_mm[::-1], image.GetOrigin())
        np.testing.assert_allclose(
            np.asarray(found.grid.direction)[::-1, ::-1].ravel(), image.GetDirection(), atol=1e-12
        )

    @pytest.mark.parametrize(
        "orientation",
        [
            (1, 0, 0, 0, 1, 0),
            (-1, 0, 0, 0, -1, 0),
            (0, 1, 0, 0, 0, -1),
            (1, 0, 0, 0, 0, -1),
            (0, 0, 1, 1, 0, 0),
        ],
    )
    def test_every_plane(self, folder, write_series, tmp_path, orientation):
        normal = np.cross(orientation[:3], orientation[3:])

        def turned(ds, number):
            ds.ImageOrientationPatient = list(orientation)
            ds.ImagePositionPatient = (np.array([10, 20, 30]) + 2.5 * number * normal).tolist()

        write_series(folder, edit=turned)
        scan = load_scan(folder, scan_id="T0")
        write_labels(tmp_path / "m.nii.gz", (scan.image + 1001).astype(np.uint16), scan)
        labels, grid = read_labels(tmp_path / "m.nii.gz")
        for path in folder.iterdir():
            image = sitk.ReadImage(str(path))
            for index in [(0, 0, 0), (6, 5, 0), (2, 4, 0)]:
                point = image.TransformIndexToPhysicalPoint(index)[::-1]
                assert scan.image[scan.grid.nearest_voxel(point)] == image[index]
                assert labels[grid.nearest_voxel(point)] == image[index] + 1001

    def test_by_one_of_its_files(self, folder, write_series):
        hu = write_series(folder)
        other = write_series(folder / "other", seed=1)
        np.testing.assert_array_equal(read_series(folder / "IM0001").values, hu)
        np.testing.assert_array_equal(load_scan(folder / "other" / "IM0001", scan_id="A").image, other)

    def test_in_folders_below_and_beside_other_files(self, folder, write_series, tmp_path):
        hu = write_series(folder / "a" / "b")
        (folder / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM rubbish")
        (folder / "readme.txt").write_text("hello")
        (folder / ".hidden").write_bytes(b"\0" * 128 + b"DICM rubbish")
        np.testing.assert_array_equal(read_series(folder).values, hu)

    def test_rescale_differs_from_slice_to_slice(self, folder, write_series, hu_of, rescaled):
        factors = [(1, -1024), (0.5, -1200), (1, -2000), (0.25, -1000), (0.5, -1024), (1, -1010)]
        hu = write_series(folder, edit=lambda ds, n: rescaled(ds, hu_of(6)[n], *factors[n]))
        scan = load_scan(folder, scan_id="T0")
        np.testing.assert_array_equal(scan.image, hu)
        assert scan.image.dtype == np.int16

    def test_fractions_of_hu_in_the_last_slice_only(self, folder, write_series, hu_of):
        """A series reader that goes by the first slice would cut the fractions off."""

        def last(ds, number):
            if number == 5:
                ds.RescaleSlope = 0.3

        write_series(folder, edit=last)
        image = read_series(folder).values
        assert image.dtype == np.float32
        np.testing.assert_allclose(image[5], 0.3 * (hu_of(6)[5] + 1024.0) - 1024, atol=1e-3)
        np.testing.assert_array_equal(image[:5], hu_of(6)[:5])

    def test_padding_becomes_air(self, folder, write_series, hu_of):
        def padded(ds, number):
            stored = (hu_of(6)[number]).astype(np.int16)
            stored[0, :3] = -2000
            ds.PixelRepresentation, ds.RescaleIntercept = 1, 0
            ds.PixelData = stored.tobytes()
            ds.add_new("PixelPaddingValue", "SS", -2000)

        write_series(folder, edit=padded)
        image = read_series(folder).values
        assert (image[:, 0, :3] == -1024).all()
        np.testing.assert_array_equal(image[:, 1:], hu_of(6)[:, 1:])

    def test_padding_written_as_unsigned_and_a_range(self, folder, write_series, hu_of):
        def padded(ds, number):
            stored = (hu_of(6)[number]).astype(np.int16)
            stored[0, :3] = (-3000, -2000, -1999)
            ds.PixelRepresentation, ds.RescaleIntercept = 1, 0
            ds.PixelData = stored.tobytes()
            ds.add_new("PixelPaddingValue", "US", 65536 - 3000)
            ds.add_new("PixelPaddingRangeLimit", "SS", -2000)

        write_series(folder, edit=padded)
        assert read_series(folder).values[0, 0, :3].tolist() == [-1024, -1024, -1999]

    def test_padding_that_would_cut_holes_is_not_believed(self, folder, write_series, hu_of):
        tissue = int(hu_of(6)[2, 3, 4]) + 1024
        assert tissue > 24
        hu = write_series(folder, edit=lambda ds, n: ds.add_new("PixelPaddingValue", "US", tissue))
        np.testing.assert_array_equal(read_series(folder).values, hu)

    @pytest.mark.parametrize(
        ("dates", "expected"),
        [
            ({"AcquisitionDate": "20240312", "SeriesDate": "20240311"}, dt.date(2024, 3, 12)),
            ({"AcquisitionDate": "", "SeriesDate": "20240311"}, dt.date(2024, 3, 11)),
            ({}, dt.date(2024, 1, 10)),
            ({"StudyDate": ""}, None),
        ],
    )
    def test_date(self, folder, write_series, dates, expected):
        write_series(folder, edit=lambda ds, n: ds.update(dates))
        assert load_scan(folder, scan_id="T0").date == expected
        given = dt.date(2020, 1, 1)
        assert load_scan(folder, scan_id="T0", date=given).date == given

    def test_oblique(self, folder, write_series):
        c, s = np.cos(0.2), np.sin(0.2)

        def turned(ds, number):
            ds.ImageOrientationPatient = [round(v, 6) for v in (1, 0, 0, 0, c, s)]
            ds.ImagePositionPatient = [0, -s * 2.5 * number, c * 2.5 * number]

        write_series(folder, edit=turned)
        scan = load_scan(folder, scan_id="T0")
        assert any("oblique" in note for note in scan.notes)
        assert scan.native.spacing_mm == pytest.approx((2.5, 0.75, 0.5))

    @pytest.mark.parametrize("degrees", [15.0, -0.5, 30.0])
    def test_a_tilted_gantry(self, tilted_series, degrees):
        """Every voxel shows the tissue of its place."""
        scan, hu_at = tilted_series(degrees)
        (note,) = scan.notes
        assert f"tilted gantry ({abs(degrees):.1f} degrees)" in note
        assert scan.grid.is_lps
        places = scan.grid.to_mm(np.moveaxis(np.indices(scan.grid.shape), 0, -1))
        measured = scan.image > -1000
        assert measured.sum() > 0.6 * scan.image.size
        # Voxels that reach out of the slices are mixed with the air around them.
        inner = ndimage.binary_erosion(measured, iterations=2)
        np.testing.assert_allclose(scan.image[inner], hu_at(places)[inner], atol=1.0)

    @pytest.mark.parametrize("degrees", [15.0, -20.0])
    def test_outlines_on_a_tilted_scan_are_written_on_straight_slices(self, tilted_series, tmp_path, degrees):
        scan, _ = tilted_series(degrees)
        places = scan.grid.to_mm(np.moveaxis(np.indices(scan.grid.shape), 0, -1))
        centre = np.array(scan.grid.middle_mm)
        ball = (np.linalg.norm(places - centre, axis=-1) < 8).astype(np.uint8)
        write_labels(tmp_path / "T0.nii.gz", ball, scan)
        values, grid = read_labels(tmp_path / "T0.nii.gz")
        assert grid.shape == scan.native.shape
        assert grid.shape[0] == 20
        np.testing.assert_allclose(grid.matrix, scan.native.matrix, atol=1e-4)
        np.testing.assert_allclose(grid.to_mm(np.argwhere(values)).mean(axis=0), centre, atol=0.3)
        assert values.sum() * grid.voxel_ml == pytest.approx(ball.sum() * scan.grid.voxel_ml, rel=0.05)

    def test_cancel(self, folder, write_series):
        write_series(folder)

        def stop(stage, fraction):
            if stage == "Reading DICOM slices":
                raise Cancelled

        with pytest.raises(Cancelled):
            load_scan(folder, scan_id="T0", progress=stop)


class TestLeftOut:
    def test_localizer_of_the_same_series(self, folder, write_series):
        def with_scout(ds, number):
            if number == 0:
                ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
                ds.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]

        hu = write_series(folder, edit=with_scout)
        np.testing.assert_array_equal(read_series(folder).values, hu[1:])

    def test_an_image_of_another_orientation(self, folder, write_series):
        def with_scout(ds, number):
            if number == 3:
                ds.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
                ds.ImagePositionPatient = [0, 0, 0]

        write_series(folder, edit=with_scout)
        with pytest.raises(GeometryError, match="1 slice is missing, the first after slice 3 of 5"):
            read_series(folder)

    def test_exact_duplicates(self, folder, write_series, save):
        hu = write_series(folder)
        copy = pydicom.dcmread(folder / "IM0002")
        save(copy, folder / "copy1")
        copy.SOPInstanceUID = copy.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        save(copy, folder / "copy2")
        scan = load_scan(folder, scan_id="T0")
        np.testing.assert_array_equal(scan.image, hu)
        assert scan.notes == ("2 duplicate slices were left out.",)

    def test_other_objects(self, folder, write_series, save):
        hu = write_series(folder)
        colour = pydicom.dcmread(folder / "IM0002")
        colour.SamplesPerPixel, colour.SeriesInstanceUID = 3, generate_uid()
        save(colour, folder / "screenshot")
        report = Dataset()
        report.file_meta, report.Modality = colour.file_meta, "SR"
        report.SOPClassUID, report.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.11", generate_uid()
        save(report, folder / "report")
        np.testing.assert_array_equal(read_series(folder).values, hu)


class TestRefusals:
    def test_no_dicom(self, folder):
        folder.mkdir()
        (folder / "readme.txt").write_text("hello")
        with pytest.raises(InputError, match=r"There is no DICOM CT series in .*CT\."):
            load_scan(folder, scan_id="T0")

    def test_no_ct(self, folder, write_series):
        write_series(folder, edit=lambda ds, n: setattr(ds, "Modality", "MR"))
        with pytest.raises(InputError, match=r"There is no DICOM CT series in .*; it holds MR"):
            load_scan(folder, scan_id="T0")

    def test_only_one_image(self, folder, write_series):
        write_series(folder, slices=1)
        with pytest.raises(InputError, match="make no series of at least 2 slices"):
            load_scan(folder, scan_id="T0")

    def test_a_file_of_another_kind(self, folder, write_series, save):
        write_series(folder)
        colour = pydicom.dcmread(folder / "IM0002")
        colour.SamplesPerPixel = 3
        save(colour, folder / "screenshot")
        with pytest.raises(InputError, match="screenshot is not a slice of a DICOM CT series"):
            load_scan(folder / "screenshot", scan_id="T0")

    @pytest.mark.parametrize("missing", [1, 2])
    def test_missing_slices(self, folder, write_series, missing):
        write_series(folder, slices=8, edit=lambda ds, n: not 3 <= n < 3 + missing)
        verb = "slice is" if missing == 1 else "slices are"
        where = rf"after slice 3 of {8 - missing}, z = 105\.0 mm"
        with pytest.raises(GeometryError, match=rf"Series 3 .*: {missing} {verb} missing, the first {where}"):
            load_scan(folder, scan_id="T0")

    def test_unequal_spacing(self, folder, write_series):
        def squeezed(ds, number):
            if number > 3:
                ds.ImagePositionPatient = [-10, -20, 100 + 2.5 * 3 + 3.7 * (number - 3)]

        write_series(folder, slices=8, edit=squeezed)
        with pytest.raises(
            GeometryError, match=r"unequally spaced slices: 2\.50 to 3\.70 mm apart, first after"
        ):
            load_scan(folder, scan_id="T0")

    def test_rounded_positions_are_equal_enough(self, folder, write_series):
        def rounded(ds, number):
            ds.ImagePositionPatient = [-10, -20, round(100 + number * 0.3333, 1)]

        write_series(folder, edit=rounded)
        with pytest.raises(GeometryError):
            load_scan(folder, scan_id="T0")

        def finely(ds, number):
            ds.ImagePositionPatient = [-10, -20, round(100 + number * 2.4999, 2)]

        write_series(folder, edit=finely)
        assert load_scan(folder, scan_id="T0").grid.spacing_mm[0] == pytest.approx(2.5, abs=0.01)

    def test_slices_beside_each_other(self, folder, write_series):
        write_series(
            folder, edit=lambda ds, n: setattr(ds, "ImageOrientationPatient", [1, 0, 0, 0, 0.6, 0.8])
        )
        with pytest.raises(GeometryError, match="beside each other, 53 degrees off a stack"):
            load_scan(folder, scan_id="T0")

    def test_shifted_slice(self, folder, write_series):
        def shifted(ds, number):
            if number == 2:
                ds.ImagePositionPatient = [-6, -20, 105]

        write_series(folder, edit=shifted)
        with pytest.raises(GeometryError, match=r"shifted sideways by up to 4\.0 mm"):
            load_scan(folder, scan_id="T0")

    def test_rows_that_are_not_perpendicular(self, folder, write_series):
        write_series(folder, edit=lambda ds, n: setattr(ds, "ImageOrientationPatient", [1, 0, 0, 0.2, 1, 0]))
        with pytest.raises(GeometryError, match="rows and columns of its slices are not perpendicular"):
            load_scan(folder, scan_id="T0")

    def test_two_images_at_one_place(self, folder, write_series, save):
        write_series(folder)
        other = pydicom.dcmread(folder / "IM0002")
        other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        other.PixelData = bytes(len(other.PixelData))
        save(other, folder / "other")
        with pytest.raises(GeometryError, match=r"has 2 different images at z = 110\.0 mm"):
            load_scan(folder, scan_id="T0")

    def test_monochrome_1(self, folder, write_series):
        write_series(folder, edit=lambda ds, n: setattr(ds, "PhotometricInterpretation", "MONOCHROME1"))
        with pytest.raises(InputError, match="stored inverted"):
            load_scan(folder, scan_id="T0")

    @pytest.mark.parametrize("left", [150, 300, 500, 700])
    def test_damaged_header(self, folder, write_series, left):
        """Of the last slice: no gap would tell that it is missing."""
        write_series(folder)
        path = folder / "IM0001"
        path.write_bytes(path.read_bytes()[:left])
        with pytest.raises(InputError, match=r"The DICOM file .*IM0001 is damaged"):
            load_scan(folder, scan_id="T0")

    def test_damaged_pixels(self, folder, write_series):
        write_series(folder)
        path = folder / "IM0002"
        path.write_bytes(path.read_bytes()[:-40])
        with pytest.raises(InputError, match=r"IM0002 (cannot be read|is damaged)"):
            load_scan(folder, scan_id="T0")

    def test_no_pixel_spacing(self, folder, write_series):
        write_series(folder, edit=lambda ds, n: ds.__delattr__("PixelSpacing"))
        with pytest.raises(InputError, match=r"The DICOM file .* lacks what places it in space"):
            load_scan(folder, scan_id="T0")


class TestSeveralSeries:
    @pytest.fixture
    def both(self, folder, write_series):
        lung = write_series(
            folder / "a", edit=lambda ds, n: ds.update({"SeriesDescription": "Lung 1.0"}), seed=1
        )
        body = write_series(folder / "b", slices=8, edit=lambda ds, n: ds.update({"SeriesNumber": 5}))
        return {"3": lung, "5": body}

    def test_they_are_listed(self, folder, both):
        found = list_series(folder)
        assert [(s.key, s.number, s.description, s.slices) for s in found] == [
            ("3", 3, "Lung 1.0", 6),
            ("5", 5, "Body 2.5", 8),
        ]
        assert all(s.date == dt.date(2024, 1, 10) and s.patient == "P01" for s in found)

    def test_they_are_named(self, folder, both):
        names = r"holds 2 CT series; choose one .*: 3 \(Lung 1\.0, 6 slices\); 5 \(Body 2\.5, 8 slices\)"
        with pytest.raises(InputError, match=names):
            load_scan(folder, scan_id="T0")

    def test_one_is_chosen(self, folder, both):
        by_uid = {info.key: info.uid for info in list_series(folder)}
        for key, hu in both.items():
            for choice in (key, int(key), by_uid[key]):
                np.testing.assert_array_equal(load_scan(folder, scan_id="A", series=choice).image, hu)
        np.testing.assert_array_equal(load_scan(folder, scan_id="A", series="Lung 1.0").image, both["3"])

    def test_an_unknown_one(self, folder, both):
        with pytest.raises(InputError, match=r"holds no CT series '7'; it has: 3 \(Lung"):
            load_scan(folder, scan_id="T0", series="7")

    def test_the_same_number_twice(self, folder, write_series):
        write_series(folder / "a")
        write_series(folder / "b")
        a, b = list_series(folder)
        assert (a.key, b.key) == (a.uid, b.uid)
        with pytest.raises(InputError, match="holds 2 CT series; choose one with --series"):
            read_series(folder, series=3)

    def test_two_phases_in_one_series(self, folder, write_series):
        uid = generate_uid()
        phases = [
            write_series(
                folder / str(phase),
                edit=lambda ds, n, phase=phase: ds.update(
                    {"SeriesInstanceUID": uid, "AcquisitionNumber": phase}
                ),
                seed=phase,
            )
            for phase in (1, 2)
        ]
        with pytest.raises(InputError, match=r"choose one .*: 3#1 \(Body 2\.5, 6 slices\); 3#2"):
            read_series(folder)
        for phase, hu in enumerate(phases, start=1):
            np.testing.assert_array_equal(read_series(folder, series=f"3#{phase}").values, hu)

    def test_without_uids(self, folder, write_series):
        """Files of which an anonymiser took the UIDs."""

        def stripped(number):
            return lambda ds, n: ds.update({"SeriesInstanceUID": "", "SeriesNumber": number})

        write_series(folder / "a", edit=stripped(1))
        write_series(folder / "b", edit=stripped(2))
        assert [s.key for s in list_series(folder)] == ["1", "2"]


class TestMultiFrame:
    @pytest.mark.parametrize("slopes", [None, [1] * 6])
    def test_read(self, folder, slopes, hu_of, write_enhanced):
        hu = hu_of(6)
        write_enhanced(folder / "all.dcm", hu, slopes)
        scan = load_scan(folder / "all.dcm", scan_id="T0")
        np.testing.assert_array_equal(scan.image, hu)
        assert scan.grid.origin_mm == (100, -20, -10)
        assert scan.grid.spacing_mm == (2.5, 0.75, 0.5)

    def test_different_rescale(self, folder, hu_of, write_enhanced):
        write_enhanced(folder / "all.dcm", hu_of(6), [1, 1, 1, 2, 1, 1])
        with pytest.raises(InputError, match="frames with different rescale factors"):
            load_scan(folder, scan_id="T0")


@pytest.mark.skipif(not REAL.is_dir(), reason="the real series is not here")
def test_a_real_series():
    scan = load_scan(REAL, scan_id="T0")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(REAL)))
    image = reader.Execute()
    np.testing.assert_array_equal(scan.image, sitk.GetArrayFromImage(image))
    np.testing.assert_allclose(scan.grid.spacing_mm[::-1], image.GetSpacing())
    np.testing.assert_allclose(scan.grid.origin_mm[::-1], image.GetOrigin())
    assert scan.date is not None
