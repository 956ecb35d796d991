import json
import os

import pytest
import torch  # noqa: TID253 - networks are made of it
from safetensors.torch import load_file, save_file

from napari_longiseg.core.errors import InputError
from napari_longiseg.models.inputs import PUBLISHED
from napari_longiseg.models.network_file import KEY, NetworkCard, load_network, read_card, save_network


@pytest.fixture(params=["uls", "longinet"])
def card(request, architecture):
    """What there is to say of a network."""
    return NetworkCard(
        kind=request.param,
        architecture=architecture,
        inputs=PUBLISHED.model_copy(update={"click_sigma": 2.0}),
        training={"data": "random cases", "seed": "0"},
    )


@pytest.fixture
def saved(card, tmp_path):
    """A network, and the file it was written to."""
    torch.manual_seed(0)
    network = card.empty()
    save_network(tmp_path / "network.safetensors", network, card)
    return network, tmp_path / "network.safetensors"


@pytest.fixture
def streams(card):
    """What its network sees."""
    followup = torch.rand(1, 2, 4, 16, 16, generator=torch.Generator().manual_seed(3))
    return (torch.rand(1, 3, 4, 16, 16), followup) if card.kind == "longinet" else (followup,)


@pytest.fixture
def rewritten(saved):
    """The file with other weights, or with another description."""
    _, path = saved

    def write(weights=None, description=None):
        save_file(weights or load_file(path), path, {KEY: json.dumps(description)} if description else {})
        return path

    return write


def test_a_network_comes_back_as_it_was(card, saved, streams):
    network, path = saved
    loaded, its_card = load_network(path)
    assert its_card == read_card(path) == card
    assert torch.equal(loaded(*streams), network(*streams))


def test_is_ready_for_inference(saved):
    loaded, _ = load_network(saved[1])
    assert not loaded.training
    assert not any(weight.requires_grad for weight in loaded.parameters())


def test_every_tensor_is_written_once(card, saved):
    network, path = saved
    written = load_file(path)
    assert sum(t.numel() for t in written.values()) == sum(p.numel() for p in network.parameters())
    assert not any(name.startswith("decoder.encoder") for name in written)


def test_deep_supervision_needs_no_other_file(card, saved, streams):
    deep = card.empty(deep_supervision=True)
    assert isinstance(deep(*streams), list)
    assert list(deep.state_dict()) == list(saved[0].state_dict())


def test_a_file_that_cannot_be_written_leaves_nothing(card, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file cannot be written to"):
        save_network(tmp_path / "file" / "network.safetensors", card.empty(), card)
    assert os.listdir(tmp_path) == ["file"]


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*none\.safetensors"):
        read_card(tmp_path / "none.safetensors")
    with pytest.raises(InputError, match="There is no file"):
        load_network(tmp_path)


@pytest.mark.parametrize(
    "change", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"words", bytes.swapcase]
)
def test_damaged_files(saved, change):
    path = saved[1]
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match="cannot be read as a safetensors file; it is damaged"):
        load_network(path)


def test_weights_without_a_description(rewritten):
    with pytest.raises(InputError, match="holds weights, but not the description"):
        load_network(rewritten())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "sam"}, "kind: Input should be 'uls' or 'longinet'"),
        ({"licence": None}, "licence: Input should be a valid string"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"inputs": {"size": [1, 2, 3], "windows": []}}, "inputs.windows: .* at least 1 item"),
    ],
)
def test_descriptions_that_cannot_be_used(rewritten, card, change, message):
    path = rewritten(description=card.model_dump(mode="json") | change)
    with pytest.raises(InputError, match=rf"The description in .* cannot be used: {message}"):
        load_network(path)


def test_weights_of_another_network(rewritten, card, saved):
    description = card.model_dump(mode="json")
    description["architecture"]["classes"] = 3
    with pytest.raises(
        InputError, match=r"do not fit the network that it describes: \d+ of \d+ tensors taken"
    ):
        load_network(rewritten(description=description))
    weights = load_file(saved[1])
    del weights[next(iter(weights))]
    with pytest.raises(InputError, match="1 not in the source"):
        load_network(rewritten(weights, card.model_dump(mode="json")))


def test_in_half_precision_a_file_is_half_as_large_and_nearly_the_same(card, tmp_path):
    network = card.empty()
    for half in (False, True):
        save_network(tmp_path / f"{half}.safetensors", network, card, half)
    whole, small = (tmp_path / f"{half}.safetensors" for half in (False, True))
    assert small.stat().st_size < 0.7 * whole.stat().st_size
    loaded, _ = load_network(small)
    assert all(value.dtype == torch.float32 for value in loaded.parameters())
    for name, value in network.named_parameters():
        torch.testing.assert_close(dict(loaded.named_parameters())[name], value, atol=1e-3, rtol=1e-3)
