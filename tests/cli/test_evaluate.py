import json
import re

import pytest


def test_perfect_results_score_one(run, with_truth, tmp_path):
    out = tmp_path / "out"
    assert run("track", with_truth, "--out", out, "--registration", "identity")[0] == 0
    figures = tmp_path / "scores.json"
    code, printed, _ = run("evaluate", out, with_truth / "study.json", "--json", figures)
    assert code == 0
    assert re.search(r"2\s+T2\s+truly absent", printed)
    scores = json.loads(figures.read_text())
    source = scores["summaries"]["source scan"]
    assert source["median_dice"] > 0.85
    assert source["points"] == 0
    later = scores["summaries"]["later and earlier scans"]
    assert (later["n"], later["present"], later["found"], later["falsely_found"]) == (4, 3, 3, 0)
    assert (later["points_inside"], later["points"]) == (3, 3)
    assert len(scores["scores"]) == 6


def test_missing_truth(run, study_folder, tmp_path):
    out = tmp_path / "out"
    run("track", study_folder, "--out", out, "--registration", "identity")
    code, _, error = run("evaluate", out, study_folder)
    assert code == 2
    assert "no truth for scan T0" in error


class TestRefusals:
    @pytest.fixture
    def refused(self, run, with_truth, tmp_path):
        out = tmp_path / "out"
        run("track", with_truth, "--out", out, "--registration", "identity")

        def check(study, *words, arguments=()):
            code, printed, error = run("evaluate", out, study, *arguments)
            assert (code, printed, error.count("\n")) == (2, "", 1), error
            assert all(word in error for word in words), error

        return check

    def test_no_study(self, refused, tmp_path):
        refused(tmp_path / "nowhere", "There is no file or folder")

    def test_another_patient(self, refused, edited):
        refused(edited(lambda m: m.update(patient="Q9")), "holds results of", "Q9")

    def test_other_scans(self, refused, edited):
        def drop(manifest):
            manifest["scans"].pop()

        refused(edited(drop), "T0, T1, T2", "names T0, T1")

    def test_figures_that_cannot_be_written(self, refused, with_truth, tmp_path):
        refused(with_truth, "cannot be written", arguments=("--json", tmp_path / "no" / "figures.json"))


def test_not_a_results_folder(run, study_folder):
    code, _, error = run("evaluate", study_folder, study_folder)
    assert code == 2
    assert "not a results folder" in error
