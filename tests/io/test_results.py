"""The results folder: masks on each scan's own grid, the table, the record; all of it or nothing."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import Finding, Lesion, LesionMask, Origin, Presence
from napari_longiseg.core.measure import measure
from napari_longiseg.core.scan import Study
from napari_longiseg.io.manifest import load_study
from napari_longiseg.io.results import check_output, read_results, read_table, write_results
from napari_longiseg.io.tables import COLUMNS, lesion_rows

sitk = pytest.importorskip("SimpleITK")


def found_ball(scan, lesion, centre, radius, make_ball, **kwargs):
    mask = make_ball(scan.grid, centre, radius)
    return Finding(
        lesion,
        scan.id,
        Presence.PRESENT,
        Origin.PROPAGATED,
        source_scan="T0",
        point_mm=centre,
        mask=LesionMask.of(mask),
        measurements=measure(mask, scan.grid, scan.image),
        **kwargs,
    )


@pytest.fixture
def findings(study, make_ball):
    """Lesion 1 everywhere; lesion 2 is gone at T2."""
    near, far = (0.0, 0.0, 0.0), (10.0, 20.0, -20.0)
    found = [found_ball(scan, 1, near, 6, make_ball, confidence=0.9) for scan in study.scans]
    found += [found_ball(scan, 2, far, 5, make_ball) for scan in study.scans[:2]]
    reason = 'Nothing there, or "nothing", stands out.'
    gone = Finding(2, "T2", Presence.NOT_FOUND, Origin.PROPAGATED, "T0", point_mm=far, reason=reason)
    return [*found, gone]


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


WRITTEN = ["lesions.csv", "masks/T0.nii.gz", "masks/T1.nii.gz", "masks/T2.nii.gz", "run.json"]


class TestWriting:
    def test_everything_is_there(self, tmp_path, study, findings):
        out = tmp_path / "a" / "out"
        write_results(out, study, findings, {"version": "0.1.0"})
        assert files_in(out) == WRITTEN
        assert json.loads((out / "run.json").read_text()) == {"version": "0.1.0"}
        assert files_in(tmp_path) == [f"a/out/{name}" for name in WRITTEN]

    def test_csv(self, tmp_path, study, findings):
        write_results(tmp_path / "out", study, findings, {})
        lines = (tmp_path / "out" / "lesions.csv").read_bytes().decode().split("\n")
        assert lines[0] == ",".join(COLUMNS)
        assert len(lines) == 1 + 6 + 1
        first, last = lines[1].split(","), lines[6]
        assert first[:11] == [
            *("P01", "1", "near", "T0", "2024-01-10", "present", "proposed", "propagated"),
            *("0.000", "0.000", "0.000"),
        ]
        assert first[18:20] == ["0.0", "0.0"]
        assert first[14].count(".") == 1
        assert len(first[14].split(".")[1]) == 4
        assert last == (
            f"P01,2,far,T2,2024-05-10,not_found,proposed,propagated,-20.000,20.000,10.000{16 * ','}"
            'T0,"Nothing there, or ""nothing"", stands out."'
        )

    def test_masks(self, tmp_path, study, findings):
        write_results(tmp_path / "out", study, findings, {})
        results = read_results(tmp_path / "out")
        for scan in study.scans:
            labels, grid = results.labels(scan.id)
            assert labels.dtype == np.uint8
            np.testing.assert_allclose(grid.matrix, scan.grid.matrix, atol=1e-6)
            for finding in findings:
                if finding.scan == scan.id and finding.mask:
                    expected = finding.mask.on(scan.grid.shape)
                    np.testing.assert_array_equal(labels == finding.lesion, expected)
        assert set(np.unique(results.labels("T2")[0])) == {0, 1}

    def test_masks_lie_on_the_files_own_grid(self, tmp_path, write_sitk):
        """From a sagittal file with flipped axes, through a study, to a mask that fits the file."""
        direction = np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]])
        values = np.random.default_rng(0).integers(-900, 900, (8, 10, 12)).astype(np.int16)
        write_sitk(tmp_path / "T0.nii.gz", values, direction=direction)
        study = load_study(tmp_path / "T0.nii.gz")
        scan = study.scans[0]
        mask = scan.image > 700
        found = [
            Finding(
                1,
                "T0",
                Presence.PRESENT,
                Origin.SOURCE,
                "T0",
                mask=LesionMask.of(mask),
                measurements=measure(mask, scan.grid, scan.image),
            )
        ]
        write_results(tmp_path / "out", study.with_lesions((Lesion(1),)), found, {})
        image = sitk.ReadImage(str(tmp_path / "T0.nii.gz"))
        labels = sitk.ReadImage(str(tmp_path / "out" / "masks" / "T0.nii.gz"))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(labels) == 1, values > 700)
        for get in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
            np.testing.assert_allclose(getattr(labels, get)(), getattr(image, get)(), atol=1e-6)

    def test_read_back(self, tmp_path, study, findings):
        write_results(tmp_path / "out", study, findings, {"seconds": 1.5})
        results = read_results(str(tmp_path / "out"))
        assert list(results.rows) == lesion_rows(study, findings)
        assert list(results.masks) == ["T0", "T1", "T2"]
        assert results.run == {"seconds": 1.5}


class TestNothingHalfWritten:
    def test_a_missing_finding(self, tmp_path, study, findings):
        with pytest.raises(InputError, match="Lesion 2 has no finding on scan T2"):
            write_results(tmp_path / "out", study, findings[:-1], {})
        assert list(tmp_path.iterdir()) == []

    def test_a_failure_in_the_middle(self, tmp_path, study, findings, monkeypatch):
        def full(path, rows):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("napari_longiseg.io.results.write_table", full)
        with pytest.raises(InputError, match=r"cannot be written to .*out: No space left on device"):
            write_results(tmp_path / "out", study, findings, {})
        assert list(tmp_path.iterdir()) == []

    def test_an_error_of_another_kind(self, tmp_path, study, findings):
        with pytest.raises(TypeError):
            write_results(tmp_path / "out", study, findings, {"not for JSON": object()})
        assert list(tmp_path.iterdir()) == []


class TestOverwriting:
    def test_not_without_being_asked(self, tmp_path, study, findings):
        (tmp_path / "mine.txt").write_text("keep")
        with pytest.raises(InputError, match="is not empty; choose another one, or allow overwriting"):
            write_results(tmp_path, study, findings, {})
        assert files_in(tmp_path) == ["mine.txt"]

    def test_an_empty_folder_will_do(self, tmp_path, study, findings):
        check_output(tmp_path)
        write_results(tmp_path, study, findings, {})
        assert files_in(tmp_path) == WRITTEN

    def test_a_file(self, tmp_path):
        (tmp_path / "out").write_text("x")
        with pytest.raises(InputError, match="out is a file; choose another output folder"):
            check_output(tmp_path / "out", overwrite=True)

    @pytest.mark.parametrize("name", ["out", "deep/er/out"])
    def test_where_nothing_can_be_written(self, tmp_path, monkeypatch, name):
        """Said before the work begins; a superuser may write anywhere, hence the pretence."""
        monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path)
        with pytest.raises(InputError, match=f"{name} cannot be made: {tmp_path} is not a folder that can"):
            check_output(tmp_path / name)

    def test_below_a_file(self, tmp_path):
        (tmp_path / "file").write_text("x")
        with pytest.raises(InputError, match="file is not a folder that can be written to"):
            check_output(tmp_path / "file" / "out")

    def test_a_name_too_long_for_the_system(self):
        with pytest.raises(InputError, match=r"cannot be written to .*: File name too long"):
            check_output("x" * 5000)

    def test_a_folder_that_is_a_disk_of_its_own(self, tmp_path, study, findings, monkeypatch):
        """As a container's volume: files cannot be moved into it from beside it."""
        out = tmp_path / "out"
        out.mkdir()
        replace = os.replace

        def within(source, target):
            assert Path(source).is_relative_to(out)
            replace(source, target)

        monkeypatch.setattr(os, "replace", within)
        write_results(out, study, findings, {})
        assert files_in(out) == WRITTEN
        assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []

    def test_only_what_was_written_is_replaced(self, tmp_path, study, findings):
        out = tmp_path / "out"
        write_results(out, study, findings, {"run": 1})
        (out / "mine.txt").write_text("keep")
        (out / "masks" / "drawn.nii.gz").write_bytes(b"keep")
        fewer = Study(study.patient, study.scans[:2], study.lesions)
        write_results(out, fewer, [f for f in findings if f.scan != "T2"], {"run": 2}, overwrite=True)
        expected = {*WRITTEN, "mine.txt", "masks/drawn.nii.gz"} - {"masks/T2.nii.gz"}
        assert files_in(out) == sorted(expected)
        assert read_results(out).run == {"run": 2}
        assert len(read_results(out).rows) == 4

    def test_beside_a_table_of_someone_else(self, tmp_path, study, findings):
        (tmp_path / "lesions.csv").write_text("a,b\n1,2\n")
        write_results(tmp_path, study, findings, {}, overwrite=True)
        assert len(read_results(tmp_path).rows) == 6


def row_with(column, text):
    return ",".join(text if name == column else "" for name in COLUMNS)


class TestReading:
    def test_no_results(self, tmp_path):
        with pytest.raises(InputError, match=r"is not a results folder: it has no lesions\.csv"):
            read_results(tmp_path)

    @pytest.mark.parametrize("text", ["", "a,b\n1,2\n"])
    def test_other_columns(self, tmp_path, text):
        (tmp_path / "lesions.csv").write_text(text)
        with pytest.raises(InputError, match=r"lesions\.csv does not have the columns of a lesion table"):
            read_table(tmp_path / "lesions.csv")

    def test_no_text(self, tmp_path):
        (tmp_path / "lesions.csv").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(InputError, match=r"lesions\.csv is not a lesion table: it is not UTF-8"):
            read_table(tmp_path / "lesions.csv")

    @pytest.mark.parametrize("row", ["1,2", row_with("lesion", "x"), row_with("volume_ml", "big")])
    def test_a_bad_row(self, tmp_path, row):
        (tmp_path / "lesions.csv").write_text(",".join(COLUMNS) + "\n" + row + "\n")
        with pytest.raises(InputError, match="line 2 is not a row of a lesion table"):
            read_table(tmp_path / "lesions.csv")

    def test_a_broken_record(self, tmp_path, study, findings):
        write_results(tmp_path, study, findings, {})
        (tmp_path / "run.json").write_text("{")
        with pytest.raises(InputError, match=r"run\.json is not valid JSON"):
            read_results(tmp_path)

    def test_an_unknown_scan(self, tmp_path, study, findings):
        write_results(tmp_path, study, findings, {})
        with pytest.raises(InputError, match="have no mask of scan 'T9'; there are T0, T1, T2"):
            read_results(tmp_path).labels("T9")
