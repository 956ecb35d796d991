"""Forms made from the constructor of a method or of an options class."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from pathlib import Path
from textwrap import fill
from typing import Any, get_type_hints

import numpy as np
from magicgui.types import FileDialogMode
from magicgui.widgets import Container, FileEdit, create_widget

from napari_longiseg._qt.methods.parameter_docs import parameter_docs
from napari_longiseg.core.methods import Browse

UNITS = {"mm": "mm", "hu": "HU", "ml": "ml", "pct": "%"}
TIP_WIDTH = 70
ACRONYMS = {"voi": "VOI", "hu": "HU"}


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
    hints, texts = get_type_hints(cls, include_extras=True), parameter_docs(cls)
    fields = []
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.default is inspect.Parameter.empty or (only is not None and name not in only):
            continue
        field = _field(name, hints.get(name, type(parameter.default)), parameter.default)
        if field is not None:
            field.tooltip = fill(texts.get(name, ""), TIP_WIDTH)
            fields.append(field)
    form = Container(widgets=fields, labels=True)
    form.margins = (0, 0, 0, 0)
    return form


def values_of(form: Container[Any]) -> dict[str, Any]:
    """The options as they are in a form."""
    return {
        name: _text_of(value) if isinstance(form[name], FileEdit) else value
        for name, value in form.asdict().items()
    }


def _text_of(path: Path | None) -> str:
    return "" if path is None else str(path)


def _field(name: str, annotation: Any, default: Any) -> Any:  # noqa: ANN401 - any magicgui widget
    for extra in getattr(annotation, "__metadata__", ()):
        if isinstance(extra, Browse):
            return _path_field(name, extra, default)
    options: dict[str, Any] = {"min": -1e6, "max": 1e6} if annotation in (float, int) else {}
    if annotation is float:
        options["step"] = _step(default)
    try:
        field: Any = create_widget(
            value=default, annotation=annotation, name=name, label=label_of(name), options=options
        )
    except (ValueError, TypeError):
        return None
    return field if field.value == default else None


def _path_field(name: str, browse: Browse, default: str) -> FileEdit:
    """A line for a path, empty for none, with a button that opens a dialog."""
    mode = FileDialogMode.EXISTING_FILE if browse is Browse.FILE else FileDialogMode.EXISTING_DIRECTORY
    field = FileEdit(
        mode, name=name, label=label_of(name), value=Path(default) if default else None, nullable=True
    )
    field.choose_btn.text = "…"
    return field


def _step(value: float) -> float:
    """How far one click of a spin box goes; its last digit also sets how many digits the box keeps."""
    return 1.0 if abs(value) >= 1 or value == 0 else float(10.0 ** np.floor(np.log10(abs(value))))


def label_of(name: str) -> str:
    """A parameter's name as a label: ``max_distance_mm`` reads ``Max distance (mm)``."""
    words = name.split("_")
    unit = UNITS[words.pop()] if len(words) > 1 and words[-1] in UNITS else ""
    words[0] = words[0].capitalize()
    text = " ".join(ACRONYMS.get(word.lower(), word) for word in words)
    return f"{text} ({unit})" if unit else text
