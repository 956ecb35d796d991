import json

SMALL = ("--size", "64,64,56", "--spacing-mm", "4", "--patient-size", "0.6", "--lesion", "lung:grow")


def test_a_study_that_can_be_read(run, tmp_path):
    from napari_longiseg.io.manifest import load_study

    out = tmp_path / "study"
    code, printed, _ = run("synth", out, "--dates", 2, "--seed", 5, *SMALL)
    assert code == 0, printed
    assert "Wrote 2 scans with 1 lesions" in printed
    study = load_study(out)
    assert [scan.id for scan in study.scans] == ["T0", "T1"]
    assert study.scans[0].grid.shape == (56, 64, 64)
    assert json.loads((out / "truth.json").read_text())["lesions"][0]["growth"][0] == 1.0


def test_refusals(run, tmp_path):
    for arguments, words in [
        (("--dates", 0), "dates must be 1 to 50"),
        (("--size", "a,b,c"), "--size 'a,b,c' should be X,Y,Z"),
        (("--lesion", "brain:grow"), "brain"),
    ]:
        code, _, error = run("synth", tmp_path / "study", *arguments)
        assert (code, words in error) == (2, True), error
        assert not (tmp_path / "study").exists()
