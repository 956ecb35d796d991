"""One colour per lesion, the same on every scan and in the table."""

from __future__ import annotations

from collections.abc import Collection
from math import ceil
from typing import Any

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap

from napari_longiseg.core.lesion import Lesion

Rgba = tuple[float, float, float, float]

PALETTE = (
    "#ff5a5f",
    "#3ddc97",
    "#4aa8ff",
    "#ffc145",
    "#c77dff",
    "#2ee6e6",
    "#ff8c42",
    "#b8e04a",
    "#ff7ac6",
    "#9aa7ff",
)
"""Bright enough to stand out from both lung and soft tissue; repeats after ten lesions."""


def lesion_hex(lesion_id: int) -> str:
    """Colour that the palette has for a lesion, as ``#rrggbb``."""
    return PALETTE[(lesion_id - 1) % len(PALETTE)]


def colour_of(lesion: Lesion) -> str:
    """Colour of a lesion as ``#rrggbb``: the reader's choice, else the palette's."""
    return lesion.colour or lesion_hex(lesion.id)


def rgba(code: str, alpha: float = 1.0) -> Rgba:
    """A colour ``#rrggbb`` as red, green, blue, alpha from 0 to 1."""
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, alpha


def lesion_rgba(lesion_id: int) -> Rgba:
    """Colour that the palette has for a lesion, as red, green, blue, alpha from 0 to 1."""
    return rgba(lesion_hex(lesion_id))


def label_colours(lesions: Collection[Lesion] = ()) -> tuple[str, ...]:
    """Colours of the labels from 1 on; they repeat.

    One palette while no lesion has a colour of its own; else enough palettes for all lesions, and for one
    more that may be painted, so that no two labels share a colour that was chosen for one.
    """
    chosen = {lesion.id: lesion.colour for lesion in lesions if lesion.colour}
    highest = max(lesion.id for lesion in lesions) + 1 if chosen else 1
    count = len(PALETTE) * ceil(highest / len(PALETTE))
    return tuple(chosen.get(label) or lesion_hex(label) for label in range(1, count + 1))


def lesion_colormap(lesions: Collection[Lesion] = ()) -> Any:  # noqa: ANN401 - napari's pydantic model
    """Colours of a label volume whose labels are lesion ids; 0 is transparent.

    A cyclic map, which napari draws faster than one that names each label.
    """
    colors = np.array([(0.0, 0.0, 0.0, 0.0), *(rgba(code) for code in label_colours(lesions))])
    return CyclicLabelColormap(colors=colors, background_value=0, name="lesions")
