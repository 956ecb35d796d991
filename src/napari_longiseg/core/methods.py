"""Find registrations and segmenters through entry points; the built-in ones are declared the same way."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from napari_longiseg.core.errors import InputError, MissingMethodError

REGISTRATIONS = "napari_longiseg.registrations"
SEGMENTERS = "napari_longiseg.segmenters"


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
    return loaded


def create(group: str, name: str, **options: Any) -> Any:  # noqa: ANN401 - the protocol depends on the group
    """Make a method with its options.

    Raises
    ------
    MissingMethodError
        As :func:`method_class`.
    InputError
        When the method does not take an option.
    """
    cls = method_class(group, name)
    try:
        return cls(**options)
    except TypeError as error:
        msg = f"{name} does not take these options: {error}."
        raise InputError(msg) from error
