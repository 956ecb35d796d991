import pickle
from collections import Counter, deque
from pathlib import Path

import numpy as np
import pytest
import torch  # noqa: TID253 - weights are its tensors
from safetensors import SafetensorError
from safetensors.torch import save_file

from napari_longiseg.core.errors import InputError, UntrustedFileError
from napari_longiseg.models.weights import (
    layout,
    network_tensors,
    read_checkpoint,
    read_weights,
    write_tensors,
)


def test_published_files_are_plain_dictionaries_of_tensors(file, weights):
    read = read_weights(file)
    assert list(read) == list(weights)
    assert torch.equal(read["first.weight"], weights["first.weight"])


def test_one_architecture_has_one_layout(weights):
    others = {name: tensor + 1 for name, tensor in reversed(weights.items())}
    assert layout(others) == layout(weights)
    assert layout(weights | {"first.bias": torch.zeros(5)}) != layout(weights)
    assert layout(weights | {"second.bias": torch.zeros(4)}) != layout(weights)


def test_code_is_not_run(tmp_path, code):
    torch.save({"a": code}, "code.trch")
    advice = (
        r"code.trch holds code .* was not opened; get it .* `longiseg models convert FILE OUT.safetensors`"
    )
    with pytest.raises(UntrustedFileError, match=advice):
        read_weights("code.trch")
    (tmp_path / "plain").write_bytes(pickle.dumps({"a": code}, protocol=2))
    with pytest.raises(UntrustedFileError, match="plain holds code besides weights and was not opened"):
        read_weights("plain")
    assert not (tmp_path / "ran").exists()


def test_a_whole_network_is_not_its_weights(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "network.pt")
    with pytest.raises(UntrustedFileError, match="holds code besides weights"):
        read_weights(tmp_path / "network.pt")


class TestSafetensors:
    def test_is_told_by_its_content_and_not_by_its_name(self, tmp_path, weights):
        save_file(weights, tmp_path / "network.trch")
        read = read_weights(tmp_path / "network.trch")
        assert read.keys() == weights.keys()
        assert torch.equal(read["first.weight"], weights["first.weight"])

    def test_other_names_of_a_tensor_are_read_too(self, tmp_path, weights):
        write_tensors(tmp_path / "a.safetensors", weights, {"second.bias": "first.bias", "format": "pt"})
        read = read_weights(tmp_path / "a.safetensors")
        assert layout(read) == layout(weights | {"second.bias": weights["first.bias"]})
        assert read["second.bias"].data_ptr() == read["first.bias"].data_ptr()

    @pytest.mark.parametrize("keep", [9, 60, -1])
    def test_cut_off(self, tmp_path, weights, keep):
        path = tmp_path / "a.safetensors"
        save_file(weights, path)
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(
            InputError, match=r"a.safetensors cannot be read as network weights; it is damaged"
        ):
            read_weights(path)

    def test_without_tensors(self, tmp_path):
        save_file({}, tmp_path / "a.safetensors")
        with pytest.raises(InputError, match="does not hold the weights of a network"):
            read_weights(tmp_path / "a.safetensors")

    def test_that_cannot_be_written_leaves_nothing(self, tmp_path, weights, monkeypatch):
        def full(*_):
            raise SafetensorError("Error while serializing: No space left on device")

        monkeypatch.setattr("safetensors.torch.save_file", full)
        with pytest.raises(InputError, match=r"a.safetensors cannot be written: .*No space left on device\."):
            write_tensors(tmp_path / "a.safetensors", weights, {})
        assert not list(tmp_path.iterdir())


class TestCheckpoint:
    """What nnU-Net writes besides the weights."""

    @pytest.mark.parametrize("number", [np.float64(0.5), np.float32(0.5), np.int64(3), np.bool_(True)])
    def test_numbers_of_numpy_are_let_in(self, tmp_path, number):
        torch.save({"_best_ema": number, "init_args": {"device": torch.device("cpu")}}, tmp_path / "a.pth")
        assert read_checkpoint(tmp_path / "a.pth")["_best_ema"] == number

    @pytest.mark.parametrize("core", [b"numpy.core", b"numpy._core"], ids=["numpy 1", "numpy 2"])
    def test_of_both_generations(self, tmp_path, core):
        torch.save(np.float64(0.5), tmp_path / "a.pth", _use_new_zipfile_serialization=False)
        content = (tmp_path / "a.pth").read_bytes()
        assert content.count(b"numpy._core.multiarray") == 1
        (tmp_path / "a.pth").write_bytes(content.replace(b"numpy._core.multiarray", core + b".multiarray"))
        assert read_checkpoint(tmp_path / "a.pth") == 0.5

    @pytest.mark.parametrize(
        "more",
        [np.zeros(3), np.str_("a"), np.datetime64("2024-01-10"), Path("a"), deque(), range(3)],
    )
    def test_nothing_else_is(self, tmp_path, more):
        torch.save({"_best_ema": np.float64(0.5), "more": more}, tmp_path / "a.pth")
        with pytest.raises(UntrustedFileError, match=r"a.pth holds code besides weights and was not opened"):
            read_checkpoint(tmp_path / "a.pth")

    def test_numpy_is_let_in_no_longer_than_that(self, tmp_path):
        before = set(torch.serialization.get_safe_globals())
        torch.save(np.float64(0.5), tmp_path / "a.pth")
        read_checkpoint(tmp_path / "a.pth")
        assert set(torch.serialization.get_safe_globals()) == before

    def test_may_be_looked_at_without_reading_its_tensors(self, tmp_path, file, weights):
        assert torch.equal(read_checkpoint(file, mapped=True)["first.weight"], weights["first.weight"])
        torch.save(weights, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
        assert list(read_checkpoint(tmp_path / "old.pth", mapped=True)) == list(weights)


class TestNetworkTensors:
    @pytest.mark.parametrize("key", ["network_weights", "state_dict"])
    def test_are_found_in_checkpoints(self, weights, key):
        assert list(network_tensors({"epoch": 3, key: weights, "more": {"a": torch.ones(1)}})) == list(
            weights
        )

    def test_may_lie_there_as_they_are(self, weights):
        assert list(network_tensors(weights | {"steps": 3})) == list(weights)

    @pytest.mark.parametrize("before", ["module.", "_orig_mod.", "module._orig_mod."])
    def test_are_named_as_in_the_network_itself(self, weights, before):
        wrapped = {f"{before}{name}": tensor for name, tensor in weights.items()}
        assert list(network_tensors({"network_weights": wrapped})) == list(weights)
        assert list(network_tensors({"my.module.bias": torch.ones(1)})) == ["my.module.bias"]

    @pytest.mark.parametrize(
        "checkpoint", [None, [torch.ones(1)], {"epoch": 3}, {"a": torch.eye(2).to_sparse()}, Counter(a=1)]
    )
    def test_may_be_missing(self, checkpoint):
        assert network_tensors(checkpoint) == {}


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
