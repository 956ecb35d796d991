"""Files of network weights: read without running code from them, and told apart by their tensors."""

from __future__ import annotations

import hashlib
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_longiseg.core.errors import InputError, UntrustedFileError
from napari_longiseg.io.arriving import arriving

if TYPE_CHECKING:
    from torch import Tensor

WRAPPINGS = ("network_weights", "state_dict")
"""Where the checkpoints of nnU-Net and of Lightning hold their tensors."""

NUMBERS = "?bhilqBHILQefd"
"""Types of the numpy scalars that a checkpoint may hold: truth values, integers and floats."""


def read_weights(path: str | Path, called: str = "") -> dict[str, Tensor]:
    """The tensors of a file in memory.

    Parameters
    ----------
    path : path
        As ``torch.save(network.state_dict(), path)`` writes it, or safetensors.
    called : str
        What errors call it, where the user knows it by another name.

    Raises
    ------
    InputError
        When the file is missing, damaged, or holds anything but named tensors; code in it is not run.
    """
    found = read_checkpoint(path, called)
    if not isinstance(found, Mapping) or not found or not all(map(_is_named_tensor, found.items())):
        name = called or path
        msg = f"{name} does not hold the weights of a network alone, as a dictionary of named tensors."
        raise InputError(msg)
    return dict(found)


def read_checkpoint(path: str | Path, called: str = "", mapped: bool = False) -> Any:  # noqa: ANN401 - anything
    """All that a file holds: tensors, and numbers, words, lists and dictionaries besides.

    Parameters
    ----------
    path, called
        As in :func:`read_weights`.
    mapped : bool
        Leave the tensors of torch's files on the disk, to look at what is besides them. They must not be
        kept: the process dies if they are looked at after the file has been overwritten.

    Raises
    ------
    InputError
        When the file is missing or damaged.
    UntrustedFileError
        When it holds more than that; code in it is not run.
    """
    import torch

    path, name = Path(path), called or str(path)
    if path.is_dir():
        msg = f"{name} is a folder; name the file with the weights in it."
        raise InputError(msg)
    if not path.is_file():
        msg = f"There is no file {name}."
        raise InputError(msg)
    try:
        if _is_safetensors(path):
            return _read_safetensors(path)
        with torch.serialization.safe_globals(_numpy_numbers()):
            mapped = mapped and zipfile.is_zipfile(path)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except OSError as error:
        msg = f"{name} cannot be read: {error.strerror or error}."
        raise InputError(msg) from error
    except Exception as error:  # torch fails in as many ways as a file can be damaged
        if _holds_code(error):
            msg = (
                f"{name} holds code besides weights and was not opened; get it from where it is published, "
                "or, if you trust it, take its tensors with `longiseg models convert FILE OUT.safetensors`."
            )
            raise UntrustedFileError(msg) from error
        msg = f"{name} cannot be read as network weights; it is damaged, cut off, or another kind of file."
        raise InputError(msg) from error


def network_tensors(checkpoint: object) -> dict[str, Tensor]:
    """The named tensors of a network, out of a checkpoint of nnU-Net, of Lightning, or of tensors alone.

    What training in parallel or compiled puts before their names is left out.

    Returns
    -------
    dict
        Empty where there are none.
    """
    if not isinstance(checkpoint, Mapping):
        return {}
    for key in WRAPPINGS:
        if isinstance(checkpoint.get(key), Mapping):
            return network_tensors(checkpoint[key])
    tensors = dict(filter(_is_named_tensor, checkpoint.items()))
    return {re.sub(r"^(module\.|_orig_mod\.)+", "", name): tensor for name, tensor in tensors.items()}


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file; it is there whole or not at all.

    Parameters
    ----------
    tensors : dict of str to Tensor
        None of them shares its memory with another.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with arriving(Path(path)) as part:
        try:
            save_file(dict(tensors), part, dict(metadata))
        except SafetensorError as error:  # such as a disk that is full
            msg = f"{path} cannot be written: {error}."
            raise InputError(msg) from error


def layout(weights: Mapping[str, Tensor]) -> str:
    """A fingerprint of the names and shapes of tensors: equal for all weights of one architecture."""
    lines = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in weights.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def size_in_words(weights: Mapping[str, Tensor]) -> str:
    """How many tensors and values there are."""
    values = sum(tensor.numel() for tensor in weights.values())
    return f"{len(weights)} tensors with {values:,} values"


def _is_named_tensor(item: tuple[object, object]) -> bool:
    import torch

    name, value = item
    return isinstance(name, str) and isinstance(value, torch.Tensor) and value.layout == torch.strided


def _is_safetensors(path: Path) -> bool:
    """Whether the file starts with the length of a header within it, and a brace."""
    with path.open("rb") as file:
        start = file.read(9)
    return start[8:] == b"{" and int.from_bytes(start[:8], "little") <= path.stat().st_size


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors, under every name that they have.

    ``safetensors.torch.save_model`` writes one that has several names once, and the others into the metadata.
    """
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        others = {name: kept for name, kept in (file.metadata() or {}).items() if kept in tensors}
    return tensors | {name: tensors[kept] for name, kept in others.items()}


def _numpy_numbers() -> list[Any]:
    """What single numbers of numpy are made of in a pickle, which nnU-Net's checkpoints hold."""
    import numpy as np

    scalar = np.float64(0).__reduce__()[0]
    places = [f"numpy.{core}.multiarray.scalar" for core in ("core", "_core")]  # numpy 1 and 2
    return [*((scalar, place) for place in places), np.dtype, *{type(np.dtype(code)) for code in NUMBERS}]


def _holds_code(error: Exception) -> bool:
    """Whether torch has refused a file for what it would run, rather than failed to read it."""
    words = ("unsupported global", "allowlisted", "unrecognized function")
    return isinstance(error, pickle.UnpicklingError) and any(word in str(error).lower() for word in words)
