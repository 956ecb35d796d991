import csv
import json
from contextlib import contextmanager

import pytest
import torch  # noqa: TID253 - weights are its tensors
from safetensors.torch import load_file

from napari_longiseg.cli import INTERRUPTED, run
from napari_longiseg.core.errors import InputError
from napari_longiseg.models.network_file import load_network, read_card
from napari_longiseg.training.config_file import read_config, write_config
from napari_longiseg.training.longinet import LesionTraining
from napari_longiseg.training.network.callbacks import KeepBest
from napari_longiseg.training.synth import SynthOptions, make_study, write_study

SGD = {"name": "sgd", "learning_rate": 0.02, "momentum": 0.9, "nesterov": True, "warmup_epochs": 1}
ADAMW = {"name": "adamw", "learning_rate": 0.01, "clip_norm": 1.0}


@contextmanager
def stopping(monkeypatch, step, when):
    """Ctrl-C in a step of the training, when it is time."""
    whole = getattr(LesionTraining, step)

    def stopped(self, batch, index):
        if when(self):
            raise KeyboardInterrupt
        return whole(self, batch, index)

    with monkeypatch.context() as patched:
        patched.setattr(LesionTraining, step, stopped)
        yield


def column(training, name):
    """What was logged under a name, in order."""
    (table,) = (training.folder.path / "tables").glob("*/metrics.csv")
    with table.open(newline="") as file:
        return [float(row[name]) for row in csv.DictReader(file) if row.get(name)]


def checkpoint(path):
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize("optimiser", [SGD, ADAMW], ids=["sgd", "adamw"])
@pytest.mark.parametrize("kind", ["uls", "longinet"])
def test_fifty_steps_on_random_cases_make_the_loss_fall(trained, kind, optimiser):
    training = trained(kind=kind, optimiser=optimiser)
    losses = column(training, "train/loss_epoch")
    assert losses[-1] < 0.7 * losses[0]
    assert checkpoint(training.folder.last)["global_step"] == 50


def test_the_folder_holds_the_config_the_curves_and_the_best_network(trained, configured):
    training = trained(epochs=2)
    assert read_config(str(training.folder.config)) == configured(epochs=2)
    assert list((training.folder.path / "curves").glob("events*"))
    network, card = load_network(training.folder.network)
    assert network(torch.zeros(1, 1, 12, 12, 12)).shape == (1, 2, 12, 12, 12)
    history = dict(card.training)
    assert float(history.pop("hours")) < 1
    assert float(history.pop("validation_dice")) == pytest.approx(
        max(column(training, "validation/dice")), abs=1e-4
    )
    steps = int(history.pop("steps"))
    assert steps in (10, 20)
    assert int(history.pop("cases")) == 2 * steps
    assert history == {"config": "tiny", "data": "randomised", "init": "random", "seed": "0"}
    assert not [path for path in training.folder.path.rglob("*") if ".part" in path.name]


def test_every_epoch_has_a_line(trained):
    training = trained(epochs=2)
    assert training.told[0] == "Random weights."
    assert training.told[1].startswith("epoch 1 of 2, step 10: loss ")
    assert "Dice of those present" in training.told[2]
    assert training.told[3] == f"The best network is {training.folder.network}. Research use only."


def test_parts_of_the_loss_the_rate_and_the_time_are_logged(trained):
    training = trained(kind="longinet", epochs=2, steps_per_epoch=25)
    for name in ("train/followup_loss_epoch", "train/baseline_loss_epoch", "validation/false_found"):
        assert len(column(training, name)) == 2
    assert column(training, "train/learning_rate")[0] > column(training, "train/learning_rate")[-1]
    assert all(seconds < 10 for seconds in column(training, "train/step_s_epoch"))


def test_a_resumed_training_is_what_it_would_have_been_without_the_break(trained, monkeypatch):
    noise = {"noise_sd": {"probability": 0.5, "low": 0.1, "high": 0.2}}
    changes = {"kind": "longinet", "ema": 0.9, "augmentation": noise}
    whole = trained("whole", **changes)
    kept = KeepBest.on_train_epoch_end

    def stop_after_two(self, trainer, module):
        kept(self, trainer, module)
        if trainer.current_epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(KeepBest, "on_train_epoch_end", stop_after_two)
        with pytest.raises(KeyboardInterrupt):
            trained("broken", **changes)
    broken = trained("broken", resume="last", **changes)
    assert broken.told[0] == f"Going on from {broken.folder.last}."
    assert broken.told[1].startswith("epoch 3 of 5, step 30")
    one, other = (checkpoint(training.folder.last) for training in (whole, broken))
    assert one["global_step"] == other["global_step"] == 50
    for name, value in one["state_dict"].items():
        torch.testing.assert_close(other["state_dict"][name], value, rtol=0, atol=0)
    assert one["lr_schedulers"] == other["lr_schedulers"]


def test_one_that_is_stopped_in_the_middle_of_an_epoch_goes_on_there(trained, monkeypatch):
    with (
        stopping(monkeypatch, "training_step", lambda training: training.global_step == 13),
        pytest.raises(KeyboardInterrupt),
    ):
        trained()
    training = trained(resume="last")
    assert training.told[1].startswith("epoch 2 of 5, step 20")
    assert checkpoint(training.folder.last)["global_step"] == 50


def test_one_that_is_stopped_while_it_is_validated_goes_on_there(trained, monkeypatch):
    with (
        stopping(monkeypatch, "validation_step", lambda training: training.current_epoch == 1),
        pytest.raises(KeyboardInterrupt),
    ):
        trained(epochs=3)
    training = trained(resume="last", epochs=3)
    assert checkpoint(training.folder.last)["global_step"] == 30
    again, last = training.told[1:3]
    assert again.startswith("epoch 2 of 3, step 20: validation loss ")
    assert last.startswith("epoch 3 of 3, step 30: loss ")


def test_rates_can_be_changed_on_the_way(trained):
    steady = SGD | {"poly_power": 0.0}
    trained(epochs=1, optimiser=steady)
    changed = steady | {"learning_rate": 1e-3, "momentum": 0.5, "weight_decay": 0.1}
    training = trained(resume="last", epochs=2, optimiser=changed)
    (group,) = checkpoint(training.folder.last)["optimizer_states"][0]["param_groups"]
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (1e-3, 0.5, 0.1)


def test_the_average_is_what_is_kept(trained):
    training = trained(ema=0.99, epochs=1)
    weights = checkpoint(training.folder.best)["state_dict"]
    for name, value in load_file(training.folder.network).items():
        torch.testing.assert_close(value, weights[f"average.module.{name}"], rtol=0, atol=0)
        assert not torch.equal(value, weights[f"network.{name}"])


def test_it_can_be_kept_in_16_bits(trained):
    training = trained(half_file=True, epochs=1)
    assert {value.dtype for value in load_file(training.folder.network).values()} == {torch.float16}


def test_longinet_starts_from_a_single_scan_network_or_from_its_checkpoint(trained):
    first = trained("first", epochs=1)
    for source in (first.folder.network, first.folder.best):
        training = trained(source.name, kind="longinet", architecture=None, init=str(source), epochs=1)
        assert training.told[0].startswith(f"From {source}: ")
        assert "tensors taken" in training.told[0]
        assert read_card(training.folder.network).training["init"] == source.name


def test_deep_supervision_and_all_augmentations(trained):
    draw = {"probability": 1.0, "low": 0.5, "high": 1.0}
    names = ("rotation_degrees", "smooth_sigma", "gamma", "scale", "shift", "noise_sd")
    training = trained(
        kind="longinet",
        epochs=1,
        deep_supervision=True,
        augmentation=dict.fromkeys(names, draw),
        architecture={
            "features": [4, 4, 8],
            "kernels": [[3, 3, 3]] * 3,
            "strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2]],
            "encoder_convs": [1, 1, 1],
            "decoder_convs": [1, 1],
        },
    )
    assert training.folder.network.is_file()


def test_a_network_that_gives_no_numbers_is_not_kept(trained):
    with pytest.raises(InputError, match=r"no numbers any more at step 10; .* smaller "):
        trained(optimiser={"name": "sgd", "learning_rate": 1e30})
    assert trained(epochs=1).folder.network.is_file()  # nothing is in the way of a better one


def test_what_cannot_be_gone_on_with(trained, tmp_path):
    training = trained(epochs=1)
    with pytest.raises(InputError, match="holds a training; go on with --resume last"):
        trained(epochs=1)
    with pytest.raises(InputError, match=r"There is no checkpoint .*last\.ckpt; leave out --resume"):
        trained("other", resume="last")
    with pytest.raises(InputError, match="is of another network than the config's"):
        trained(resume="last", kind="longinet")
    with pytest.raises(InputError, match="is of a training with another optimiser or ema"):
        trained(resume="last", optimiser={"name": "sgd"})
    with pytest.raises(InputError, match="is of a training with another optimiser or ema"):
        trained(resume="last", ema=0.9)
    with pytest.raises(InputError, match="is no checkpoint of a training"):
        trained("other", resume=training.folder.network)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Manifests of two small patients with their truth."""
    folder = tmp_path_factory.mktemp("studies")
    for seed in (1, 2):
        options = SynthOptions(
            seed=seed,
            dates=2,
            shape=(48, 56, 56),
            spacing_mm=(3.0, 3.0, 3.0),
            patient_size=0.4,
            lesions=("lung:grow:14", "lung:vanish:10"),
        )
        write_study(make_study(options), folder / f"P{seed}")
    return [str(folder / f"P{seed}") for seed in (1, 2)]


@pytest.mark.parametrize("kind", ["uls", "longinet"])
def test_studies_of_ones_own_are_split_once(trained, studies, kind):
    data = {"source": "manifests", "studies": studies}
    changes = {"kind": kind, "data": data, "steps_per_epoch": None}
    training = trained(epochs=1, **changes)
    split = json.loads(training.folder.split.read_text())
    assert sorted(m["id"] for part in ("training", "validation") for m in split[part]) == [
        "synthetic-1",
        "synthetic-2",
    ]
    assert training.told[1].startswith("Left out: Patient synthetic-1, lesion 2: it is not on ")
    *_, words, _, _ = training.told
    assert words.endswith(" of 1 set aside.")
    cases = int(words.split()[0])
    assert checkpoint(training.folder.last)["global_step"] == -(-cases // 2)
    resumed = trained(epochs=2, resume="last", **changes)
    assert resumed.told[-3] == words
    changes["data"] = data | {"studies": studies[:1]}
    with pytest.raises(InputError, match="made for other data"):
        trained(epochs=3, resume="last", **changes)
    assert training.folder.scans.is_dir()


def test_the_command_line(tmp_path, configured, capsys, monkeypatch):
    write_config(configured(), tmp_path / "mine.yaml")
    command = ["train", str(tmp_path / "mine.yaml"), "--out", str(tmp_path / "run"), "--set", "epochs=2"]
    with stopping(monkeypatch, "training_step", lambda training: training.global_step == 13):
        assert run(command) == INTERRUPTED
    assert "Run the same with --resume last" in capsys.readouterr().err
    assert run([*command, "--resume", "last", "--devices", "auto"]) == 0
    going, epoch, best = capsys.readouterr().out.splitlines()
    assert going.startswith("Going on from ")
    assert epoch.startswith("epoch 2 of 2, step 20: loss ")
    assert best == f"The best network is {tmp_path / 'run' / 'network.safetensors'}. Research use only."
    assert read_card(tmp_path / "run" / "network.safetensors").training["config"] == "mine"
