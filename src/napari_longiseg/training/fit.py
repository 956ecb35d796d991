"""Run a training: from a config to a folder with checkpoints, curves and the best network."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.progress import Progress, silent
from napari_longiseg.models._fetch import arriving
from napari_longiseg.models.architecture import Architecture
from napari_longiseg.training.config import TrainingConfig

if TYPE_CHECKING:
    from torch import nn

CHECKPOINTS = "checkpoints"
"""Folder in the training's own."""
LAST = "last"
"""The checkpoint of the last epoch, or of where the training was stopped."""


def train(
    config: TrainingConfig,
    out: str | Path,
    name: str = "",
    resume: str | Path | None = None,
    progress: Progress = silent,
) -> Path:
    """Train a network.

    Parameters
    ----------
    out : path
        Folder for config, checkpoints, curves and ``network.safetensors``, the best network so far.
    name : str
        Of the config, for the network's card.
    resume : path or ``"last"``, optional
        A checkpoint to go on from.

    Returns
    -------
    Path
        The network's file.

    Raises
    ------
    InputError
        When the folder has a training already, or what to start from cannot be used.
    """
    import lightning
    import torch

    from napari_longiseg.training.data import RandomisedBatches
    from napari_longiseg.training.longinet import LesionTraining, card_of
    from napari_longiseg.training.network.callbacks import KeepBest, PlainLog

    out = Path(out)
    checkpoint = _checkpoint(out, resume)
    if config.threads:
        torch.set_num_threads(config.threads)
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    network, architecture = _start(config)
    _write_config(config, out)
    module = LesionTraining(config, network, RandomisedBatches(config, progress))
    keep = KeepBest(
        out / CHECKPOINTS, out / "network.safetensors", card_of(config, architecture, {"config": name})
    )
    trainer = _trainer(config, out, [keep, PlainLog()])
    with warnings.catch_warnings():
        # Lightning advises as many workers as there are cores, and more.
        warnings.filterwarnings("ignore", category=UserWarning, module="lightning")
        trainer.fit(module, ckpt_path=checkpoint)
    return out / "network.safetensors"


def _start(config: TrainingConfig) -> tuple[nn.Module, Architecture]:
    """The network before its first step."""
    from napari_longiseg.models.network_file import NetworkCard

    if config.architecture is None:
        msg = "A network from scratch needs an architecture; add it to the config, or name weights with init."
        raise InputError(msg)
    card = NetworkCard(kind=config.kind, architecture=config.architecture, inputs=config.inputs)
    return card.empty(config.deep_supervision), card.architecture


def _checkpoint(out: Path, resume: str | Path | None) -> str | None:
    folder = out / CHECKPOINTS
    if resume is None:
        if folder.is_dir() and any(folder.iterdir()):
            msg = f"{out} holds a training already; go on with --resume last, or choose another folder."
            raise InputError(msg)
        return None
    path = folder / f"{LAST}.ckpt" if str(resume) == LAST else Path(resume)
    if not path.is_file():
        msg = f"There is no checkpoint {path}."
        raise InputError(msg)
    return str(path)


def _write_config(config: TrainingConfig, out: Path) -> None:
    import yaml

    with arriving(out / "config.yaml") as part:
        part.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False), encoding="utf-8")


def _trainer(config: TrainingConfig, out: Path, callbacks: list[Any]) -> Any:  # noqa: ANN401
    import sys

    import lightning
    import torch
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

    cuda = torch.cuda.is_available()
    precision = ("16-mixed" if cuda else "32") if config.precision == "auto" else config.precision
    return lightning.Trainer(
        accelerator="cuda" if cuda else "cpu",
        devices=config.devices if cuda else 1,
        precision=precision,
        max_epochs=config.epochs,
        limit_train_batches=config.steps_per_epoch,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        gradient_clip_val=config.optimiser.clip_norm,
        callbacks=callbacks,
        logger=[TensorBoardLogger(out, name="curves", version=""), CSVLogger(out, name="table", version="")],
        log_every_n_steps=25,
        default_root_dir=out,
        enable_model_summary=False,
        enable_progress_bar=sys.stdout.isatty(),
    )
