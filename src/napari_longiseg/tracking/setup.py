"""What a tracking run is made of: methods by name with their options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from napari_longiseg.core.methods import REGISTRATIONS, SEGMENTERS, create
from napari_longiseg.core.timing import Timer
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.tracking.options import TrackOptions
from napari_longiseg.tracking.track import Tracker


@dataclass(frozen=True)
class MethodChoice:
    """A registration or segmenter by name, with its options."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrackSettings:
    """How to track: methods with their options, and the options of the propagation."""

    registration: MethodChoice
    segmenter: MethodChoice
    options: TrackOptions = field(default_factory=TrackOptions)


def make_tracker(settings: TrackSettings, cache: RegistrationCache, timer: Timer | None = None) -> Tracker:
    """A tracker from the names and the options of its methods.

    Making a method may import torch or SimpleITK: call this where waiting for them harms no one.

    Parameters
    ----------
    settings : TrackSettings
        Methods and options.
    cache : RegistrationCache
        Where aligned pairs are looked up and kept.
    timer : Timer, optional
        By default one of the tracker's own.

    Raises
    ------
    MissingMethodError
        When no installed package has the method.
    InputError
        When a method does not take an option.
    """
    registration, segmenter = settings.registration, settings.segmenter
    return Tracker(
        create(REGISTRATIONS, registration.name, **registration.options),
        create(SEGMENTERS, segmenter.name, **segmenter.options),
        settings.options,
        cache,
        timer or Timer(),
    )
