from importlib.metadata import EntryPoint

import pytest

from napari_longiseg.core import methods
from napari_longiseg.core.errors import InputError, MissingMethodError


def test_built_in_methods_are_entry_points():
    assert {"identity", "deformable"} <= set(methods.available(methods.REGISTRATIONS))
    assert "region" in methods.available(methods.SEGMENTERS)


def test_create_with_options():
    assert methods.create(methods.REGISTRATIONS, "identity").name == "identity"
    with pytest.raises(InputError, match="identity does not take the option 'speed'; it takes none"):
        methods.create(methods.REGISTRATIONS, "identity", speed=3)
    with pytest.raises(InputError, match=r"region does not take the option 'speed'; it takes voi_mm, "):
        methods.create(methods.SEGMENTERS, "region", speed=3)


def test_a_class_that_is_not_there(monkeypatch):
    entry = EntryPoint("mine", "napari_longiseg.core.methods:Mine", methods.SEGMENTERS)
    monkeypatch.setattr(methods, "entry_points", lambda group: [entry])
    with pytest.raises(MissingMethodError, match=r"mine is declared as .*methods:Mine, which is not there"):
        methods.create(methods.SEGMENTERS, "mine")


@pytest.mark.parametrize(
    ("option", "value", "demand"),
    [
        ("iterations", "abc", "must be a whole number, not 'abc'"),
        ("iterations", 2.5, "must be a whole number"),
        ("iterations", True, "must be a whole number"),
        ("refine_radius_mm", "wide", "must be a number"),
        ("refine_radius_mm", float("nan"), "must be a number, not nan"),
        ("device", 0, "must be a text"),
    ],
)
def test_options_of_another_kind(option, value, demand):
    with pytest.raises(InputError, match=f"The option '{option}' of deformable {demand}"):
        methods.create(methods.REGISTRATIONS, "deformable", **{option: value})
    assert methods.create(methods.REGISTRATIONS, "deformable", refine_radius_mm=30).refine_radius_mm == 30


def test_a_method_that_is_no_dataclass(monkeypatch):
    class Plain:
        name = "plain"

        def __init__(self, level):
            self.level = level

    monkeypatch.setattr(methods, "method_class", lambda group, name: Plain)
    assert methods.create(methods.SEGMENTERS, "plain", level="any").level == "any"
    with pytest.raises(InputError, match=r"plain does not take these options: .*'speed'"):
        methods.create(methods.SEGMENTERS, "plain", speed=3)


def test_unknown_names_the_known():
    with pytest.raises(MissingMethodError, match=r"no registration called 'elastix'.*identity"):
        methods.create(methods.REGISTRATIONS, "elastix")


def test_a_package_that_does_not_import(monkeypatch):
    class Broken:
        name = "broken"

        def load(self):
            raise ImportError("No module named 'secret'")

    monkeypatch.setattr(methods, "entry_points", lambda group: [Broken()])
    with pytest.raises(MissingMethodError, match=r"needs a package that is missing.*secret"):
        methods.create(methods.SEGMENTERS, "broken")


@pytest.mark.parametrize(
    ("method", "typed", "values"),
    [
        ("deformable", {"iterations": "12", "device": "cpu"}, {"iterations": 12, "device": "cpu"}),
        ("greedy", {"iterations": "60", "spacing_mm": "3"}, {"iterations": "60", "spacing_mm": 3}),
        ("external", {"file": "2024", "invert": "true"}, {"file": "2024", "invert": True}),
        ("deformable", {"iterations": "many", "unknown": "1"}, {"iterations": "many", "unknown": 1}),
    ],
)
def test_typed_options_become_what_the_method_wants(method, typed, values):
    assert methods.options_of(methods.REGISTRATIONS, method, typed) == values
