import json
import re


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


def test_not_a_results_folder(run, study_folder):
    code, _, error = run("evaluate", study_folder, study_folder)
    assert code == 2
    assert "not a results folder" in error
