"""What a training is to be like: one YAML file, every field checked and explained here."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_longiseg.core.errors import InputError
from napari_longiseg.models.architecture import Architecture
from napari_longiseg.models.inputs import Inputs
from napari_longiseg.models.network_file import Kind
from napari_longiseg.training.randomised.options import RandomisedOptions

READY = files("napari_longiseg.training") / "configs"
"""Where the configs that come with the package lie."""


class Part(BaseModel):
    """A part of a config: it cannot be changed, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RandomisedData(RandomisedOptions):
    """Random cases without end, made while training."""

    source: Literal["randomised"] = Field(description="Where the cases come from.")


class Optimiser(Part):
    """How the weights are changed, and how fast."""

    name: Literal["sgd", "adamw"] = Field(description="Stochastic gradient descent, or AdamW.")
    learning_rate: float = Field(gt=0, description="At the start, after the warm-up.")
    momentum: float = Field(default=0.99, ge=0, lt=1, description="Of sgd.")
    nesterov: bool = Field(default=True, description="Nesterov's momentum, for sgd.")
    weight_decay: float = Field(default=3e-5, ge=0, description="Pull of the weights to zero.")
    poly_power: float = Field(default=0.9, ge=0, description="The rate falls as (1 - done) ** poly_power.")
    warmup_epochs: int = Field(default=0, ge=0, description="Epochs at a smaller rate at the start.")
    warmup_factor: float = Field(default=0.1, gt=0, le=1, description="How much smaller it is then.")
    clip_norm: float | None = Field(default=None, gt=0, description="Longest gradient; null: any.")


class TrainingConfig(Part):
    """All of a training; `longiseg train` takes it as a YAML file."""

    kind: Kind = Field(description="uls: one scan; longinet: a baseline and a follow-up scan.")
    architecture: Architecture | None = Field(
        default=None, description="The U-Net; null: that of the weights to start from."
    )
    inputs: Inputs = Field(description="VOI, windows and clicks that the network sees.")
    init: str | None = Field(
        default=None,
        description="Weights to start from: a network.safetensors or a checkpoint of ours; null: random.",
    )
    data: RandomisedData = Field(description="Where the cases come from.")
    optimiser: Optimiser = Field(description="How the weights are changed.")
    epochs: int = Field(gt=0, description="Ends after so many.")
    steps_per_epoch: int | None = Field(
        default=None, gt=0, description="Null: once through the data, where they have an end."
    )
    batch_size: int = Field(gt=0, description="Cases per step, on each device.")
    precision: Literal["auto", "32", "16-mixed", "bf16-mixed"] = Field(
        default="auto", description="Of the arithmetic; auto: 16-mixed with CUDA, else 32."
    )
    auxiliary_weight: float = Field(
        default=0.3, ge=0, description="Of the loss of the reconstructed baseline mask, for longinet."
    )
    deep_supervision: bool = Field(default=False, description="Let coarse decoder stages learn too.")
    ema: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Decay of a running average of the weights, which is what is kept.",
    )
    validation_cases: int = Field(
        default=64, gt=0, description="So many random cases are set aside, always the same."
    )
    devices: int | Literal["auto"] = Field(default="auto", description="GPUs; auto: all that are visible.")
    workers: int = Field(default=1, ge=0, description="Processes that make cases, per device; 0: none.")
    seed: int = Field(default=0, ge=0, description="Of weights, cases and their order.")
    threads: int | None = Field(default=None, gt=0, description="Of the CPU; null: torch decides.")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.steps_per_epoch is None and self.data.source == "randomised":
            msg = "steps_per_epoch must be given, since random cases have no end"
            raise ValueError(msg)
        if self.architecture and any(
            edge % step for edge, step in zip(self.inputs.size, self.architecture.steps, strict=True)
        ):
            msg = (
                f"inputs.size {self.inputs.size} must be multiples of the network's {self.architecture.steps}"
            )
            raise ValueError(msg)
        return self


def ready_configs() -> list[str]:
    """Names of the configs that come with the package."""
    return sorted(
        entry.name.removesuffix(".yaml") for entry in READY.iterdir() if entry.name.endswith(".yaml")
    )


def read_config(name: str, changes: dict[str, str] | None = None) -> TrainingConfig:
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
    import yaml

    path = READY / f"{name}.yaml" if name in ready_configs() else Path(name)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"There is no config {name}; name a YAML file or one of {', '.join(ready_configs())}."
        raise InputError(msg) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        msg = f"{name} cannot be read as YAML: {' '.join(str(error).split())}."
        raise InputError(msg) from error
    if not isinstance(content, dict):
        msg = f"{name} holds no fields; a config starts with one like `kind: longinet`."
        raise InputError(msg)
    for field, text in (changes or {}).items():
        _change(content, field, text)
    return _checked(content, name)


def _change(content: dict[str, Any], field: str, text: str) -> None:
    """Set ``a.b`` to a value written as YAML."""
    import yaml

    *parents, last = field.split(".")
    for parent in parents:
        deeper = content.setdefault(parent, {})
        if not isinstance(deeper, dict):
            msg = f"{field} cannot be set, since {parent} has no fields."
            raise InputError(msg)
        content = deeper
    try:
        content[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        msg = f"{field}={text} cannot be read as YAML."
        raise InputError(msg) from error


def _checked(content: dict[str, Any], name: str) -> TrainingConfig:
    try:
        return TrainingConfig.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"{part}: " for part in (".".join(map(str, first["loc"])),) if part)
        msg = f"{name} cannot be used: {place}{first['msg'].removeprefix('Value error, ')}."
        raise InputError(msg) from error
