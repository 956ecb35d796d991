"""What a training is to be like: all that `longiseg train` can be told, each field checked and explained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from napari_longiseg.models.architecture import Architecture
from napari_longiseg.models.inputs import Inputs
from napari_longiseg.models.network_file import Kind
from napari_longiseg.training.randomised.options import RandomisedOptions


class Part(BaseModel):
    """A part of a config: it cannot be changed, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RandomisedData(RandomisedOptions):
    """Random cases without end, made while training."""

    source: Literal["randomised"] = Field(description="Where the cases come from.")


class LesionData(Part):
    """Real lesions, from files."""

    jitter: Literal["none", "embedded", "conventional", "reader"] = Field(
        default="embedded",
        description="How far clicks lie from the lesion's point: like those of the embedded registration, of "
        "conventional registration, of a reader (for uls), or not at all.",
    )
    store: Path | None = Field(
        default=None,
        description="Folder to unpack scans into, 2 bytes per voxel; trainings can share it. Null: in OUT.",
    )


class LongitudinalData(LesionData):
    """The public data set Longitudinal-CT, as it is downloaded."""

    source: Literal["longitudinal_ct"] = Field(description="Where the cases come from.")
    folder: Path = Field(description="With inputsTr and targetsTr in it.")
    patients: tuple[str, ...] = Field(default=(), description="Only these; none: all.")
    unclear: bool = Field(default=False, description="Use links that the readers were not sure of.")
    challenge_only: bool = Field(default=False, description="Only lesions that were part of the challenge.")
    propagated: bool = Field(
        default=False, description="Clicks on the follow-up lie where the data set's registration took them."
    )
    both_ways: bool = Field(default=False, description="Carry lesions from follow-up to baseline, too.")


class ManifestData(LesionData):
    """Studies of one's own, with the true outlines beside them."""

    source: Literal["manifests"] = Field(description="Where the cases come from.")
    studies: tuple[Path, ...] = Field(
        min_length=1, description="Manifests, or folders with a study.json; gt_<scan id>.nii.gz beside it."
    )
    forward_only: bool = Field(default=False, description="Only from an earlier scan to a later one.")


Data = Annotated[RandomisedData | LongitudinalData | ManifestData, Field(discriminator="source")]


class Optimiser(Part):
    """How the weights are changed, and how fast."""

    name: Literal["sgd", "adamw"] = Field(description="Stochastic gradient descent, or AdamW.")
    learning_rate: float = Field(gt=0, description="At the start, after the warm-up.")
    momentum: float = Field(default=0.99, gt=0, lt=1, description="Of sgd.")
    nesterov: bool = Field(default=True, description="Nesterov's momentum, for sgd.")
    weight_decay: float = Field(default=3e-5, ge=0, description="Pull of the weights to zero.")
    poly_power: float = Field(default=0.9, ge=0, description="The rate falls as (1 - done) ** poly_power.")
    warmup_epochs: int = Field(default=0, ge=0, description="Epochs at a smaller rate at the start.")
    warmup_factor: float = Field(default=0.1, gt=0, le=1, description="How much smaller it is then.")
    clip_norm: float | None = Field(default=None, gt=0, description="Longest gradient; null: any.")


class Draw(Part):
    """A number that is drawn anew for each case."""

    probability: float = Field(ge=0, le=1, description="Share of cases that are changed.")
    low: float = Field(description="The smallest.")
    high: float = Field(description="The largest.")

    @model_validator(mode="after")
    def _is_range(self) -> Self:
        if self.low > self.high:
            msg = f"low must not be above high: {self.low} is above {self.high}"
            raise ValueError(msg)
        return self


class Augmentation(Part):
    """What cases are changed by; null: not by that.

    Intensities are changed in the windows, where 0 is their lower end and 1 the upper one, alike in all
    windows of one scan, and apart for baseline and follow-up.
    """

    rotation_degrees: Draw | None = Field(default=None, description="About each axis of the VOI.")
    smooth_sigma: Draw | None = Field(default=None, description="Gaussian blur, in voxels.")
    gamma: Draw | None = Field(default=None, description="Intensities to the power of this.")
    scale: Draw | None = Field(default=None, description="Intensities times this.")
    shift: Draw | None = Field(default=None, description="Intensities plus this.")
    noise_sd: Draw | None = Field(default=None, description="Standard deviation of Gaussian noise.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        positive = {"gamma": self.gamma, "smooth_sigma": self.smooth_sigma}
        for name, draw in positive.items():
            if draw and draw.low <= 0:
                raise ValueError(f"{name} must be above 0")
        if self.noise_sd and self.noise_sd.low < 0:
            raise ValueError("noise_sd must be 0 or more")
        return self


class TrainingConfig(Part):
    """All of a training; `longiseg train` takes it as a YAML file."""

    kind: Kind = Field(description="uls: one scan; longinet: a baseline and a follow-up scan.")
    architecture: Architecture | None = Field(
        default=None,
        description="The U-Net, where weights start at random; with init it is that of those weights.",
    )
    inputs: Inputs = Field(description="VOI, windows and clicks that the network sees.")
    init: Path | None = Field(
        default=None,
        description="Weights to start from: a network.safetensors or a checkpoint of a training, or a folder "
        "of a network that nnU-Net has trained; null: random.",
    )
    data: Data = Field(description="Where the cases come from.")
    validation_fraction: float = Field(
        default=0.2, gt=0, lt=1, description="Share of the patients that is set aside, where they are real."
    )
    validation_cases: int = Field(
        default=64, gt=0, description="So many random cases are set aside, always the same."
    )
    augmentation: Augmentation | None = Field(default=None, description="Null: cases stay as they are.")
    optimiser: Optimiser = Field(description="How the weights are changed.")
    epochs: int = Field(gt=0, description="Ends after so many.")
    steps_per_epoch: int | None = Field(
        default=None, gt=0, description="Null: once through the data, where they have an end."
    )
    batch_size: int = Field(gt=0, description="Cases per step, on each device.")
    # YAML takes 32 for a number.
    precision: Annotated[Literal["auto", "32", "16-mixed", "bf16-mixed"], BeforeValidator(str)] = Field(
        default="auto", description="Of the arithmetic; auto: 16-mixed with CUDA, else 32."
    )
    auxiliary_weight: float = Field(
        default=0.3, ge=0, description="Of the loss of the reconstructed baseline mask, for longinet."
    )
    deep_supervision: bool = Field(default=False, description="Let coarse decoder stages learn too.")
    ema: float | None = Field(
        default=None, gt=0, lt=1, description="Decay of a running average of the weights, which is kept."
    )
    half_file: bool = Field(default=False, description="Keep the best network in 16 bits: half the file.")
    devices: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        default="auto", description="GPUs; auto: all. Without any: processes on the CPU; auto: one."
    )
    workers: int = Field(
        default=1, ge=0, description="Processes that make cases, per device; 0: none besides the training."
    )
    threads: int | None = Field(default=None, gt=0, description="Of the CPU; null: torch decides.")
    seed: int = Field(default=0, ge=0, description="Of weights, cases and their order.")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.steps_per_epoch is None and self.data.source == "randomised":
            raise ValueError("steps_per_epoch must be given, since random cases have no end")
        if self.architecture is None and self.init is None:
            raise ValueError("architecture must be given, or init with weights that say it")
        return self
