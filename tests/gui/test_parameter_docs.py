from __future__ import annotations

import pytest

from napari_longiseg._qt.methods.option_form import option_form
from napari_longiseg._qt.methods.parameter_docs import parameter_docs
from napari_longiseg.core import methods


class Documented:
    """A class.

    Parameters
    ----------
    one : int
        First line,
        second ``line``.
    two, three : float
        Both.

    Attributes
    ----------
    four
        Without a type.

    Raises
    ------
    InputError
        Not a parameter.
    """


class Special(Documented):
    """A class with one parameter more.

    Attributes
    ----------
    two : float
        Said better.
    five : int
        Its own.
    """


class Bare:
    pass


def test_texts_are_those_of_the_docstring():
    assert parameter_docs(Documented) == {
        "one": "First line, second line.",
        "two": "Both.",
        "three": "Both.",
        "four": "Without a type.",
    }
    assert parameter_docs(Bare) == {}


def test_what_a_base_describes_counts_too():
    texts = parameter_docs(Special)
    assert (texts["one"], texts["two"], texts["five"]) == (
        "First line, second line.",
        "Said better.",
        "Its own.",
    )


@pytest.mark.parametrize(
    ("group", "name"),
    [
        (methods.REGISTRATIONS, "deformable"),
        (methods.REGISTRATIONS, "lunggradicon"),
        (methods.SEGMENTERS, "region"),
    ],
)
def test_every_option_of_the_built_in_methods_has_a_tooltip(qtbot, group, name):
    form = option_form(methods.method_class(group, name))
    assert {field.name: bool(field.tooltip) for field in form} == {field.name: True for field in form}
