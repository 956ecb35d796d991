"""A network of ours as one safetensors file: its weights, and what is needed to build and feed it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_longiseg.core.errors import InputError
from napari_longiseg.models._mistake import first_mistake
from napari_longiseg.models.architecture import Architecture, build
from napari_longiseg.models.inputs import Inputs
from napari_longiseg.models.weights import write_tensors

if TYPE_CHECKING:
    from torch import nn

Kind = Literal["uls", "longinet"]

KEY = "longiseg-network/1"
"""Where the description lies in the file's metadata."""


class NetworkCard(BaseModel):
    """What a network is and wants to see."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = Field(description="A single-scan network, or LongiNet.")
    architecture: Architecture
    inputs: Inputs
    training: dict[str, str] = Field(default_factory=dict, description="Where the weights come from.")
    licence: str = Field(default="BSD-3-Clause", description="Of the weights.")

    def empty(self, deep_supervision: bool = False) -> nn.Module:
        """The network with random weights."""
        if self.kind == "longinet":
            from napari_longiseg.models.longinet import LongiNet

            return LongiNet(self.architecture, self.inputs.channels, deep_supervision)
        return build(self.architecture, self.inputs.channels, deep_supervision)


def save_network(path: str | Path, network: nn.Module, card: NetworkCard, half: bool = False) -> None:
    """Write weights and card; a file is there whole or not at all.

    Parameters
    ----------
    half : bool
        Keep the numbers in 16 bits: half the file, and probabilities that differ by a thousandth.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    # Without duplicates: nnU-Net's decoder holds the encoder a second time.
    weights = {name: value.detach().cpu().contiguous() for name, value in network.named_parameters()}
    if half:
        weights = {name: value.half() for name, value in weights.items()}
    write_tensors(path, weights, {KEY: card.model_dump_json()})


def read_card(path: str | Path) -> NetworkCard:
    """The card alone, without loading the weights.

    Raises
    ------
    InputError
        When the file is missing, damaged, or holds something else than a network of ours.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        msg = f"There is no file {path}."
        raise InputError(msg)
    try:
        with safe_open(path, "np") as file:  # torch is not needed for the card
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        msg = f"{path} cannot be read as a safetensors file; it is damaged, cut off, or another kind of file."
        raise InputError(msg) from error
    if KEY not in metadata:
        msg = f"{path} holds weights, but not the description that `longiseg train` writes with them."
        raise InputError(msg)
    try:
        return NetworkCard.model_validate_json(metadata[KEY])
    except ValidationError as error:
        msg = f"The description in {path} cannot be used: {first_mistake(error)}."
        raise InputError(msg) from error


def load_network(path: str | Path) -> tuple[nn.Module, NetworkCard]:
    """A network ready for inference, on the CPU.

    Raises
    ------
    InputError
        As :func:`read_card`, and when the weights do not fit the card.
    """
    from safetensors.torch import load_file

    from napari_longiseg.models.longinet import transfer

    card = read_card(path)
    network = card.empty()
    report = transfer(network, load_file(path))
    if not report.is_whole:
        msg = f"The weights in {path} do not fit the network that it describes: {report}."
        raise InputError(msg)
    return network.eval().requires_grad_(False), card
