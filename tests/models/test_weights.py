import os
import pickle

import pytest
import torch  # noqa: TID253 - weights are its tensors

from napari_longiseg.core.errors import InputError
from napari_longiseg.models.weights import layout, read_weights


class Code:
    def __reduce__(self):
        return os.system, ("touch ran",)


def test_published_files_are_plain_dictionaries_of_tensors(file, weights):
    read = read_weights(file)
    assert list(read) == list(weights)
    assert torch.equal(read["first.weight"], weights["first.weight"])


def test_one_architecture_has_one_layout(weights):
    others = {name: tensor + 1 for name, tensor in reversed(weights.items())}
    assert layout(others) == layout(weights)
    assert layout(weights | {"first.bias": torch.zeros(5)}) != layout(weights)
    assert layout(weights | {"second.bias": torch.zeros(4)}) != layout(weights)


def test_code_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Code()}, "code.trch")
    with pytest.raises(InputError, match=r"code.trch holds code besides weights and was not opened"):
        read_weights("code.trch")
    (tmp_path / "plain").write_bytes(pickle.dumps({"a": Code()}, protocol=2))
    with pytest.raises(InputError, match="plain holds code besides weights and was not opened"):
        read_weights("plain")
    assert not (tmp_path / "ran").exists()


def test_a_whole_network_is_not_its_weights(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "network.pt")
    with pytest.raises(InputError, match="holds code besides weights"):
        read_weights(tmp_path / "network.pt")


@pytest.mark.parametrize("content", [{"epoch": 3, "net": {"a": torch.zeros(2)}}, [torch.zeros(2)], {}])
def test_other_contents(tmp_path, content):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(InputError, match="does not hold the weights of a network alone"):
        read_weights(tmp_path / "other.pt")


@pytest.mark.parametrize(
    "change", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"words", bytes.swapcase]
)
def test_damaged_files(file, change):
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(InputError, match=r"network.trch cannot be read as network weights; it is damaged"):
        read_weights(file)


def test_folders_and_files_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match="is a folder; name the file with the weights"):
        read_weights(tmp_path)
    with pytest.raises(InputError, match=r"There is no file .*missing"):
        read_weights(tmp_path / "missing")


def test_errors_call_the_file_what_the_user_calls_it(tmp_path):
    with pytest.raises(InputError, match="There is no file mine"):
        read_weights(tmp_path / "part", called="mine")
