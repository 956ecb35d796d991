import pytest

from napari_longiseg.core.errors import InputError, MissingMethodError
from napari_longiseg.core.methods import DEFAULT_REGISTRATION, DEFAULT_SEGMENTER
from napari_longiseg.core.timing import Timer
from napari_longiseg.registration.cache import RegistrationCache
from napari_longiseg.registration.identity import IdentityRegistration
from napari_longiseg.tracking.options import TrackOptions
from napari_longiseg.tracking.setup import MethodChoice, TrackSettings, make_tracker

IDENTITY, REGION = MethodChoice("identity"), MethodChoice("region", {"voi_mm": 50.0})


def test_methods_by_name_with_their_options():
    cache, timer = RegistrationCache(), Timer()
    tracker = make_tracker(TrackSettings(IDENTITY, REGION, TrackOptions(boosting=True)), cache, timer)
    assert tracker.registration == IdentityRegistration()
    assert tracker.segmenter.info.voi_mm == (50.0, 50.0, 50.0)
    assert tracker.options.boosting
    assert tracker.cache is cache
    assert tracker.timer is timer


def test_the_defaults_are_installed():
    settings = TrackSettings(MethodChoice(DEFAULT_REGISTRATION), MethodChoice(DEFAULT_SEGMENTER))
    assert make_tracker(settings, RegistrationCache()).registration.name == DEFAULT_REGISTRATION


def test_refusals():
    with pytest.raises(MissingMethodError, match="no registration called 'magic'"):
        make_tracker(TrackSettings(MethodChoice("magic"), REGION), RegistrationCache())
    with pytest.raises(InputError, match="identity does not take the option 'speed'"):
        make_tracker(TrackSettings(MethodChoice("identity", {"speed": 3}), REGION), RegistrationCache())
