from __future__ import annotations

import numpy as np
import pytest
from napari.utils.key_bindings import coerce_keybinding

from napari.layers import Image
from napari_longiseg._napari.keys import KEYS, bind_keys


@pytest.fixture
def pressed() -> list[str]:
    """Names of the actions whose keys were pressed."""
    return []


@pytest.fixture
def handlers(pressed):
    return {key.name: lambda name=key.name: pressed.append(name) for key in KEYS}


@pytest.fixture
def planes(monkeypatch) -> list[str]:
    """Image layers take Y for themselves, as in a napari window."""
    turned: list[str] = []
    monkeypatch.setitem(Image.class_keymap, coerce_keybinding("Y"), lambda _: turned.append("y"))
    return turned


def test_every_key_does_one_thing():
    assert len({key.key for key in KEYS}) == len({key.name for key in KEYS}) == len(KEYS)
    letters = {key.key for key in KEYS if len(key.key) == 1}
    assert letters == set("JKNYQUGHW"), "the single letters that napari leaves free"


def test_all_keys_reach_their_handlers(viewer, handlers, pressed, press):
    bind_keys(viewer, handlers)
    for key in KEYS:
        press(key.key)
    assert pressed == [key.name for key in KEYS]


def test_released_keys_are_silent(viewer, handlers, pressed, press):
    release = bind_keys(viewer, handlers)
    release()
    release()
    for key in KEYS:
        press(key.key)
    assert pressed == []
    assert viewer.keymap == {}


def test_what_somebody_bound_before_is_given_back(viewer, handlers, pressed, press):
    viewer.bind_key("J", lambda _: pressed.append("theirs"))
    release = bind_keys(viewer, handlers)
    press("J")
    release()
    press("J")
    assert pressed == ["next_lesion", "theirs"]


def test_what_somebody_bound_since_stays_theirs(viewer, handlers, pressed, press):
    release = bind_keys(viewer, handlers)
    viewer.bind_key("J", lambda _: pressed.append("theirs"), overwrite=True)
    release()
    press("J")
    assert pressed == ["theirs"]


def test_y_of_image_layers_is_lent_too(viewer, handlers, pressed, planes, press):
    viewer.add_image(np.zeros((3, 3, 3)))
    release = bind_keys(viewer, handlers)
    press("Y")
    viewer.layers.selection.active = viewer.add_image(np.zeros((3, 3, 3)))
    press("Y")
    assert (pressed, planes) == (["accept", "accept"], [])
    release()
    viewer.layers.selection.active = viewer.add_image(np.zeros((3, 3, 3)))
    for layer in viewer.layers:
        assert layer.keymap == {}
        viewer.layers.selection.active = layer
        press("Y")
    assert (len(pressed), len(planes)) == (2, 3)


def test_a_removed_layer_is_let_go_of(viewer, handlers, planes):
    release = bind_keys(viewer, handlers)
    layer = viewer.add_image(np.zeros((3, 3, 3)))
    assert layer.keymap
    viewer.layers.remove(layer)
    assert layer.keymap == {}
    layer.bind_key("Y", theirs := lambda _: None)
    release()
    assert list(layer.keymap.values()) == [theirs]


def test_a_second_panel_takes_the_keys_over(viewer, handlers, pressed, press):
    first = bind_keys(viewer, {"accept": lambda: pressed.append("first")})
    second = bind_keys(viewer, handlers)
    press("Y")
    first()  # its panel is closed later, and harms nobody
    press("Y")
    second()
    press("Y")
    assert pressed == ["accept", "accept"]
    assert viewer.keymap == {}


def test_keys_without_a_handler_are_left_alone(viewer, pressed, press):
    viewer.bind_key("W", lambda _: pressed.append("theirs"))
    bind_keys(viewer, {"accept": lambda: None})
    press("W")
    assert pressed == ["theirs"]
