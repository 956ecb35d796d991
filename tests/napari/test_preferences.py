"""Preferences as napari keeps them: through its own page, from the manifest."""

from __future__ import annotations

from dataclasses import fields
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from npe2 import PluginManifest

from napari_longiseg._napari.preferences import (
    DATE_COLOURS,
    PLUGIN,
    STRAIGHT,
    Preferences,
    preferences,
    watch,
)
from napari_longiseg.core.methods import REGISTRATIONS, SEGMENTERS
from napari_longiseg.models import registry


@pytest.fixture
def page(plugin_settings, npe2pm):
    """What the Preferences dialog edits."""
    from napari.settings import get_plugin_settings

    if PLUGIN not in npe2pm:
        npe2pm.register(PluginManifest.from_distribution(PLUGIN))
    return get_plugin_settings(PLUGIN)


@pytest.fixture
def model_folder(monkeypatch):
    monkeypatch.delenv(registry.ENVIRONMENT, raising=False)
    yield
    registry.choose_folder("")


def test_without_a_page_all_is_as_usual(plugin_settings):
    assert preferences() == Preferences()
    watch(print)()  # nothing to watch


def test_the_page_starts_with_the_defaults_of_the_code(page):
    assert preferences() == Preferences()


def test_the_page_has_an_entry_for_each(page):
    entries = {name for part in (page.tracking, page.display, page.files) for name in type(part).model_fields}
    assert entries == {one.name for one in fields(Preferences)}


@pytest.mark.parametrize(("group", "name"), [(REGISTRATIONS, "registration"), (SEGMENTERS, "segmenter")])
def test_the_page_offers_the_methods_of_this_package(page, group, name):
    offered = type(page.tracking).model_fields[name].json_schema_extra["enum"]
    ours = sorted(entry.name for entry in entry_points(group=group) if entry.dist.name == PLUGIN)
    assert offered == ours


def test_changes_arrive_and_are_kept(page):
    seen = []
    release = watch(seen.append)
    page.tracking.device = "cpu"
    page.tracking.mode = STRAIGHT
    page.files.autosave_s = 30
    release()
    page.tracking.device = "auto"
    assert len(seen) == 3
    assert seen[-1] == Preferences(device="cpu", mode=STRAIGHT, autosave_s=30)
    assert seen[-1].straight
    assert "autosave_s: 30" in Path(page.config_path).read_text()
    release()


@pytest.mark.parametrize(
    ("part", "name", "value"), [("tracking", "device", "tpu"), ("tracking", "voi_mm", 5)]
)
def test_the_page_refuses_what_cannot_be(page, part, name, value):
    with pytest.raises(ValueError, match=name):
        setattr(getattr(page, part), name, value)


def test_options_that_methods_share():
    assert Preferences(device="cpu", voi_mm=80).method_options == {"device": "cpu", "voi_mm": 80}


def test_a_method_of_another_package_goes_first_where_it_is_installed():
    assert Preferences(registration="affine").registration_name == "affine"
    assert Preferences(other_registration="rigid").registration_name == "rigid"
    missing = Preferences(other_segmenter="theirs")
    assert missing.segmenter_name == "longinet"
    assert "'theirs' is not installed" in missing.doubts[0]


def test_colours_of_dates():
    assert Preferences().colours_of_dates == DATE_COLOURS
    assert Preferences().doubts == ()
    some = Preferences(date_colours="#000000, blue")
    assert some.colours_of_dates == ("#000000", *DATE_COLOURS[1:])
    assert "'blue' in the colours of dates" in some.doubts[0]
    assert Preferences(date_colours="").colours_of_dates == DATE_COLOURS
    eight = ", ".join(["#111111"] * 8)
    assert len(Preferences(date_colours=eight).colours_of_dates) == 8


def test_weights_are_looked_for_in_the_folder_of_choice(model_folder, tmp_path, monkeypatch):
    usual = registry.folder()
    Preferences(model_folder=str(tmp_path)).use_model_folder()
    assert registry.folder() == tmp_path
    monkeypatch.setenv(registry.ENVIRONMENT, str(tmp_path / "named"))
    assert registry.folder() == tmp_path / "named"
    monkeypatch.delenv(registry.ENVIRONMENT)
    Preferences().use_model_folder()
    assert registry.folder() == usual
