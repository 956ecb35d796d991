"""Balls in noise as random cases, and a network that learns to find them within seconds."""

from types import SimpleNamespace

import pytest
import torch  # noqa: TID253 - cases are its tensors
from torch.utils.data import IterableDataset  # noqa: TID253

from napari_longiseg.models.inputs import click_map
from napari_longiseg.training.config import TrainingConfig
from napari_longiseg.training.fit import train
from napari_longiseg.training.folder import TrainingFolder
from napari_longiseg.training.randomised import cases

SIZE = (12, 12, 12)
TINY = {
    "kind": "uls",
    "architecture": {
        "kind": "plain",
        "features": [4, 8],
        "kernels": [[3, 3, 3], [3, 3, 3]],
        "strides": [[1, 1, 1], [2, 2, 2]],
        "encoder_convs": [1, 1],
        "decoder_convs": [1],
    },
    "inputs": {"size": SIZE, "spacings_mm": [2.0], "windows": [{"low_hu": -100, "high_hu": 200}]},
    "data": {"source": "randomised"},
    "optimiser": {"name": "adamw", "learning_rate": 1e-2},
    "epochs": 5,
    "steps_per_epoch": 10,
    "batch_size": 2,
    "validation_cases": 4,
    "workers": 0,
    "threads": 1,
}


class Balls(IterableDataset):
    """A ball in the middle of noise; one in four is gone."""

    def __init__(self, kind, inputs, seed, options):
        self.kind, self.inputs, self.seed = kind, inputs, seed

    def __iter__(self):
        random = torch.Generator().manual_seed(self.seed)
        middle = torch.tensor([(n - 1) / 2 for n in self.inputs.size])
        axes = [torch.arange(n) for n in self.inputs.size]
        away = (torch.stack(torch.meshgrid(*axes, indexing="ij"), -1) - middle).norm(dim=-1)
        clicks = click_map(self.inputs.size, middle[None], middle[None][:0], 2.0)

        def scan(radius):
            ball = away < radius
            image = 20.0 * torch.randn(self.inputs.size, generator=random) + 100.0 * ball
            return image, ball.to(torch.uint8)

        while True:
            radius, gone = (1 + 4 * torch.rand(2, generator=random)).tolist()
            image, target = scan(0 if gone < 2 else radius)
            case = {"image": image, "target": target, "clicks": clicks, "reference_hu": torch.tensor(100.0)}
            if self.kind == "longinet":
                before, mask = scan(radius)
                case |= {"baseline_image": before, "baseline_mask": mask, "baseline_clicks": clicks}
            yield case


@pytest.fixture(autouse=True)
def balls(monkeypatch):
    """Random cases are balls, which are made fast."""
    monkeypatch.setattr(cases, "RandomCases", Balls)


@pytest.fixture(scope="session")
def configured():
    """A tiny config; what is named is set otherwise, parts of a part one by one."""

    def make(**changes):
        fields = dict(TINY)
        for name, value in changes.items():
            together = name != "data" and isinstance(value, dict) and isinstance(fields.get(name), dict)
            fields[name] = fields[name] | value if together else value
        return TrainingConfig.model_validate(fields)

    return make


@pytest.fixture
def trained(tmp_path, configured):
    """Trains; the folder and what the user was told."""

    def run(name="run", resume=None, **changes):
        told = []
        train(configured(**changes), tmp_path / name, name="tiny", resume=resume, tell=told.append)
        return SimpleNamespace(folder=TrainingFolder(tmp_path / name), told=told)

    return run
