"""What pydantic has against a value, in the words of an error of ours."""

from __future__ import annotations

from pydantic import ValidationError


def first_mistake(error: ValidationError) -> str:
    """Field and demand of the first mistake, without a full stop."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    words = first["msg"].removeprefix("Value error, ")
    return f"{where}: {words}" if where else words
