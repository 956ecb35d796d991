"""What a network of nnU-Net wants to see of a scan, as its plans say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_longiseg.core.errors import InputError
from napari_longiseg.models._mistake import first_mistake
from napari_longiseg.models._plans import Words, entry
from napari_longiseg.models.architecture import Triple
from napari_longiseg.models.inputs import Inputs, Window

CT = "CTNormalization"
Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class Normalisation:
    """What nnU-Net does to a channel before the network sees it.

    Attributes
    ----------
    scheme : str
        nnU-Net's name of it.
    window : Window or None
        What ``CTNormalization`` does: clamps to the 0.5 and 99.5 percentile of the lesions in the training
        data, takes off their mean and divides by their standard deviation. None for other schemes.
    """

    scheme: str
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class NnunetInputs:
    """What a network of nnU-Net sees.

    Attributes
    ----------
    patch_size : tuple of int
        Voxels of the VOIs that it was trained on, order (z, y, x).
    spacing_mm : tuple of float or None
        Of the voxels that scans are resampled to, order (z, y, x); None where they are left as they are.
    normalisations : tuple of Normalisation
        One per channel.
    """

    patch_size: Triple
    spacing_mm: tuple[float, float, float] | None
    normalisations: tuple[Normalisation, ...]

    def as_ours(self) -> Inputs:
        """The same for a network of ours.

        Raises
        ------
        InputError
            When the voxels or the normalisation are not of the kinds that ours see.
        """
        windows = tuple(each.window for each in self.normalisations if each.window)
        if len(windows) < len(self.normalisations):
            schemes = ", ".join(each.scheme for each in self.normalisations)
            raise InputError(f"A network of ours sees windows of HU, which {schemes} does not make.")
        if self.spacing_mm and len(set(self.spacing_mm)) > 1:
            voxels = " x ".join(f"{edge:g}" for edge in self.spacing_mm)
            raise InputError(f"A network of ours sees voxels with equal edges, and not of {voxels} mm.")
        voxel = self.spacing_mm and self.spacing_mm[:1]
        return Inputs(size=self.patch_size, spacings_mm=voxel, windows=windows)


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class _Configuration(_Part):
    patch_size: Triple
    spacing: tuple[Positive, Positive, Positive]
    normalization_schemes: tuple[str, ...]
    resampling_fn_data: str = ""
    previous_stage: str | None = None


class _Intensities(_Part):
    percentile_00_5: float
    percentile_99_5: float
    mean: float
    std: float


M = TypeVar("M", bound=BaseModel)


def inputs_of(plans: Words, words: Words, channels: int, source: str) -> NnunetInputs:
    """What the network of a configuration sees.

    Parameters
    ----------
    words : dict
        The configuration.
    channels : int
        Of the scans that it was trained on.

    Raises
    ------
    InputError
        When it sees slices, turned scans or another network's result, or the plans are damaged.
    """
    if len(entry(words, "patch_size", list, source)) == 2:
        raise InputError(f"{source} is of a network for 2-D slices; only 3-D ones can be used here.")
    if plans.get("transpose_forward", [0, 1, 2]) != [0, 1, 2]:
        raise InputError(f"{source} is of a network that sees scans turned, which cannot be used here.")
    wanted = _checked(_Configuration, words, source)
    if wanted.previous_stage:
        msg = f"{source} is of a network that refines {wanted.previous_stage}'s result; take that one."
        raise InputError(msg)
    if len(wanted.normalization_schemes) != channels:
        msg = f"{source} normalises {len(wanted.normalization_schemes)} channels, and there are {channels}."
        raise InputError(msg)
    as_they_are = "no_resampling" in wanted.resampling_fn_data  # ULS23 and ULS+
    return NnunetInputs(
        wanted.patch_size,
        None if as_they_are else wanted.spacing,
        tuple(
            _normalisation(plans, scheme, channel, source)
            for channel, scheme in enumerate(wanted.normalization_schemes)
        ),
    )


def _normalisation(plans: Words, scheme: str, channel: int, source: str) -> Normalisation:
    if scheme != CT:
        return Normalisation(scheme)
    old, new = (f"foreground_intensity_properties_{by}" for by in ("by_modality", "per_channel"))
    every = entry(plans, new if new in plans else old, dict, source)
    found = _checked(_Intensities, entry(every, str(channel), dict, source), source)
    window = {
        "low_hu": found.percentile_00_5,
        "high_hu": found.percentile_99_5,
        "normal": (found.mean, found.std),
    }
    return Normalisation(scheme, _checked(Window, window, source))


def _checked(kind: type[M], words: Words, source: str) -> M:
    try:
        return kind.model_validate(words)
    except ValidationError as error:
        raise InputError(f"{source} is not as nnU-Net writes it: {first_mistake(error)}.") from error
