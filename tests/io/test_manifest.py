"""Studies from manifests and folders; every mistake in a manifest is one sentence that names the field."""

import datetime as dt
import json

import numpy as np
import pytest

from napari_longiseg.core.errors import Cancelled, GeometryError, InputError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.landmark import Landmark
from napari_longiseg.core.lesion import Click, Lesion, LesionMask, SourceMask
from napari_longiseg.core.scan import Study
from napari_longiseg.io.images import write_image
from napari_longiseg.io.landmarks import write_landmarks
from napari_longiseg.io.manifest import load_study, manifest_of, write_manifest

SHAPE = (8, 10, 12)
ORIGIN, SPACING = (-10.0, -20.0, 100.0), (0.5, 0.75, 2.5)  # x, y, z


@pytest.fixture
def folder(tmp_path, write_sitk):
    """Two scans and a manifest with a click."""
    for number, name in enumerate(("T0.nii.gz", "T1.nii.gz")):
        write_sitk(tmp_path / name, np.full(SHAPE, number, np.int16), SPACING, ORIGIN)
    return tmp_path


@pytest.fixture
def manifest():
    return {
        "schema": "longiseg-study/1",
        "patient": "P01",
        "scans": [
            {"id": "T0", "image": "T0.nii.gz", "date": "2024-01-10"},
            {"id": "T1", "image": "T1.nii.gz", "date": "2024-03-10"},
        ],
        "lesions": [
            {"id": 1, "name": "segment VI", "clicks": [{"scan": "T0", "point": [-8, -15.5, 110.0]}]},
            {"id": 7, "clicks": [{"scan": "T1", "point": [-7.0, -16, 105], "positive": False}]},
        ],
    }


def load(folder, manifest, **kwargs):
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    (folder / "study.json").write_text(text)
    return load_study(folder / "study.json", **kwargs)


class TestReading:
    def test_a_manifest(self, folder, manifest):
        study = load(folder, manifest)
        assert study.patient == "P01"
        assert [scan.id for scan in study.scans] == ["T0", "T1"]
        assert [scan.date for scan in study.scans] == [dt.date(2024, 1, 10), dt.date(2024, 3, 10)]
        first, second = study.lesions
        assert (first.id, first.name) == (1, "segment VI")
        assert first.clicks == (Click("T0", (110.0, -15.5, -8.0)),)
        assert second.clicks == (Click("T1", (105.0, -16.0, -7.0), positive=False),)

    def test_by_its_folder(self, folder, manifest):
        load(folder, manifest)
        assert load_study(str(folder)).patient == "P01"

    def test_lesions_and_dates_may_be_absent(self, folder, manifest):
        del manifest["lesions"], manifest["scans"][0]["date"]
        study = load(folder, manifest)
        assert study.lesions == ()
        assert study.scans[0].date is None

    def test_scans_are_ordered_by_date(self, folder, manifest):
        manifest["scans"].reverse()
        assert [s.id for s in load(folder, manifest).scans] == ["T0", "T1"]

    def test_without_all_dates_the_order_stays(self, folder, manifest):
        manifest["scans"].reverse()
        del manifest["scans"][0]["date"]
        assert [s.id for s in load(folder, manifest).scans] == ["T1", "T0"]

    def test_dicom_scan_with_its_own_date(self, folder, manifest, write_series):
        hu = write_series(folder / "ct")
        manifest["scans"][1] = {"id": "T1", "image": "ct/", "series": 3}
        manifest["lesions"] = []
        scan = load(folder, manifest).scan("T1")
        np.testing.assert_array_equal(scan.image, hu)
        assert scan.date == dt.date(2024, 1, 10)

    def test_landmarks(self, folder, manifest):
        assert load(folder, manifest).landmarks == ()
        (folder / "landmarks.csv").write_text("scan,name,x_mm,y_mm,z_mm\nT1,carina,-8,-15.5,110\n")
        manifest["landmarks"] = "landmarks.csv"
        assert load(folder, manifest).landmarks == (Landmark("T1", "carina", (110.0, -15.5, -8.0)),)

    def test_landmarks_are_looked_at_before_the_scans_are_read(self, folder, manifest):
        (folder / "landmarks.csv").write_text("scan,name,x_mm,y_mm,z_mm\nT7,carina,-8,-15.5,110\n")
        manifest["landmarks"] = "landmarks.csv"
        seen = []
        with pytest.raises(InputError, match=r"landmarks\.csv: line 2 is on scan 'T7'"):
            load(folder, manifest, progress=lambda stage, fraction: seen.append(stage))
        assert not seen

    def test_progress_names_each_scan(self, folder, manifest):
        seen = []
        load(folder, manifest, progress=lambda stage, fraction: seen.append((stage, fraction)))
        assert seen == [("Reading T0", 0.0), ("Reading T1", 0.5), ("Study read", 1.0)]

    def test_cancel(self, folder, manifest):
        def stop(stage, fraction):
            if "T1" in stage:
                raise Cancelled

        with pytest.raises(Cancelled):
            load(folder, manifest, progress=stop)


def change(path, value):
    """Put a value at a path of keys into a manifest; ``...`` removes the key."""

    def apply(manifest):
        *parents, last = path
        for key in parents:
            manifest = manifest[key]
        if value is ...:
            del manifest[last]
        else:
            manifest[last] = value

    return apply


CLICK = ("lesions", 0, "clicks", 0)
MASK = {"scan": "T0", "path": "m.nii.gz", "label": 1}
MISTAKES = [
    (change(("schema",), ...), r"schema is missing"),
    (change(("schema",), "longiseg-study/2"), r'schema must be "longiseg-study/1"'),
    (change(("patient",), ...), r"patient is missing"),
    (change(("patient",), 7), r"patient must be a text in quotes"),
    (change(("scans",), []), r"scans must have at least one entry"),
    (change(("scans",), {}), r"scans must be a list"),
    (change(("scans", 1), "T1.nii.gz"), r"scans\[1\] must be an object in \{ \}"),
    (change(("scans", 1, "id"), "T0"), r"scans\[1\]\.id repeats 'T0'"),
    (change(("scans", 1, "id"), "a/b"), r"scans\[1\]\.id must be a name without /"),
    (change(("scans", 1, "id"), ""), r"scans\[1\]\.id must not be empty"),
    (change(("scans", 1, "id"), 1), r"scans\[1\]\.id must be a text in quotes"),
    (change(("scans", 1, "image"), "T9.nii.gz"), r"scans\[1\]\.image is 'T9\.nii\.gz', and there is no such"),
    (change(("scans", 1, "date"), "10.3.2024"), r"scans\[1\]\.date must be a date like 2024-01-31"),
    (change(("scans", 1, "date"), "2024-02-30"), r"scans\[1\]\.date must be a date like 2024-01-31"),
    (change(("scans", 1, "series"), [1]), r"scans\[1\]\.series must be a number or a text"),
    (change(("scans", 1, "dates"), "2024-03-10"), r"scans\[1\]\.dates is not a field of a study manifest"),
    (change(("lesions", 1, "id"), 1), r"lesions\[1\]\.id repeats 1"),
    (change(("lesions", 1, "id"), 0), r"lesions\[1\]\.id must be 1 or more"),
    (change(("lesions", 1, "id"), 70000), r"lesions\[1\]\.id must be 65535 or less"),
    (change(("lesions", 1, "id"), 1.5), r"lesions\[1\]\.id must be a whole number"),
    (change(("lesions", 1, "id"), "1"), r"lesions\[1\]\.id must be a whole number"),
    (change((*CLICK, "point"), [1, 2]), r"lesions\[0\]\.clicks\[0\]\.point must have 3 numbers, not 2"),
    (change((*CLICK, "point"), [1, 2, 3, 4]), r"lesions\[0\]\.clicks\[0\]\.point must have 3 numbers, not 4"),
    (change((*CLICK, "point"), [1, 2, "3"]), r"lesions\[0\]\.clicks\[0\]\.point\[2\] must be a number"),
    (change((*CLICK, "point"), "1 2 3"), r"lesions\[0\]\.clicks\[0\]\.point must be a list"),
    (
        change((*CLICK, "point"), [1, 2, float("inf")]),
        r"lesions\[0\]\.clicks\[0\]\.point\[2\] must be a finite",
    ),
    (change((*CLICK, "positive"), "no"), r"lesions\[0\]\.clicks\[0\]\.positive must be true or false"),
    (change((*CLICK, "scan"), "T9"), r"lesions\[0\]\.clicks\[0\]\.scan is 'T9', but the scans are T0, T1"),
    (
        change(("lesions", 1, "mask"), {**MASK, "scan": "T9"}),
        r"lesions\[1\]\.mask\.scan is 'T9', but the scans",
    ),
    (change(("lesions", 1, "mask"), MASK), r"lesions\[1\]\.mask\.path is 'm\.nii\.gz', and there is no such"),
    (change(("lesions", 1, "mask"), {"scan": "T0", "path": "m"}), r"lesions\[1\]\.mask\.label is missing"),
    (change(("lesions",), {}), r"lesions must be a list"),
    (change(("landmarks",), "l.csv"), r"landmarks is 'l\.csv', and there is no such"),
    (change(("landmarks",), ""), r"landmarks must not be empty"),
    (change(("landmarks",), []), r"landmarks must be a text in quotes"),
]


@pytest.mark.parametrize(("mistake", "sentence"), MISTAKES, ids=[m[1] for m in MISTAKES])
def test_mistakes(folder, manifest, mistake, sentence):
    mistake(manifest)
    with pytest.raises(InputError, match=rf"study\.json: {sentence}") as error:
        load(folder, manifest)
    assert "\n" not in str(error.value)


class TestRefusals:
    def test_broken_json(self, folder):
        with pytest.raises(InputError, match=r"study\.json is not valid JSON: .* at line 2, column 13\."):
            load(folder, '{"schema": "longiseg-study/1",\n "patient": }')

    def test_a_field_that_stands_twice(self, folder):
        """JSON readers take the last one without a word."""
        with pytest.raises(InputError, match=r"study\.json: the field 'patient' stands twice in one object"):
            load(folder, '{"patient": "A", "scans": [], "patient": "B"}')

    def test_nested_too_deeply(self, folder):
        with pytest.raises(InputError, match="nested too deeply"):
            load(folder, "[" * 100_000)

    def test_a_name_too_long_for_the_system(self):
        with pytest.raises(InputError, match="cannot be read: File name too long"):
            load_study("x" * 5000)

    def test_a_series_of_a_file(self, folder, manifest):
        manifest["scans"][1]["series"] = 4
        with pytest.raises(InputError, match=r"T1\.nii\.gz is no DICOM series; leave out .* series 4"):
            load(folder, manifest)

    def test_no_text(self, folder):
        (folder / "study.json").write_bytes(b'{"patient": "\xff"}')
        with pytest.raises(InputError, match="is not UTF-8 text"):
            load_study(folder)

    def test_no_object(self, folder):
        with pytest.raises(InputError, match="the manifest must be an object"):
            load(folder, "[]")

    def test_several_mistakes(self, folder, manifest):
        del manifest["schema"], manifest["patient"], manifest["scans"][0]["image"]
        with pytest.raises(InputError, match=r"schema is missing \(2 more fields are wrong\)\."):
            load(folder, manifest)

    def test_click_outside(self, folder, manifest):
        manifest["lesions"][0]["clicks"][0]["point"] = [-8, -15.5, 300]
        with pytest.raises(
            InputError, match=r"click of lesion 1 at x, y, z = -8, -15\.5, 300 mm lies outside scan T0\."
        ):
            load(folder, manifest)

    def test_missing_study(self, tmp_path):
        with pytest.raises(InputError, match=r"There is no file or folder .*none"):
            load_study(tmp_path / "none")

    def test_all_paths_are_checked_before_a_scan_is_read(self, folder, manifest):
        (folder / "T0.nii.gz").write_bytes(b"broken")
        manifest["scans"][1]["image"] = "T9.nii.gz"
        with pytest.raises(InputError, match=r"T9\.nii\.gz"):
            load(folder, manifest)


class TestMasks:
    @pytest.fixture
    def grid(self):
        return Grid(SHAPE, SPACING[::-1], ORIGIN[::-1])

    @pytest.fixture
    def labels(self):
        labels = np.zeros(SHAPE, np.uint8)
        labels[2:4, 3:6, 4:8] = 2
        labels[5, 5, 5] = 3
        return labels

    @pytest.fixture
    def outlined(self, manifest):
        manifest["lesions"] = [
            {"id": 1, "mask": {"scan": "T0", "path": "m.nii.gz", "label": 2}},
            {"id": 2, "mask": {"scan": "T0", "path": "m.nii.gz", "label": 3}},
        ]
        return manifest

    def check(self, study, labels):
        for lesion, label in zip(study.lesions, (2, 3), strict=True):
            assert lesion.source_mask.scan == "T0"
            np.testing.assert_array_equal(lesion.source_mask.mask.on(SHAPE), labels == label)

    def test_on_the_scan_s_grid(self, folder, outlined, labels, grid):
        write_image(folder / "m.nii.gz", labels, grid)
        self.check(load(folder, outlined), labels)

    def test_in_another_axis_order(self, folder, outlined, labels, grid):
        last_x = tuple(grid.to_mm((0, 0, SHAPE[2] - 1)))
        turned = Grid(SHAPE[::-1], grid.spacing_mm[::-1], last_x, ((0, 0, 1), (0, 1, 0), (-1, 0, 0)))
        write_image(folder / "m.nii.gz", labels.transpose(2, 1, 0)[::-1], turned)
        self.check(load(folder, outlined), labels)

    def test_on_a_finer_grid(self, folder, outlined, labels, grid):
        fine = np.repeat(np.repeat(np.repeat(labels, 3, 0), 3, 1), 3, 2)
        spacing = np.asarray(grid.spacing_mm) / 3
        origin = np.asarray(grid.origin_mm) - spacing
        write_image(folder / "m.nii.gz", fine, Grid(fine.shape, tuple(spacing), tuple(origin)))
        self.check(load(folder, outlined), labels)

    def test_elsewhere(self, folder, outlined, labels, grid):
        write_image(folder / "m.nii.gz", labels, Grid(SHAPE, grid.spacing_mm, (900, 0, 0)))
        with pytest.raises(GeometryError, match=r"Label 2 of .*m\.nii\.gz does not overlap scan T0"):
            load(folder, outlined)

    def test_without_the_label(self, folder, outlined, labels, grid):
        labels[labels == 3] = 5
        write_image(folder / "m.nii.gz", labels, grid)
        with pytest.raises(InputError, match=r"m\.nii\.gz has no label 3; its labels are 2, 5\."):
            load(folder, outlined)


class TestFolders:
    def test_images_by_name(self, folder):
        study = load_study(folder)
        assert study.patient == folder.name
        assert [scan.id for scan in study.scans] == ["T0", "T1"]
        assert [int(scan.image.max()) for scan in study.scans] == [0, 1]
        assert study.lesions == ()

    def test_numbers_in_names_count(self, tmp_path, write_sitk):
        for number in (10, 9, 1):
            write_sitk(tmp_path / f"scan{number}.nii", np.full(SHAPE, number, np.int16))
        assert [int(scan.image.max()) for scan in load_study(tmp_path).scans] == [1, 9, 10]

    def test_dicom_folders_by_date(self, tmp_path, write_series):
        dates = {"a": "20240310", "b": "20240110", "c": "20240210"}
        hu = {
            name: write_series(
                tmp_path / name / "deeper",
                edit=lambda ds, n, date=date: ds.update({"StudyDate": date}),
                seed=ord(name),
            )
            for name, date in dates.items()
        }
        (tmp_path / "empty").mkdir()
        study = load_study(tmp_path)
        assert [scan.id for scan in study.scans] == ["T0", "T1", "T2"]
        for scan, name in zip(study.scans, "bca", strict=True):
            np.testing.assert_array_equal(scan.image, hu[name])

    def test_one_series(self, tmp_path, write_series):
        hu = write_series(tmp_path / "CT")
        (scan,) = load_study(tmp_path / "CT").scans
        np.testing.assert_array_equal(scan.image, hu)

    def test_two_series_in_one_folder(self, tmp_path, write_series):
        write_series(tmp_path)
        write_series(tmp_path / "more", edit=lambda ds, n: ds.update({"SeriesNumber": 4}))
        with pytest.raises(InputError, match=r"holds 2 CT series; choose one .*: 3 .*; 4 "):
            load_study(tmp_path)

    def test_a_series_is_chosen(self, tmp_path, write_series, write_sitk, hu_of):
        mine, other = tmp_path / "CT", tmp_path / "CT" / "more"
        hu = write_series(mine)
        write_series(other, seed=1, edit=lambda ds, n: ds.update({"SeriesNumber": 4}))
        write_sitk(tmp_path / "T0.nii.gz", hu_of(6))
        (tmp_path / "study.json").write_text(
            '{"schema": "longiseg-study/1", "patient": "P", "scans": [{"id": "a", "image": "T0.nii.gz"}, '
            '{"id": "b", "image": "CT"}, {"id": "c", "image": "CT", "series": 4}]}'
        )
        scans = load_study(tmp_path, series="3").scans
        np.testing.assert_array_equal(scans[1].image, hu)
        assert not np.array_equal(scans[2].image, hu)
        np.testing.assert_array_equal(load_study(tmp_path / "CT", series="3").scans[0].image, hu)

    def test_one_image(self, folder):
        study = load_study(folder / "T1.nii.gz")
        assert study.patient == "T1"
        assert [scan.id for scan in study.scans] == ["T0"]

    def test_nothing(self, tmp_path):
        with pytest.raises(InputError, match=r"holds no study\.json, no image file and no DICOM series"):
            load_study(tmp_path)


class TestWriting:
    @pytest.fixture
    def study(self, study):
        box = np.zeros(study.scans[0].grid.shape, bool)
        box[3:5, 4:6, 5:7] = True
        outlined = Lesion(3, source_mask=SourceMask("T0", LesionMask.of(box)))
        avoided = Lesion(4, "x", (Click("T1", (1, 2, 3)), Click("T1", (1.00049, 2, 9), positive=False)))
        landmarks = (Landmark("T0", "carina", (1.0, 2.0, 3.0)), Landmark("T2", "carina", (4.0, 5.0, 6.0)))
        return Study("P01", study.scans, (*study.lesions, outlined, avoided), landmarks)

    def test_there_and_back(self, tmp_path, study):
        images = {scan.id: f"{scan.id}.nii.gz" for scan in study.scans}
        for scan in study.scans:
            write_image(tmp_path / images[scan.id], scan.image, scan.grid)
        outline = study.lesions[2].source_mask.mask.on(study.scans[0].grid.shape)
        write_image(tmp_path / "m.nii.gz", 3 * outline.astype(np.uint8), study.scans[0].grid)
        write_landmarks(tmp_path / "l.csv", study.landmarks)
        write_manifest(tmp_path / "study.json", study, images, {"T0": "m.nii.gz"}, "l.csv")
        back = load_study(tmp_path)
        assert back.patient == study.patient
        assert [(s.id, s.date) for s in back.scans] == [(s.id, s.date) for s in study.scans]
        assert [(a.id, a.name) for a in back.lesions] == [(b.id, b.name) for b in study.lesions]
        assert back.lesions[0].clicks == study.lesions[0].clicks
        assert back.lesions[3].clicks[1] == Click("T1", (1.0, 2.0, 9.0), positive=False)
        np.testing.assert_array_equal(back.lesions[2].source_mask.mask.on(outline.shape), outline)
        assert back.landmarks == study.landmarks
        assert not list(tmp_path.glob("*.part"))

    def test_without_an_image(self, study):
        with pytest.raises(InputError, match="needs the path of the image of scan T0"):
            manifest_of(study, {}, landmarks="l.csv")

    def test_without_a_label_image(self, study):
        images = {scan.id: f"{scan.id}.nii.gz" for scan in study.scans}
        with pytest.raises(InputError, match="needs the path of the label image of scan T0"):
            manifest_of(study, images, landmarks="l.csv")

    def test_without_a_table_of_landmarks(self, study):
        with pytest.raises(InputError, match="needs the path of the table of landmarks"):
            manifest_of(study, {})
