import pytest
import torch  # noqa: TID253 - networks are made of it
from pydantic import ValidationError

from napari_longiseg.models.architecture import Architecture, build


@pytest.fixture
def voi():
    return torch.rand(2, 3, 4, 16, 12, generator=torch.Generator().manual_seed(0))


def test_steps_are_what_the_coarsest_stage_sees(architecture):
    assert architecture.steps == (2, 4, 4)


def test_a_network_answers_on_the_voxels_that_it_saw(architecture, voi):
    assert build(architecture, channels=3)(voi).shape == (2, 2, 4, 16, 12)


def test_deep_supervision_answers_at_every_decoder_stage_the_finest_first(architecture, voi):
    network = build(architecture, channels=3, deep_supervision=True)
    assert [tuple(logits.shape[2:]) for logits in network(voi)] == [(4, 16, 12), (4, 8, 6)]


def test_deep_supervision_changes_no_names_of_weights(architecture):
    assert list(build(architecture, 1).state_dict()) == list(build(architecture, 1, True).state_dict())


def test_features_stages_and_classes_are_as_described(architecture):
    network = build(architecture.model_copy(update={"classes": 5}), channels=1)
    assert network.encoder.output_channels == [4, 6, 8]
    assert len(network.encoder.stages) == 3
    assert [layer.out_channels for layer in network.decoder.seg_layers] == [5, 5]


def test_residual_blocks_start_as_if_they_were_not_there(architecture):
    names = [name for name, _ in build(architecture, 1).named_modules() if name.endswith("conv2.norm")]
    assert bool(names) == (architecture.kind == "residual")
    network = build(architecture, 1)
    assert all(network.get_submodule(name).weight.eq(0).all() for name in names)


def test_is_read_back_from_json(architecture):
    assert Architecture.model_validate_json(architecture.model_dump_json()) == architecture


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernels": ((3, 3, 3),)}, "a U-Net of 3 stages needs 3 kernels, .* there are 1, 3, 3 and 2"),
        ({"decoder_convs": (1, 1, 1)}, "needs 3 kernels, strides and encoder_convs, and 2 decoder_convs"),
        ({"kernels": ((3, 3, 3), (3, 2, 3), (3, 3, 3))}, "kernels must be odd"),
        ({"strides": ((2, 2, 2),) * 3}, "strides must start with 1, 1, 1"),
        ({"strides": ((1, 1, 1), (0, 2, 2), (2, 2, 2))}, "greater than or equal to 1"),
        ({"features": (4, -6, 8)}, "greater than or equal to 1"),
        ({"features": (4,)}, "at least 2 items"),
        ({"kind": "transformer"}, "'plain' or 'residual'"),
        ({"dropout": 0.1}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_no_unet_is_refused(architecture, change, message):
    with pytest.raises(ValidationError, match=message):
        Architecture.model_validate(architecture.model_dump() | change)
