import pytest

from napari_longiseg.core import methods
from napari_longiseg.core.errors import InputError, MissingMethodError


def test_built_in_methods_are_entry_points():
    assert {"identity", "deformable"} <= set(methods.available(methods.REGISTRATIONS))
    assert "region" in methods.available(methods.SEGMENTERS)


def test_create_with_options():
    assert methods.create(methods.REGISTRATIONS, "identity").name == "identity"
    with pytest.raises(InputError, match="does not take these options"):
        methods.create(methods.REGISTRATIONS, "identity", speed=3)


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
