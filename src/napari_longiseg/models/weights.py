"""Files of network weights: read without running code from them, and told apart by their tensors."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from napari_longiseg.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


def read_weights(path: str | Path, called: str = "") -> dict[str, Tensor]:
    """The tensors of a file as ``torch.save(network.state_dict(), path)`` writes it, in memory.

    Parameters
    ----------
    path : path
        The file.
    called : str
        What errors call it, where the user knows it by another name.

    Raises
    ------
    InputError
        When the file is missing, damaged, or holds anything but named tensors; code in it is not run.
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
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        msg = f"{name} cannot be read: {error.strerror or error}."
        raise InputError(msg) from error
    except Exception as error:  # torch fails in as many ways as a file can be damaged
        raise InputError(_refusal(name, error)) from error
    if not isinstance(found, Mapping) or not found or not all(map(_is_named_tensor, found.items())):
        msg = f"{name} does not hold the weights of a network alone, as a dictionary of named tensors."
        raise InputError(msg)
    return dict(found)


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

    return isinstance(item[0], str) and isinstance(item[1], torch.Tensor)


def _refusal(name: str, error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError) and "unsupported global" in str(error).lower():
        return f"{name} holds code besides weights and was not opened; get it from where it is published."
    return f"{name} cannot be read as network weights; it is damaged, cut off, or another kind of file."
