"""Text of the command line as values."""

from __future__ import annotations

from collections.abc import Sequence

from napari_longiseg.core.errors import InputError


def three_numbers(text: str, name: str) -> tuple[float, float, float]:
    """``X,Y,Z``, or one number for all three, as (x, y, z)."""
    try:
        numbers = [float(part) for part in text.split(",")]
        x, y, z = numbers * 3 if len(numbers) == 1 else numbers
    except ValueError:
        msg = f"{name} {text!r} should be X,Y,Z or one number."
        raise InputError(msg) from None
    return x, y, z


def named_texts(pairs: Sequence[str], name: str) -> dict[str, str]:
    """``NAME=VALUE`` pairs."""
    values = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            msg = f"{name} {pair!r} should look like NAME=VALUE."
            raise InputError(msg)
        values[key] = value
    return values
