import json

import pytest
import torch  # noqa: TID253 - networks are made of it
from safetensors.torch import load_file

from napari_longiseg.core.errors import InputError
from napari_longiseg.models.architecture import Architecture, build
from napari_longiseg.models.inputs import Inputs, Window
from napari_longiseg.models.network_file import KEY, NetworkCard, save_network
from napari_longiseg.models.weights import write_tensors
from napari_longiseg.training.config import Optimiser, RandomisedData, TrainingConfig
from napari_longiseg.training.start import starting_network

SMALL = Architecture(
    kind="plain",
    features=(4, 6),
    kernels=((1, 3, 3), (3, 3, 3)),
    strides=((1, 1, 1), (1, 2, 2)),
    encoder_convs=(1, 1),
    decoder_convs=(1,),
)
LUNG = Window(low_hu=-1000, high_hu=400)


def configured(kind="longinet", init=None, size=(4, 8, 8), windows=1, architecture=None):
    return TrainingConfig(
        kind=kind,
        architecture=architecture or (None if init else SMALL),
        inputs=Inputs(size=size, windows=(LUNG,) * windows),
        init=init,
        data=RandomisedData(source="randomised"),
        optimiser=Optimiser(name="adamw", learning_rate=1e-3),
        epochs=1,
        steps_per_epoch=1,
        batch_size=1,
    )


def card(kind="uls"):
    return NetworkCard(kind=kind, architecture=SMALL, inputs=Inputs(size=(4, 8, 8), windows=(LUNG,)))


@pytest.fixture
def single(tmp_path):
    """A single-scan network, and its file."""
    network = card().empty()
    save_network(tmp_path / "uls.safetensors", network, card())
    return network, tmp_path / "uls.safetensors"


@pytest.fixture
def seen():
    """What the networks see: baseline with mask, and follow-up."""
    random = torch.Generator().manual_seed(0)
    baseline = torch.rand(1, 2, 4, 8, 8, generator=random)
    baseline[:, 1] = (baseline[:, 1] > 0.5).float()
    return baseline, torch.rand(1, 1, 4, 8, 8, generator=random)


def test_without_weights_it_starts_at_random():
    start = starting_network(configured())
    assert start.report == "Random weights."
    assert start.card == card("longinet")


def test_a_network_goes_on_from_one_of_its_kind(single, seen):
    network, file = single
    start = starting_network(configured("uls", init=file))
    torch.testing.assert_close(start.network(seen[1]), network(seen[1]))
    assert "16 of 16 tensors taken" in start.report


def test_longinet_gives_at_first_what_its_single_scan_network_gives(single, seen):
    network, file = single
    start = starting_network(configured(init=file))
    torch.testing.assert_close(start.network(*seen), network(seen[1]), rtol=0, atol=1e-5)
    assert start.report.startswith(f"From {file}: ")


def test_a_folder_of_nnunet_is_a_start_too(tmp_path, seen):
    words = {
        "UNet_class_name": "PlainConvUNet",
        "UNet_base_num_features": 4,
        "unet_max_num_features": 6,
        "conv_kernel_sizes": [[1, 3, 3], [3, 3, 3]],
        "pool_op_kernel_sizes": [[1, 1, 1], [1, 2, 2]],
        "n_conv_per_stage_encoder": [1, 1],
        "n_conv_per_stage_decoder": [1],
        "patch_size": [4, 8, 8],
        "spacing": [3.0, 0.8, 0.8],
        "normalization_schemes": ["NoNormalization"],
    }
    (tmp_path / "plans.json").write_text(json.dumps({"configurations": {"3d_fullres": words}}))
    dataset = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "lesion": 1}}
    (tmp_path / "dataset.json").write_text(json.dumps(dataset))
    network = build(SMALL, 1)
    torch.save({"network_weights": network.state_dict()}, tmp_path / "checkpoint_best.pth")
    start = starting_network(configured(init=tmp_path))
    assert start.card.architecture == SMALL
    torch.testing.assert_close(start.network(*seen), network(seen[1]), rtol=0, atol=1e-5)


def test_the_architecture_is_that_of_the_weights(single):
    _, file = single
    other = SMALL.model_copy(update={"features": (2, 2)})
    start = starting_network(configured(init=file, architecture=other))
    assert start.card.architecture == SMALL


def test_a_first_convolution_that_sees_other_channels_starts_anew_and_the_report_says_so(single):
    _, file = single
    start = starting_network(configured(init=file, windows=2))
    assert "sees 2 channels here and 1 there" in start.report


def test_a_voi_that_the_network_cannot_halve():
    with pytest.raises(
        InputError, match="VOI of 4 x 8 x 7 voxels must be a multiple of the network's 1 x 2 x 2"
    ):
        starting_network(configured(size=(4, 8, 7)))


def test_a_single_scan_network_cannot_be_made_from_a_longinet(tmp_path):
    save_network(tmp_path / "two.safetensors", card("longinet").empty(), card("longinet"))
    with pytest.raises(InputError, match="is a LongiNet; only a LongiNet can be made from it"):
        starting_network(configured("uls", init=tmp_path / "two.safetensors"))


def test_weights_of_which_nothing_fits_are_refused(single, tmp_path):
    _, file = single
    renamed = {f"other.{name}": value for name, value in load_file(file).items()}
    write_tensors(tmp_path / "renamed.safetensors", renamed, {KEY: card().model_dump_json()})
    with pytest.raises(InputError, match=r"Nothing in .*renamed.* fits the network of the config: 0 of"):
        starting_network(configured(init=tmp_path / "renamed.safetensors"))


def test_what_holds_no_weights_of_ours(tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "foreign.ckpt")
    with pytest.raises(InputError, match=r"foreign\.ckpt is no checkpoint of a training; name one, or"):
        starting_network(configured(init=tmp_path / "foreign.ckpt"))
    with pytest.raises(InputError, match="no file"):
        starting_network(configured(init=tmp_path / "nowhere.safetensors"))
    with pytest.raises(InputError, match=r"has no plans\.json"):
        starting_network(configured(init=tmp_path))
