from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_longiseg.models import known, registry
from napari_longiseg.models.architecture import Architecture, build
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


class Code:
    """Leaves a file when it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch ran",)


@pytest.fixture
def code(tmp_path: Path, monkeypatch) -> Code:
    """What must not be opened unasked; it would leave a file ``ran`` in the working directory."""
    monkeypatch.chdir(tmp_path)
    return Code()


@pytest.fixture
def nnunet_folder(tmp_path: Path):
    """Makes the folder of a network that nnU-Net has trained, with changes to what it says."""

    def make(
        words: str,
        kind: str = "PlainConvUNet",
        trained: str = "3d_fullres",
        checkpoints: Sequence[str] = ("fold_all/checkpoint_best",),
        **changes: dict,
    ) -> Path:
        folder = tmp_path / "trained"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        configurations = {
            "3d_fullres": IN_WORDS[words](kind, changes) | changes.get("configuration", {}),
            "3d_fullres_resenc": {
                "inherits_from": "3d_fullres",
                "UNet_class_name": "ResidualEncoderUNet",
                "n_conv_per_stage_encoder": [1, 3, 4],
            },
        }
        plans = {
            "configurations": configurations,
            "transpose_forward": [0, 1, 2],
            "foreground_intensity_properties_per_channel": {
                "0": {"percentile_00_5": -900.0, "percentile_99_5": 700.0, "mean": -60.0, "std": 280.0}
            },
        }
        dataset = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "lesion": 1}}
        (folder / "plans.json").write_text(json.dumps(plans | changes.get("plans", {})))
        (folder / "dataset.json").write_text(json.dumps(dataset | changes.get("dataset", {})))
        for name in checkpoints:
            (folder / name).parent.mkdir(exist_ok=True)
            save_checkpoint(folder / f"{name}.pth", trained)
        return folder

    return make


def shared_words() -> dict:
    return {
        "patch_size": [8, 16, 16],
        "spacing": [3.0, 0.8, 0.7],
        "normalization_schemes": ["CTNormalization"],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
    }


def old_words(kind: str, changes: dict) -> dict:
    return shared_words() | {
        "UNet_class_name": kind,
        "UNet_base_num_features": 4,
        "unet_max_num_features": 6,
        "n_conv_per_stage_encoder": [1, 2, 1],
        "n_conv_per_stage_decoder": [1, 2],
        "num_pool_per_axis": [1, 2, 2],
        "pool_op_kernel_sizes": STRIDES,
        "conv_kernel_sizes": KERNELS,
    }


def new_words(kind: str, changes: dict) -> dict:
    arguments = {
        "n_stages": 3,
        "features_per_stage": [4, 6, 6],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": KERNELS,
        "strides": STRIDES,
        "n_conv_per_stage" if kind == "PlainConvUNet" else "n_blocks_per_stage": [1, 2, 1],
        "n_conv_per_stage_decoder": [1, 2],
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }
    described = {
        "network_class_name": f"dynamic_network_architectures.architectures.unet.{kind}",
        "arch_kwargs": arguments | changes.get("arguments", {}),
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }
    return shared_words() | {"architecture": described | changes.get("architecture", {})}


IN_WORDS = {"old": old_words, "new": new_words}


def save_checkpoint(path: Path, configuration: str) -> None:
    """As nnU-Net writes it, of the plain network in :func:`new_words`."""
    import torch

    architecture = Architecture(
        kind="plain",
        features=(4, 6, 6),
        kernels=KERNELS,
        strides=STRIDES,
        encoder_convs=(1, 2, 1),
        decoder_convs=(1, 2),
    )
    torch.save(
        {
            "network_weights": build(architecture, channels=1).state_dict(),
            "optimizer_state": {"state": {}, "param_groups": [{"lr": 0.0025}]},
            "grad_scaler_state": {"scale": 65536.0},
            "logging": {"mean_fg_dice": [np.float64(0.5)], "train_losses": [np.float32(-0.5)]},
            "_best_ema": np.float64(0.7),
            "current_epoch": 500,
            "init_args": {"configuration": configuration, "fold": "all", "device": torch.device("cpu")},
            "trainer_name": "nnUNetTrainer",
            "inference_allowed_mirroring_axes": (0, 1, 2),
        },
        path,
    )
