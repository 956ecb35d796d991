import io
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch  # noqa: TID253 - weights are its tensors

from napari_longiseg.models import convert as converter
from napari_longiseg.models import registry
from napari_longiseg.models.weights import read_weights


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(registry.ENVIRONMENT, str(tmp_path / "weights"))
    return tmp_path / "weights"


def test_the_list_says_what_is_known_and_where_it_comes_from(run, folder):
    code, printed, _ = run("models", "list")
    assert code == 0
    for words in (
        "unigradicon",
        "missing",
        "283 MB",
        "https://github.com/uncbiag",
        "Apache-2.0",
        str(folder),
    ):
        assert words in printed
    assert run("models")[1] == printed


def test_path(run, folder):
    assert run("models", "path")[:2] == (0, f"{folder}\n")
    code, _, error = run("models", "path", "lunggradicon")
    assert (code, "run `longiseg models download lunggradicon`" in error) == (2, True)


def test_add_show_and_remove(run, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "layout", lambda _: registry.known_model("unigradicon").layout)
    torch.save({"a": torch.zeros(3)}, tmp_path / "mine.trch")
    code, printed, _ = run("models", "add", "unigradicon", tmp_path / "mine.trch")
    assert code == 0
    assert f"Put the weights of unigradicon into {folder / 'unigradicon.trch'}" in printed
    sha256 = registry.entries()[0].record.sha256
    assert sha256 in printed
    assert sha256 in run("models", "list")[1]
    assert run("models", "path", "unigradicon")[1].strip() == str(folder / "unigradicon.trch")
    assert "Removed" in run("models", "remove", "unigradicon")[1]
    assert not list(folder.iterdir())


def test_download_says_first_what_it_fetches(run, folder, monkeypatch):
    def no_network(url, *_):
        raise registry.InputError(f"{url} could not be downloaded")

    monkeypatch.setattr(registry, "fetched", no_network)
    code, printed, error = run("models", "download", "multigradicon")
    assert (code, printed) == (2, "")
    assert "Downloading about 283 MB from https://github.com/uncbiag" in error
    assert "Licence: Apache-2.0" in error
    assert not list(folder.iterdir())


class Code:
    """Leaves a file when it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch ran",)


@pytest.fixture
def with_code(tmp_path, monkeypatch):
    """A checkpoint that holds code, in the working directory; it would leave a file ``ran``."""
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {"a": torch.zeros(3)}, "callback": Code()}, "a.ckpt")


class TestConvert:
    def test_asks_nothing_where_no_code_has_to_run(self, run, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        torch.save({"state_dict": {"a": torch.zeros(3)}, "epoch": 3}, "a.ckpt")
        printed = "Wrote 1 tensors with 3 values into a.safetensors.\n"
        assert run("models", "convert", "a.ckpt", "a.safetensors") == (0, printed, "")
        assert read_weights("a.safetensors")["a"].tolist() == [0, 0, 0]

    @pytest.mark.parametrize(("answer", "code"), [("n\n", 130), ("", 130), ("y\n", 0)])
    def test_warns_of_code_and_asks_first(self, run, with_code, monkeypatch, answer, code):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        ended, _, error = run("models", "convert", "a.ckpt", "a.safetensors")
        assert ended == code
        assert "a.ckpt holds code, which runs when the file is opened.\nIt can do all that you can" in error
        assert "Do you trust where it comes from, and want to open it? [y/N]" in error
        assert Path("ran").exists() == Path("a.safetensors").exists() == (code == 0)

    def test_scripts_can_say_yes(self, run, with_code):
        code, printed, error = run("models", "convert", "a.ckpt", "a.safetensors", "--yes")
        assert (code, printed) == (0, "Wrote 1 tensors with 3 values into a.safetensors.\n")
        assert "It can do all that you can do on this computer" in error

    def test_a_folder_of_nnunet_becomes_a_network(self, run, tmp_path, monkeypatch):
        card = SimpleNamespace(inputs=SimpleNamespace(size=(64, 128, 128)))
        monkeypatch.setattr(converter, "convert_nnunet", lambda *paths: card)
        code, printed, _ = run("models", "convert", tmp_path, "out.safetensors")
        assert (code, printed) == (
            0,
            "Wrote the network into out.safetensors; VOIs of 64 x 128 x 128 voxels.\n",
        )

    def test_a_folder_must_be_nnunets(self, run, tmp_path):
        code, _, error = run("models", "convert", tmp_path, tmp_path / "a.safetensors")
        assert (code, "has no plans.json" in error) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "unigradicon"), "Missing argument"),
        (("add", "x", "y"), "no weights called 'x'"),
        (("add", "unigradicon", "y"), "y cannot be read: No such file"),
        (("remove", "unigradicon"), "nothing to remove"),
        (("convert", "y", "out.pth"), "out.pth must end in .safetensors"),
        (("convert", "y", "out.safetensors"), "There is no file y"),
        (("train",), "No such command 'train'"),
    ],
)
def test_one_sentence_for_every_mistake(run, folder, arguments, words):
    code, _, error = run("models", *arguments)
    assert (code, error.count("\n"), words in error) == (2, 1, True), error
