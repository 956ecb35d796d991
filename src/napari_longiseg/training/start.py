"""The network that a training starts with: from other weights, or random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_longiseg.core.errors import InputError
from napari_longiseg.models.architecture import Architecture
from napari_longiseg.models.network_file import Kind, NetworkCard, read_card
from napari_longiseg.models.nnunet import read_nnunet_model, read_nnunet_weights
from napari_longiseg.models.weights import read_checkpoint, read_weights
from napari_longiseg.training.config import TrainingConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

CHECKPOINT_KEY = "longiseg-training/1"
"""Where a checkpoint of a training holds the card of its network."""
NETWORK, AVERAGE = "network.", "average.module."
"""What the names of its tensors start with."""


@dataclass(frozen=True, slots=True)
class Source:
    """Weights to start from.

    Attributes
    ----------
    kind : Kind
        Of their network.
    architecture : Architecture
        Of their network.
    weights : dict of str to Tensor
        Named as in a network of ours.
    """

    kind: Kind
    architecture: Architecture
    weights: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Start:
    """A network before its first step.

    Attributes
    ----------
    network : nn.Module
        On the CPU.
    card : NetworkCard
        What it is.
    report : str
        What it took over, for the user.
    """

    network: nn.Module
    card: NetworkCard
    report: str


def starting_network(config: TrainingConfig) -> Start:
    """Build the network of a config, and let it take over what fits.

    A single-scan network can become a LongiNet, which then gives that network's output until it is trained.

    Raises
    ------
    InputError
        When the weights cannot be read or do not fit, or the VOI does not fit the network.
    """
    source = read_source(config.init) if config.init else None
    architecture = source.architecture if source else config.architecture
    if architecture is None:
        raise InputError("There is no architecture in the config; add it, or name weights with init.")
    steps, size = architecture.steps, config.inputs.size
    if any(edge % step for edge, step in zip(size, steps, strict=True)):
        words = [" x ".join(map(str, edges)) for edges in (size, steps)]
        raise InputError(f"The VOI of {words[0]} voxels must be a multiple of the network's {words[1]}.")
    card = NetworkCard(kind=config.kind, architecture=architecture, inputs=config.inputs)
    network = card.empty(config.deep_supervision)
    return Start(network, card, _take_over(network, source, config) if source else "Random weights.")


def resumed_network(config: TrainingConfig, checkpoint: Path) -> Start:
    """Build the network of a checkpoint; its weights come with all else that the checkpoint holds.

    Raises
    ------
    InputError
        When it is not a checkpoint of a training, or of another network than the config's.
    """
    found = _read_training(checkpoint)
    card = _card(found)
    architecture = config.architecture if config.architecture and not config.init else card.architecture
    if card != NetworkCard(kind=config.kind, architecture=architecture, inputs=config.inputs):
        msg = f"{checkpoint} is of another network than the config's; start from it with --init instead."
        raise InputError(msg)
    by_sgd = "momentum" in found["optimizer_states"][0]["param_groups"][0]
    if by_sgd != (config.optimiser.name == "sgd") or _has_average(found["state_dict"]) != bool(config.ema):
        msg = (
            f"{checkpoint} is of a training with another optimiser or ema; start from it with --init instead."
        )
        raise InputError(msg)
    return Start(card.empty(config.deep_supervision), card, f"Going on from {checkpoint}.")


def read_source(path: Path) -> Source:
    """Read weights to start from.

    Raises
    ------
    InputError
        When there are none of a network that we know.
    """
    if path.is_dir():
        model = read_nnunet_model(path)
        return Source("uls", model.architecture, read_nnunet_weights(model))
    if path.suffix == ".safetensors":
        card = read_card(path)
        return Source(card.kind, card.architecture, read_weights(path))
    found = _read_training(path)
    card = _card(found)
    return Source(card.kind, card.architecture, _best_weights(found["state_dict"]))


def _read_training(path: Path) -> Mapping[str, Any]:
    """A checkpoint of ours; its tensors stay on the disk until they are looked at."""
    found = read_checkpoint(path, mapped=True)
    if not isinstance(found, Mapping) or CHECKPOINT_KEY not in found:
        msg = (
            f"{path} is no checkpoint of a training; name one, or a network.safetensors, or the folder of a "
            "network that nnU-Net has trained."
        )
        raise InputError(msg)
    return found


def _card(found: Mapping[str, Any]) -> NetworkCard:
    return NetworkCard.model_validate_json(found[CHECKPOINT_KEY])


def _has_average(tensors: Mapping[str, Any]) -> bool:
    return any(name.startswith(AVERAGE) for name in tensors)


def _best_weights(tensors: Mapping[str, Any]) -> dict[str, Tensor]:
    """The average's, where there is one."""
    start = AVERAGE if _has_average(tensors) else NETWORK
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}


def _take_over(network: nn.Module, source: Source, config: TrainingConfig) -> str:
    from napari_longiseg.models.longinet import LongiNet, transfer

    if source.kind == "longinet" and config.kind == "uls":
        raise InputError(f"{config.init} is a LongiNet; only a LongiNet can be made from it.")
    if isinstance(network, LongiNet) and source.kind == "uls":
        report = transfer(network.unet, source.weights)
        network.reset_transfer()
    else:
        report = transfer(network, source.weights)
    if not report.taken:
        raise InputError(f"Nothing in {config.init} fits the network of the config: {report}.")
    return f"From {config.init}: {report}."
