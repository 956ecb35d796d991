"""Forms made from the constructor of a method or of an options class."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any, get_type_hints

from magicgui.widgets import Container, create_widget

UNITS = ("mm", "hu", "ml", "pct")


def option_form(cls: type[Any], only: Collection[str] | None = None) -> Container[Any]:
    """A form with one field per keyword parameter of a class's constructor.

    Parameters
    ----------
    cls : type
        A frozen dataclass, as a rule. Parameters without a default, or of a type that no widget edits, keep
        their default.
    only : collection of str, optional
        Names of the parameters wanted.
    """
    hints = get_type_hints(cls)
    fields = []
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.default is inspect.Parameter.empty or (only is not None and name not in only):
            continue
        field = _field(name, hints.get(name, type(parameter.default)), parameter.default)
        if field is not None:
            fields.append(field)
    form = Container(widgets=fields, labels=True)
    form.margins = (0, 0, 0, 0)
    return form


def _field(name: str, annotation: Any, default: Any) -> Any:  # noqa: ANN401 - any magicgui widget
    limits = {"min": -1e6, "max": 1e6} if annotation in (float, int) else {}
    options = {"step": None, **limits} if limits else {}
    try:
        return create_widget(
            value=default, annotation=annotation, name=name, label=label_of(name), options=options
        )
    except (ValueError, TypeError):
        return None


def label_of(name: str) -> str:
    """A parameter's name as a label: ``max_distance_mm`` reads ``Max distance (mm)``."""
    words = name.split("_")
    unit = words.pop() if len(words) > 1 and words[-1] in UNITS else ""
    text = " ".join(words).capitalize()
    return f"{text} ({unit.upper() if unit == 'hu' else unit})" if unit else text
