"""What is preferred reaches the options that a run is made with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_longiseg._napari.preferences import Preferences
from napari_longiseg._qt.methods.options_box import OptionsBox


@pytest.fixture
def box(qtbot) -> OptionsBox:
    box = OptionsBox()
    qtbot.addWidget(box)
    return box


def test_methods_device_and_voi_arrive(box):
    box.use(Preferences(registration="affine", segmenter="region", device="cpu", voi_mm=80))
    settings = box.settings()
    assert settings.registration.name == "affine"
    assert settings.registration.options["device"] == "cpu"
    assert settings.segmenter.name == "region"
    assert settings.segmenter.options["voi_mm"] == 80
    assert "device" not in settings.segmenter.options, "region has none"


def test_methods_chosen_later_take_the_preferred_device(box):
    box.use(Preferences(device="cpu"))
    box.segmenter.prefer("longinet", Preferences(device="cpu").method_options)
    assert box.settings().segmenter.options["device"] == "cpu"


def test_what_the_reader_has_set_in_the_panel_stays_unless_the_preference_changes(box):
    wanted = Preferences(segmenter="region", voi_mm=80)
    box.use(wanted)
    box.registration.prefer("rigid", wanted.method_options)
    box.segmenter._form.voi_mm.value = 60
    box.use(replace(wanted, device="cpu", registration="rigid"))
    assert box.settings().segmenter.options["voi_mm"] == 60
    assert box.settings().registration.name == "rigid"
    box.use(replace(wanted, voi_mm=90))
    assert box.settings().segmenter.options["voi_mm"] == 90
