"""Find registrations and segmenters through entry points; the built-in ones are declared the same way."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, get_type_hints

from napari_longiseg.core.errors import InputError, MissingMethodError

REGISTRATIONS = "napari_longiseg.registrations"
SEGMENTERS = "napari_longiseg.segmenters"
DEFAULT_REGISTRATION, DEFAULT_SEGMENTER = "deformable", "longinet"
"""What the command line and the panel take unless told otherwise."""


class Browse(Enum):
    """What a reader may look for on the disk to fill in an option."""

    FILE = "file"
    FOLDER = "folder"


FileName = Annotated[str, Browse.FILE]
FolderName = Annotated[str, Browse.FOLDER]
"""Options of a method that name something on the disk: text as any other, and the panel adds a dialog."""

_KINDS: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
"""Types of options that are checked, in words."""


def available(group: str) -> dict[str, EntryPoint]:
    """Installed methods of a group by name; nothing is imported."""
    return {entry.name: entry for entry in sorted(entry_points(group=group), key=lambda e: e.name)}


def method_class(group: str, name: str) -> type[Any]:
    """The class behind a name; its constructor's parameters are the method's options.

    Raises
    ------
    MissingMethodError
        When no installed package declares the name, or its package does not import.
    """
    entries = available(group)
    if name not in entries:
        kind = group.rsplit(".", 1)[1][:-1]
        msg = f"There is no {kind} called {name!r}; installed are {', '.join(entries) or 'none'}."
        raise MissingMethodError(msg)
    try:
        loaded: type[Any] = entries[name].load()
    except ImportError as error:
        msg = f"{name} needs a package that is missing: {error}."
        raise MissingMethodError(msg) from error
    except AttributeError as error:
        msg = f"{name} is declared as {entries[name].value}, which is not there: {error}."
        raise MissingMethodError(msg) from error
    return loaded


def create(group: str, name: str, **options: Any) -> Any:  # noqa: ANN401 - the protocol depends on the group
    """Make a method with its options.

    Raises
    ------
    MissingMethodError
        As :func:`method_class`.
    InputError
        When the method does not take an option, or its value is of another kind.
    """
    cls = method_class(group, name)
    if is_dataclass(cls):
        _check_options(cls, name, options)
    try:
        return cls(**options)
    except TypeError as error:
        msg = f"{name} does not take these options: {error}."
        raise InputError(msg) from error


def options_of(group: str, name: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """A method's options from what a user has typed.

    Parameters
    ----------
    group, name : str
        Which method.
    texts : mapping
        Option to text. It stays a text where the method wants one, whatever it looks like; elsewhere it is
        read as JSON where that is possible.

    Raises
    ------
    MissingMethodError
        As :func:`method_class`.
    """
    kinds = _kinds_of(method_class(group, name))
    return {option: text if kinds.get(option) is str else _read(text) for option, text in texts.items()}


def _read(text: str) -> Any:  # noqa: ANN401 - whatever a user has typed
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _kinds_of(cls: type[Any]) -> dict[str, Any]:
    """Types of a class's options, as far as its annotations can be read."""
    try:
        return get_type_hints(cls)
    except NameError:  # annotations that only a type checker can resolve
        return {}


def _check_options(cls: type[Any], name: str, options: dict[str, Any]) -> None:
    """Refuse options that a dataclass has not, and values that its annotations rule out."""
    known = [field.name for field in fields(cls) if field.init]
    kinds = _kinds_of(cls)
    for option, value in options.items():
        if option not in known:
            msg = f"{name} does not take the option {option!r}; it takes {', '.join(known) or 'none'}."
            raise InputError(msg)
        kind = kinds.get(option, object)
        if kind in _KINDS and not _fits(value, kind):
            msg = f"The option {option!r} of {name} must be {_KINDS[kind]}, not {value!r}."
            raise InputError(msg)


def _fits(value: Any, kind: type[Any]) -> bool:  # noqa: ANN401 - whatever a user has typed
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if kind is float:
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, kind)
