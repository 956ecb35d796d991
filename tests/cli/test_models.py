import pytest
import torch  # noqa: TID253 - weights are its tensors

from napari_longiseg.models import registry


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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "unigradicon"), "Missing argument"),
        (("add", "x", "y"), "no weights called 'x'"),
        (("add", "unigradicon", "y"), "y cannot be read: No such file"),
        (("remove", "unigradicon"), "nothing to remove"),
        (("convert",), "No such command 'convert'"),
    ],
)
def test_one_sentence_for_every_mistake(run, folder, arguments, words):
    code, _, error = run("models", *arguments)
    assert (code, error.count("\n"), words in error) == (2, 1, True), error
