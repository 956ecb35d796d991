"""Networks that nnU-Net v2 has trained: what they are, and their weights, without nnU-Net itself.

ULS23 (de Grauw et al., 2024) and ULS+ (2026) publish their networks as such a folder: ``plans.json``,
``dataset.json`` and ``fold_all/checkpoint_best.pth``. nnU-Net: Isensee et al., Nature Methods 2021.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_longiseg.core.errors import InputError
from napari_longiseg.models._nnunet_inputs import NnunetInputs, inputs_of
from napari_longiseg.models._plans import Words, architecture_of, class_count, configuration_words, entry
from napari_longiseg.models.architecture import Architecture
from napari_longiseg.models.weights import network_tensors, read_checkpoint

if TYPE_CHECKING:
    from torch import Tensor

PLANS, DATASET = "plans.json", "dataset.json"
CHECKPOINTS = ("checkpoint_best", "checkpoint_final", "checkpoint_latest")
"""The best comes first: it is what ULS23 and ULS+ are used with."""
SUFFIXES = (".safetensors", ".pth")
"""A converted checkpoint goes before the one that it was made from."""


@dataclass(frozen=True, slots=True)
class NnunetModel:
    """A trained network.

    Attributes
    ----------
    checkpoint : Path
        The file with its weights.
    configuration : str
        Its name in the plans.
    architecture : Architecture
        What to build.
    inputs : NnunetInputs
        What it wants to see.
    """

    checkpoint: Path
    configuration: str
    architecture: Architecture
    inputs: NnunetInputs

    @property
    def channels(self) -> int:
        """Of the input."""
        return len(self.inputs.normalisations)


def read_nnunet_model(path: str | Path, configuration: str | None = None) -> NnunetModel:
    """What a folder of nnU-Net holds, without its weights.

    Parameters
    ----------
    path : path
        The folder with ``plans.json``; or one of its folds or checkpoints, to choose that one. Otherwise
        the fold of all data goes before the others, and the best checkpoint before the final one.
    configuration : str, optional
        By default, the one that the checkpoint was trained with.

    Raises
    ------
    InputError
        When something is missing or damaged, or the network is not one of those that can be built here.
    UntrustedFileError
        When the checkpoint cannot be opened without running code from it.
    """
    path = Path(os.path.abspath(path))  # not resolved: a link has the name that counts
    folder = _model_folder(path)
    plans, dataset = _read_json(folder / PLANS), _read_json(folder / DATASET)
    checkpoint = path if path.is_file() else _find_checkpoint(path, folder)
    name = configuration or _trained_configuration(checkpoint, folder, plans)
    words = configuration_words(plans, name, str(folder / PLANS))
    source = f"{folder / PLANS}, configuration {name},"
    labelled = str(folder / DATASET)
    channels = entry(dataset, "modality" if "modality" in dataset else "channel_names", dict, labelled)
    return NnunetModel(
        checkpoint,
        name,
        architecture_of(words, class_count(dataset, labelled), source),
        inputs_of(plans, words, len(channels), source),
    )


def read_nnunet_weights(model: NnunetModel) -> dict[str, Tensor]:
    """The weights, named as in the network that ``build(model.architecture, model.channels)`` makes.

    Raises
    ------
    InputError
        When the checkpoint is damaged or holds no weights.
    UntrustedFileError
        When it cannot be opened without running code from it.
    """
    weights = network_tensors(read_checkpoint(model.checkpoint))
    if not weights:
        raise InputError(f"{model.checkpoint} holds no weights of a network.")
    return weights


def _model_folder(path: Path) -> Path:
    """The folder with the plans: this one, or one above a fold or a checkpoint."""
    for folder in (path, *path.parents[:2]):
        if (folder / PLANS).is_file():
            return folder
    if not path.exists():
        raise InputError(f"There is no folder {path}.")
    deeper = sorted(p.parent for depth in ("*", "*/*", "*/*/*") for p in path.glob(f"{depth}/{PLANS}"))
    hint = f"; name {deeper[0]}" if deeper else ", as the folder of a network that nnU-Net has trained does"
    raise InputError(f"{path} has no {PLANS}{hint}.")


def _find_checkpoint(path: Path, folder: Path) -> Path:
    for fold in _folds(folder) if path == folder else (path,):
        for name in CHECKPOINTS:
            for suffix in SUFFIXES:
                if (file := fold / f"{name}{suffix}").is_file():
                    return file
    raise InputError(f"{path} holds no weights of nnU-Net, such as fold_all/{CHECKPOINTS[0]}.pth.")


def _folds(folder: Path) -> Iterator[Path]:
    """Folds, that of all data first; the folder itself last, for files that were put beside the plans."""
    yield folder / "fold_all"
    numbered = [fold for fold in folder.glob("fold_*") if fold.name[5:].isdecimal()]
    yield from sorted(numbered, key=lambda fold: int(fold.name[5:]))
    yield folder


def _read_json(path: Path) -> Words:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise InputError(f"{path} cannot be read as JSON; it is damaged or cut off.") from error
    if not isinstance(content, Mapping):
        raise InputError(f"{path} is not as nnU-Net writes it: it holds no fields.")
    return content


def _trained_configuration(checkpoint: Path, folder: Path, plans: Words) -> str:
    """What a checkpoint was trained with; a converted one does not say, but mostly the folder's name does."""
    found = read_checkpoint(checkpoint, mapped=True)
    arguments = found.get("init_args") if isinstance(found, Mapping) else None
    if isinstance(arguments, Mapping) and isinstance(arguments.get("configuration"), str):
        return str(arguments["configuration"])
    known = entry(plans, "configurations", dict, str(folder / PLANS))
    candidates = [folder.name.rsplit("__", 1)[-1], *(known if len(known) == 1 else ())]
    for name in candidates:
        if name in known:
            return str(name)
    msg = (
        f"{checkpoint} does not say which configuration it is of, one of {', '.join(known)}; call the folder "
        "as nnU-Net did, with that at the end after two underscores."
    )
    raise InputError(msg)
