"""How lesions and all else are drawn in charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

NAME_LENGTH = 14
FADED = 0.45
"""Opacity of lesions that are not the selected one."""


@dataclass(frozen=True, slots=True)
class Look:
    """How lesions and all else are drawn.

    Attributes
    ----------
    text, background : str
        Colours as ``#rrggbb``.
    colour : callable
        Of a lesion id.
    names : mapping
        Of lesion ids.
    scans : mapping
        What stands below a scan id on the axis.
    selected : int or None
        The lesion that stands out.
    """

    text: str
    background: str
    colour: Callable[[int], str]
    names: Mapping[int, str]
    scans: Mapping[str, str]
    selected: int | None = None

    def opacity(self, lesion_id: int) -> float:
        """Less for those that are not selected, where one is."""
        return 1.0 if self.selected not in self.names or lesion_id == self.selected else FADED

    def name(self, lesion_id: int) -> str:
        """Short enough to stand beside a chart."""
        name = self.names[lesion_id]
        return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"
