from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from napari_longiseg.models import known, registry
from napari_longiseg.models.architecture import Architecture
from napari_longiseg.models.weights import layout

KERNELS = ((1, 3, 3), (3, 3, 3), (3, 3, 3))
STRIDES = ((1, 1, 1), (1, 2, 2), (2, 2, 2))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """An empty folder of weights."""
    monkeypatch.setenv(registry.ENVIRONMENT, str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def weights():
    """The tensors of a network of two layers."""
    import torch

    return {"first.weight": torch.ones(4, 2), "first.bias": torch.zeros(4)}


@pytest.fixture
def file(tmp_path: Path, weights) -> Path:
    """Its weights as a file."""
    import torch

    torch.save(weights, tmp_path / "network.trch")
    return tmp_path / "network.trch"


@pytest.fixture
def small(monkeypatch, folder, weights):
    """A registry that knows this network only; says which URL it is published at."""

    def publish(url: str) -> str:
        model = replace(known.MODELS[0], name="small", file="small.trch", url=url, layout=layout(weights))
        monkeypatch.setattr(known, "MODELS", (model,))
        return model.name

    publish("http://127.0.0.1:9/small.trch")
    return publish


@pytest.fixture(params=["plain", "residual"])
def architecture(request) -> Architecture:
    """A U-Net of three stages that a CPU runs in no time; the coarsest voxels are 2 x 4 x 4 fine ones."""
    return Architecture(
        kind=request.param,
        features=(4, 6, 8),
        kernels=KERNELS,
        strides=STRIDES,
        encoder_convs=(1, 2, 1),
        decoder_convs=(1, 2),
    )
