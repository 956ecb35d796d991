"""Configs as YAML files; some come with the package."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from napari_longiseg.core.errors import InputError
from napari_longiseg.io.arriving import arriving
from napari_longiseg.models._mistake import first_mistake
from napari_longiseg.training.config import TrainingConfig

READY = files("napari_longiseg.training") / "configs"
"""Where the configs that come with the package lie."""


def ready_configs() -> list[str]:
    """Names of the configs that come with the package."""
    return sorted(file.name.removesuffix(".yaml") for file in READY.iterdir() if file.name.endswith(".yaml"))


def read_config(name: str, changes: Mapping[str, str] | None = None) -> TrainingConfig:
    """A ready config by its name, or a YAML file.

    Parameters
    ----------
    changes : dict of str to str
        Fields to set otherwise, as YAML: ``{"optimiser.learning_rate": "1e-3"}``.

    Raises
    ------
    InputError
        When there is no such config, it is no YAML, or a field is unknown, missing or out of its range.
    """
    content = _read(name)
    for field, text in (changes or {}).items():
        _change(content, field, text)
    try:
        return TrainingConfig.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{name} cannot be used: {first_mistake(error)}.") from error


def write_config(config: TrainingConfig, path: Path) -> None:
    """Write a config so that it can be read again, defaults and all.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    import yaml

    with arriving(path) as part:
        text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, default_flow_style=None)
        part.write_text(text, encoding="utf-8")


def _read(name: str) -> dict[str, Any]:
    import yaml

    path = READY / f"{name}.yaml" if name in ready_configs() else Path(name)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        msg = f"There is no config {name}; name a YAML file or one of {', '.join(ready_configs())}."
        raise InputError(msg) from error
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        msg = f"{name} cannot be read as YAML: {' '.join(str(error).split())}."
        raise InputError(msg) from error
    if not isinstance(content, dict):
        raise InputError(f"{name} holds no fields; a config starts with one like `kind: longinet`.")
    return content


def _change(content: dict[str, Any], field: str, text: str) -> None:
    """Set ``a.b`` to a value written as YAML."""
    import yaml

    *parents, last = field.split(".")
    for parent in parents:
        if content.get(parent) is None:
            content[parent] = {}
        content = content[parent]
        if not isinstance(content, dict):
            raise InputError(f"{field} cannot be set, since {parent} has no fields.")
    try:
        content[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"The value of {field} cannot be read as YAML: {text}") from error
