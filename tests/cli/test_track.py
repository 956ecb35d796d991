import csv
import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from napari_longiseg.io.images import read_labels, write_image
from napari_longiseg.io.tables import COLUMNS
from napari_longiseg.tracking.options import TrackOptions

IDENTITY = ("--registration", "identity")


def table(out):
    with (out / "lesions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def record(out):
    return json.loads((out / "run.json").read_text())


class TestTrack:
    def test_writes_masks_table_and_record(self, run, study_folder, tmp_path, study):
        out = tmp_path / "out"
        code, printed, _ = run("track", study_folder, "--out", out, *IDENTITY)
        assert code == 0
        assert "Research use only" in printed
        assert "T2 2024-05-10" in printed
        rows = table(out)
        assert tuple(rows[0]) == COLUMNS
        assert [(r["lesion"], r["scan"]) for r in rows] == [
            (lesion, scan) for lesion in "12" for scan in ("T0", "T1", "T2")
        ]
        for scan in study.scans:
            labels, grid = read_labels(out / "masks" / f"{scan.id}.nii.gz")
            assert labels.shape == scan.grid.shape
            np.testing.assert_allclose(grid.to_mm((0, 0, 0)), scan.grid.origin_mm, atol=1e-4)
            assert 1 in labels
        how = record(out)
        assert asdict(TrackOptions()).items() <= how["parameters"].items()
        assert {"read", "track", "segment T0", "register T0 to T1"} <= set(how["seconds"])
        assert "torch" in how["versions"]

    def test_options_reach_the_methods(self, run, study_folder, tmp_path):
        code, _, error = run("track", study_folder, "--out", tmp_path / "o", *IDENTITY, "-R", "speed=3")
        assert (code, "identity does not take the option 'speed'" in error) == (2, True)
        code, _, error = run("track", study_folder, "--out", tmp_path / "o", *IDENTITY, "-S", "nonsense")
        assert (code, "should look like NAME=VALUE" in error) == (2, True)
        assert not (tmp_path / "o").exists()

    def test_a_click_on_plain_scans(self, run, study_folder, tmp_path):
        (study_folder / "study.json").unlink()
        out = tmp_path / "out"
        code, _, _ = run("track", study_folder, "--out", out, *IDENTITY, "--click", "T1:0,0,0")
        assert code == 0
        rows = table(out)
        assert {row["source_scan"] for row in rows} == {"T1"}
        assert [row["presence"] for row in rows] == ["present"] * 3

    def test_results_are_kept_unless_told_otherwise(self, run, study_folder, tmp_path):
        out = tmp_path / "out"
        run("track", study_folder, "--out", out, *IDENTITY)
        before = (out / "run.json").read_bytes()
        code, _, error = run("track", study_folder, "--out", out, *IDENTITY)
        assert (code, "is not empty" in error) == (2, True)
        assert (out / "run.json").read_bytes() == before
        assert run("track", study_folder, "--out", out, *IDENTITY, "--overwrite")[0] == 0


class TestLandmarks:
    HEADER = "scan,name,x_mm,y_mm,z_mm\n"

    @pytest.fixture
    def table_of(self, tmp_path):
        def write(*lines):
            path = tmp_path / "landmarks.csv"
            path.write_text(self.HEADER + "\n".join(lines))
            return path

        return write

    def test_they_correct_the_registration_and_say_what_it_was_worth(
        self, run, study_folder, tmp_path, table_of
    ):
        out, landmarks = tmp_path / "out", table_of("T0,carina,90,0,0", "T1,carina,90,12,0")
        code, _, error = run("track", study_folder, "--out", out, *IDENTITY, "--landmarks", landmarks)
        assert code == 0
        first, second = record(out)["registrations"]
        assert (first["source"], first["target"], first["method"]) == ("T0", "T1", "identity")
        assert "Corrected at 1 place that a reader has shown, by 12.0 mm" in first["summary"]
        assert "'carina' would be missed by 12 mm" in first["doubt"]
        assert (second["target"], second["summary"], second["doubt"]) == ("T2", "", "")
        assert error == f"T0 to T1: {first['doubt']}\n"
        reasons = {(row["lesion"], row["scan"]): row["reason"] for row in table(out)}
        assert (reasons["1", "T0"], reasons["1", "T1"], reasons["1", "T2"]) == ("", first["doubt"], "")

    def test_or_do_not_and_what_else_can_be_chosen(self, run, study_folder, tmp_path, table_of):
        landmarks = table_of("T0,carina,90,0,0", "T1,carina,90,12,0")
        arguments = ("--landmarks", landmarks, "--no-correct-by-landmarks", "--learn-from-verified")
        arguments = (*IDENTITY, *arguments, "--correction-radius-mm", "30")
        code, _, error = run("track", study_folder, "--out", tmp_path / "out", *arguments)
        assert (code, error) == (0, "")
        chosen = TrackOptions(correct_by_landmarks=False, learn_from_verified=True, correction_radius_mm=30.0)
        assert asdict(chosen).items() <= record(tmp_path / "out")["parameters"].items()

    def test_they_align_scans_by_themselves(self, run, study_folder, tmp_path, table_of):
        places = ("a,0,0,0", "b,20,0,0", "c,0,20,5")
        landmarks = table_of(*(f"{scan},{place}" for scan in ("T0", "T1", "T2") for place in places))
        arguments = ("--registration", "landmarks", "-R", f"file={landmarks}")
        assert run("track", study_folder, "--out", tmp_path / "out", *arguments)[0] == 0
        assert {row["registration"] for row in table(tmp_path / "out") if row["scan"] != "T0"} == {
            "landmarks"
        }


def put_far_away(folder, scan):
    write_image(folder / f"{scan.id}.nii.gz", scan.image, replace(scan.grid, origin_mm=(5000.0, 0.0, 0.0)))


def test_a_scan_that_cannot_be_aligned_costs_its_own_rows_only(run, study_folder, study, tmp_path):
    put_far_away(study_folder, study.scan("T1"))
    code, _, error = run("track", study_folder, "--out", tmp_path / "out", *IDENTITY)
    assert code == 0
    assert "T0 to T1: T0 and T1 have no part of patient space in common" in error
    rows = {(row["lesion"], row["scan"]): row for row in table(tmp_path / "out")}
    assert rows["1", "T1"]["presence"] == "not_evaluable"
    assert "in common" in rows["1", "T1"]["reason"]
    assert rows["1", "T2"]["presence"] == "present"


class TestRefusals:
    """One clear sentence, exit code 2, nothing written."""

    @pytest.fixture
    def refused(self, run, tmp_path):
        def check(study, *sentence, arguments=()):
            out = tmp_path / "out"
            code, _, error = run("track", study, "--out", out, *arguments)
            assert code == 2, error
            assert error.startswith("longiseg: ")
            assert error.count("\n") == 1, error
            for words in sentence:
                assert words in error
            assert not out.exists()
            assert not list(tmp_path.glob(".out*"))

        return check

    def test_missing_study(self, refused, tmp_path):
        refused(tmp_path / "nowhere", "There is no file or folder")

    def test_folder_without_a_scan(self, refused, tmp_path):
        (tmp_path / "empty").mkdir()
        refused(tmp_path / "empty", "empty")

    def test_no_lesion(self, refused, edited):
        refused(edited(lambda m: m.pop("lesions")), "names no lesion", "--click")

    def test_malformed_manifest_names_the_field(self, refused, edited):
        refused(
            edited(lambda m: m["lesions"][1]["clicks"][0].update(point=[1, 2])), "lesions[1].clicks[0].point"
        )

    def test_missing_image(self, refused, edited):
        refused(edited(lambda m: m["scans"][2].update(image="gone.nii.gz")), "gone.nii.gz")

    def test_click_outside(self, refused, edited):
        moved = edited(lambda m: m["lesions"][0]["clicks"][0].update(point=[0, 0, 999]))
        refused(moved, "lesion 1", "999", "T0", "outside")

    def test_click_option(self, refused, study_folder):
        refused(study_folder, "should look like T0:12.5,-40,110.5", arguments=("--click", "1,2,3"))
        refused(study_folder, "no scan 'T9'", arguments=("--click", "T9:1,2,3"))

    def test_scans_that_do_not_overlap(self, refused, study_folder, study):
        for scan in study.scans[1:]:
            put_far_away(study_folder, scan)
        refused(study_folder, "T0 and T1", "in common", arguments=IDENTITY)

    def test_arguments_that_typer_refuses(self, refused, study_folder):
        advice = "see longiseg track --help"
        refused(study_folder, "'--max-distance-mm'", advice, arguments=("--max-distance-mm", "abc"))
        refused(study_folder, "--colour", advice, arguments=("--colour", "3"))

    def test_mistakes_of_the_command_line_come_before_the_reading(self, refused, tmp_path):
        """A study may take a minute to read."""
        refused(tmp_path / "nowhere", "no segmenter called", arguments=("--segmenter", "magic"))
        refused(tmp_path / "nowhere", "--click", arguments=("--click", "1,2"))
        refused(tmp_path / "nowhere", "NAME=VALUE", arguments=("-R", "fast"))

    def test_unknown_methods(self, refused, study_folder):
        refused(study_folder, "no segmenter called 'magic'", "region", arguments=("--segmenter", "magic"))
        refused(study_folder, "no registration called 'x'", "deformable", arguments=("--registration", "x"))

    @pytest.mark.parametrize(
        ("array", "vector", "words"),
        [
            (np.zeros((40, 40), np.int16), False, "2"),
            (np.zeros((4, 8, 9, 10), np.int16), False, "4"),
            (np.zeros((8, 9, 10, 3), np.uint8), True, "colour"),
            (np.full((8, 9, 10), np.nan, np.float32), False, "NaN"),
        ],
    )
    def test_images_that_are_no_ct(self, refused, edited, noise_file, array, vector, words):
        bad = noise_file("bad.nii.gz", array, vector)
        refused(edited(lambda m: m["scans"][1].update(image=str(bad))), "bad.nii.gz", words)

    def test_landmarks(self, refused, study_folder, tmp_path):
        refused(study_folder, "l.csv cannot be read", arguments=("--landmarks", tmp_path / "l.csv"))
        (tmp_path / "l.csv").write_text("scan,name,x_mm,y_mm,z_mm\nT0,carina,1,2,x\n")
        refused(tmp_path / "nowhere", "l.csv: line 2: z_mm", arguments=("--landmarks", tmp_path / "l.csv"))
        (tmp_path / "l.csv").write_text("scan,name,x_mm,y_mm,z_mm\nT9,carina,1,2,3\n")
        refused(study_folder, "'carina' is on scan 'T9'", arguments=("--landmarks", tmp_path / "l.csv"))
        few = ("--registration", "landmarks")
        refused(study_folder, "needs 3 of the same name on T0 and on T1, and found none", arguments=few)
        refused(study_folder, "radius of corrections", arguments=("--correction-radius-mm", "0"))

    def test_options_of_the_run(self, refused, study_folder):
        for number in ("-1", "nan", "inf"):
            refused(study_folder, "must be positive", arguments=("--max-distance-mm", number))
        refused(study_folder, "'iterations' of deformable", arguments=("-R", "iterations=abc"))
        refused(study_folder, "no scan 'T7'", arguments=("--source", "T7"))


class TestCache:
    @pytest.fixture
    def track(self, run, study_folder, tmp_path):
        def track(name: str, *arguments: str):
            methods = ("--registration", "kept", "--segmenter", "threshold")
            code, _, error = run("track", study_folder, "--out", tmp_path / name, *methods, *arguments)
            assert code == 0, error
            return table(tmp_path / name)

        return track

    def test_a_second_run_aligns_nothing(self, track, aligned, tmp_path):
        first = track("first")
        assert aligned == [("T0", "T1"), ("T0", "T2")]
        assert track("second") == first
        assert len(aligned) == 2
        kept = [
            [pair["kept"] for pair in record(tmp_path / name)["registrations"]]
            for name in ("first", "second")
        ]
        assert kept == [[False, False], [True, True]]

    def test_without_it(self, track, aligned, cache_folder):
        track("first", "--no-cache")
        assert list(cache_folder.iterdir()) == []
        track("second", "--no-cache")
        assert len(aligned) == 4

    def test_a_limit_that_is_none(self, run, study_folder, tmp_path, monkeypatch):
        monkeypatch.setenv("LONGISEG_CACHE_GB", "much")
        code, _, error = run("track", study_folder, "--out", tmp_path / "out")
        assert (code, "LONGISEG_CACHE_GB must be a number of gigabytes" in error) == (2, True)
        assert not (tmp_path / "out").exists()
