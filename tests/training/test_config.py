import re

import pytest

from napari_longiseg.core.errors import InputError
from napari_longiseg.models.inputs import PUBLISHED
from napari_longiseg.training.config import Optimiser, TrainingConfig
from napari_longiseg.training.config_file import read_config, ready_configs, write_config

WHOLE = """
kind: uls
architecture:
  kind: plain
  features: [4, 8]
  kernels: [[3, 3, 3], [3, 3, 3]]
  strides: [[1, 1, 1], [2, 2, 2]]
  encoder_convs: [1, 1]
  decoder_convs: [1]
inputs:
  size: [16, 16, 16]
  windows: [{low_hu: -1000, high_hu: 400}]
data: {source: randomised}
optimiser: {name: adamw, learning_rate: 1e-3}
epochs: 2
steps_per_epoch: 3
batch_size: 1
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(WHOLE)
    return path


def test_the_ready_configs():
    assert ready_configs() == ["embedded-longinet", "embedded-uls", "longinet"]
    for name in ready_configs():
        assert read_config(name).kind == name.removeprefix("embedded-")


def test_the_published_config_is_as_published():
    config = read_config("longinet")
    assert config.inputs == PUBLISHED
    assert config.optimiser == Optimiser(
        name="sgd",
        learning_rate=2.5e-3,
        momentum=0.99,
        nesterov=True,
        weight_decay=3e-5,
        poly_power=0.9,
        warmup_epochs=3,
        warmup_factor=0.1,
    )
    assert (config.epochs, config.batch_size, config.validation_fraction) == (1000, 8, 0.2)
    how = config.augmentation
    ranges = {name: (draw.low, draw.high) for name, draw in how if draw}
    assert ranges == {
        "rotation_degrees": (-10, 10),
        "smooth_sigma": (0.5, 1.0),
        "gamma": (0.8, 1.2),
        "scale": (0.8, 1.2),
        "shift": (-0.1, 0.1),
        "noise_sd": (0.02, 0.02),
    }


def test_the_embedded_networks_are_of_one_family():
    one, two = read_config("embedded-uls"), read_config("embedded-longinet")
    assert one.architecture == two.architecture
    assert one.inputs == two.inputs


def test_every_field_is_explained():
    schema = TrainingConfig.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        for name, field in model["properties"].items():
            assert field.get("description"), f"{model['title']}.{name}"


def test_what_is_written_can_be_read(file, tmp_path):
    config = read_config(str(file), {"augmentation": "{gamma: {probability: 1, low: 0.8, high: 1.2}}"})
    write_config(config, tmp_path / "out" / "again.yaml")
    assert read_config(str(tmp_path / "out" / "again.yaml")) == config


def test_fields_can_be_set_otherwise(file):
    config = read_config(
        str(file),
        {
            "epochs": "5",
            "optimiser.learning_rate": "2e-4",
            "inputs.size": "[8, 8, 8]",
            "augmentation.gamma": "{probability: 0.5, low: 0.9, high: 1.1}",
            "init": "network.safetensors",
            "precision": "32",
        },
    )
    assert (config.epochs, config.optimiser.learning_rate, config.inputs.size) == (5, 2e-4, (8, 8, 8))
    assert config.augmentation.gamma.high == 1.1
    assert (config.init.name, config.precision) == ("network.safetensors", "32")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epoch": "5"}, "epoch: Extra inputs are not permitted"),
        ({"optimiser.speed": "5"}, "optimiser.speed: Extra inputs are not permitted"),
        ({"data.patiens": "5"}, "data.randomised.patiens: Extra inputs are not permitted"),
        ({"epochs": "0"}, "epochs: Input should be greater than 0"),
        ({"data.source": "elsewhere"}, "data: Input tag 'elsewhere' found using 'source' does not match"),
        ({"steps_per_epoch": "null"}, "steps_per_epoch must be given, since random cases have no end"),
        ({"architecture": "null"}, "architecture must be given, or init"),
        ({"augmentation.gamma": "{probability: 1, low: 2, high: 1}"}, "augmentation.gamma: low must not be"),
        ({"augmentation.gamma": "{probability: 1, low: 0, high: 1}"}, "augmentation: gamma must be above 0"),
        ({"augmentation.noise_sd": "{probability: 1, low: -1, high: 1}"}, "noise_sd must be 0 or more"),
        ({"devices": "0"}, "devices.*greater than or equal to 1"),
    ],
)
def test_a_bad_field_is_named(file, changes, words):
    with pytest.raises(InputError, match=rf"mine.yaml cannot be used: .*{words}"):
        read_config(str(file), changes)


def test_a_field_of_no_part_cannot_be_set(file):
    with pytest.raises(InputError, match=r"epochs\.more cannot be set, since epochs has no fields"):
        read_config(str(file), {"epochs.more": "1"})


def test_values_are_yaml(file):
    with pytest.raises(InputError, match=r"The value of epochs cannot be read as YAML: \{"):
        read_config(str(file), {"epochs": "{"})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("kind: [uls", "cannot be read as YAML: .* line 1"),
        ("- kind", "holds no fields"),
        ("", "holds no fields"),
        ("kind: uls", "cannot be used: .*: Field required"),
    ],
)
def test_what_is_no_config(file, content, words):
    file.write_text(content)
    with pytest.raises(InputError, match=f"{re.escape(str(file))} {words}"):
        read_config(str(file))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"no config nowhere\.yaml; name a YAML file or one of emb"):
        read_config("nowhere.yaml")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_config(str(tmp_path))
