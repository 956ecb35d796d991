"""One colour per lesion, the same on every scan and in the table."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap

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
    """Colour of a lesion as ``#rrggbb``."""
    return PALETTE[(lesion_id - 1) % len(PALETTE)]


def lesion_rgba(lesion_id: int) -> Rgba:
    """Colour of a lesion as red, green, blue, alpha from 0 to 1."""
    code = lesion_hex(lesion_id)
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, 1.0


def lesion_colormap() -> Any:  # noqa: ANN401 - napari's pydantic model
    """Colours of a label volume whose labels are lesion ids; 0 is transparent."""
    colors = np.array([(0.0, 0.0, 0.0, 0.0), *(lesion_rgba(i + 1) for i in range(len(PALETTE)))])
    return CyclicLabelColormap(colors=colors, background_value=0, name="lesions")
