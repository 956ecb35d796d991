import pytest

from napari_longiseg.training.config_file import ready_configs


def test_what_cannot_be_trained_costs_one_sentence(run, tmp_path):
    out = tmp_path / "out"
    for arguments, words in (
        (("nothing",), "There is no config nothing; name a YAML file or one of embedded-longinet,"),
        (("embedded-uls", "--set", "epoch=3"), "embedded-uls cannot be used: epoch: "),
        (("embedded-uls", "--set", "epochs"), "--set 'epochs' should look like NAME=VALUE."),
        (("embedded-uls", "--devices", "none"), "embedded-uls cannot be used: devices"),
    ):
        code, printed, error = run("train", *arguments, "--out", out)
        assert (code, printed) == (2, "")
        assert words in error
        assert error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("name", ready_configs())
def test_ready_configs_are_named_in_the_help(run, name):
    assert name in run("train", "--help")[1]
