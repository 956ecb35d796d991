"""What a numpy-style docstring says about each parameter."""

from __future__ import annotations

import inspect
import re
from typing import Any

SECTION = re.compile(
    r"^(Parameters|Attributes)\n-+\n(.*?)(?=^\w[^\n]*\n-{3,}\n|\Z)", re.MULTILINE | re.DOTALL
)
ENTRY = re.compile(r"^(\w+(?:, \w+)*)(?: ?:[^\n]*)?\n((?:[ ]+[^\n]*\n?|\n)+)", re.MULTILINE)


def parameter_docs(cls: type[Any]) -> dict[str, str]:
    """Text of every parameter or attribute that a class or its bases describe, on one line each."""
    texts: dict[str, str] = {}
    for described in reversed(cls.__mro__):
        for section in SECTION.finditer(inspect.cleandoc(described.__doc__ or "")):
            for names, text in ENTRY.findall(section.group(2) + "\n"):
                one_line = " ".join(text.split()).replace("``", "")
                texts |= dict.fromkeys(names.split(", "), one_line)
    return texts
