import pytest

from napari_longiseg import cli


def test_help_without_arguments(run):
    code, printed, error = run()
    assert (code, error) == (0, "")
    assert "track" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("trakc",), "No such command 'trakc'"),
        (("track",), "Missing argument"),
        (("synth", "x", "--dates", "many"), "'--dates'"),
    ],
)
def test_one_sentence_for_every_mistake(run, arguments, words):
    code, _, error = run(*arguments)
    assert code == 2
    assert error.startswith("longiseg: ")
    assert error.count("\n") == 1
    assert words in error
    assert "--help" in error


def test_help_names_options_in_full_on_a_narrow_terminal(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    _, printed, _ = run("track", "--help")
    for name in ("--registration-option", "--no-correct-by-landmarks", "--correction-radius-mm"):
        assert name in printed


def test_interrupted(run, monkeypatch, study_folder, tmp_path):
    from napari_longiseg.io import results

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(results, "write_table", interrupt)
    out = tmp_path / "out"
    code, _, error = run("track", study_folder, "--out", out, "--registration", "identity")
    assert (code, error) == (cli.INTERRUPTED, "longiseg: stopped.\n")
    assert not out.exists()
    assert not list(tmp_path.glob(".*"))


def test_the_demo_looks_at_its_folder_first(run, tmp_path):
    (tmp_path / "file").write_text("mine")
    code, _, error = run("demo", "--headless", "--out", tmp_path / "file")
    assert (code, "is a file; choose another output folder" in error) == (2, True)
