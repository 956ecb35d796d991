"""Weights out of files that hold code besides, into files that cannot hold any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_longiseg.core.errors import InputError, UntrustedFileError
from napari_longiseg.models.network_file import NetworkCard, save_network
from napari_longiseg.models.nnunet import read_nnunet_model, read_nnunet_weights
from napari_longiseg.models.weights import network_tensors, read_checkpoint, write_tensors

if TYPE_CHECKING:
    from torch import Tensor

SUFFIX = ".safetensors"


def convert(source: str | Path, target: str | Path, trusted: bool = False) -> dict[str, Tensor]:
    """Write the tensors of a network, and nothing else, as safetensors.

    Parameters
    ----------
    source : path
        A checkpoint of nnU-Net or Lightning, a dictionary of tensors, or a whole network, from torch.
    target : path
        Ends in ``.safetensors``; must not be there.
    trusted : bool
        Run the code in the file where it cannot be opened without.

    Returns
    -------
    dict
        What was written.

    Raises
    ------
    InputError
        When the file is missing, damaged or holds no weights, or *target* cannot be written; then nothing is.
    UntrustedFileError
        When it cannot be opened without running code from it, and is not *trusted*.
    """
    source, target = Path(source), _new_file(target)
    try:
        found = read_checkpoint(source)
    except UntrustedFileError:
        if not trusted:
            raise
        found = _opened_with_its_code(source)
    tensors = network_tensors(found)
    if not tensors:
        raise InputError(f"{source} holds no weights of a network.")
    once, others = _without_repeats(tensors)
    write_tensors(target, once, others)
    return tensors


def convert_nnunet(source: str | Path, target: str | Path) -> NetworkCard:
    """Make a network of ours of one that nnU-Net has trained: it outlines the lesion in the VOI's middle.

    Parameters
    ----------
    source : path
        As :func:`napari_longiseg.models.nnunet.read_nnunet_model` takes it.
    target : path
        Ends in ``.safetensors``; must not be there.

    Returns
    -------
    NetworkCard
        What the file says of the network.

    Raises
    ------
    InputError
        When the folder cannot be used, its weights are another network's, or *target* cannot be written;
        then nothing is.
    """
    target = _new_file(target)
    model = read_nnunet_model(source)
    if model.architecture.classes != 2:
        classes = model.architecture.classes
        raise InputError(
            f"{source} tells {classes} classes apart, where a network of ours knows lesion or not."
        )
    from napari_longiseg.models.longinet import transfer

    card = NetworkCard(
        kind="uls",
        architecture=model.architecture,
        inputs=model.inputs.as_ours(),
        training={"made by": f"nnU-Net, configuration {model.configuration}"},
        licence="as the authors of the weights say",
    )
    network = card.empty()
    report = transfer(network, read_nnunet_weights(model))
    if not report.is_whole:
        raise InputError(f"The weights in {model.checkpoint} do not fit their plans: {report}.")
    save_network(target, network, card)
    return card


def _new_file(target: str | Path) -> Path:
    target = Path(target)
    if target.suffix != SUFFIX:
        raise InputError(f"{target} must end in {SUFFIX}, as that is what is written.")
    if target.exists():
        raise InputError(f"{target} is there already; name another file.")
    return target


def _opened_with_its_code(path: Path) -> Any:  # noqa: ANN401 - can be anything
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=False)
    except ImportError as error:
        msg = f"{path} was made with the Python package {error.name}, which must be installed to open it."
        raise InputError(msg) from error
    except Exception as error:  # what it holds can do anything, also fail
        msg = f"{path} cannot be opened here; its code says: {type(error).__name__}: {error}."
        raise InputError(msg) from error
    return found.state_dict() if isinstance(found, torch.nn.Module) else found


def _without_repeats(tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Every tensor once, and the name that it is kept under for its other names.

    nnU-Net's decoder repeats its encoder, and its blocks their layers.
    """
    kept: dict[tuple[object, ...], str] = {}
    others = {}
    for name, tensor in tensors.items():
        memory = (tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
        if (first := kept.setdefault(memory, name)) != name:
            others[name] = first
    # A copy each: safetensors refuses tensors that are parts of one.
    return {name: tensors[name].detach().contiguous().clone() for name in kept.values()}, others
