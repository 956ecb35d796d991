"""What a checked registration looks like as napari layers; pure functions, all in millimetres."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.utils.colormaps import Colormap

import napari.layers
from napari_longiseg._napari.layers.scans import OVERLAY_KEY, space_options
from napari_longiseg._napari.layers.windows import WINDOW_RANGE, Window
from napari_longiseg.core.geometry import Grid
from napari_longiseg.registration.check import RegistrationCheck, straight_lines

SOURCE_COLOUR, TARGET_COLOUR = "magenta", "green"
"""Of the overlay; where both scans are equal they add up to grey."""
LINE_COLOUR = (1.0, 0.85, 0.2)
UNCERTAINTY_MM = (0.0, 10.0)


class View(StrEnum):
    """How a registration is looked at."""

    OFF = "off"
    OVERLAY = "overlay"
    """Both scans, each in a colour."""
    CHECKERBOARD = "checkerboard"
    """Both scans in turn."""
    GRID = "grid"
    """A regular lattice of the source scan, carried to the target."""
    UNCERTAINTY = "uncertainty"
    """What the registration says of its error."""

    @property
    def in_hu(self) -> bool:
        """Whether it is shown in the CT window."""
        return self in (View.OVERLAY, View.CHECKERBOARD)


@dataclass(frozen=True)
class Look:
    """An image layer as it is wanted.

    Attributes
    ----------
    grid : Grid
        Where it lies.
    attributes : dict
        Of the layer.
    limits_range : (2,) float
        What its contrast limits may be.
    colorbar : bool
        Whether its colours are explained beside it.
    """

    grid: Grid
    attributes: dict[str, Any]
    limits_range: tuple[float, float]
    colorbar: bool = False

    def layer(self) -> napari.layers.Image:
        """A layer that looks so."""
        options = {**self.attributes, **space_options(self.grid), "metadata": {OVERLAY_KEY: True}}
        layer = napari.layers.Image(**options)
        layer.contrast_limits_range = self.limits_range
        layer.name_overlay.visible = True
        layer.colorbar.position = "bottom_right"
        layer.colorbar.visible = self.colorbar
        return layer

    def put_on(self, layer: napari.layers.Image) -> None:
        """Make a layer of another look, on the same grid, look so; that is far quicker than a new layer."""
        layer.visible = self.attributes["visible"]
        if layer.visible:
            layer.contrast_limits_range = self.limits_range
            for name, value in self.attributes.items():
                setattr(layer, name, value)
            layer.colorbar.visible = self.colorbar


def check_looks(
    check: RegistrationCheck, view: View, displayed: Collection[int], square_mm: float, window: Window
) -> dict[str, Look]:
    """What lies over the target and over the source, by scan id; nothing where the view is off.

    Parameters
    ----------
    check : RegistrationCheck
        What is shown.
    view : View
        How it is shown.
    displayed : collection of int
        Axes that the viewer displays.
    square_mm : float
        Edge of the checkerboard's squares.
    window : (2,) float
        Lowest and highest HU shown.
    """
    if view is View.OFF:
        return {}
    source, target = check.source.id, check.target.id
    if view is View.OVERLAY:
        name = f"{source} ({SOURCE_COLOUR}) on {target} ({TARGET_COLOUR})"
        over = _look(check.grid, name, check.warped, window, WINDOW_RANGE, SOURCE_COLOUR, blending="additive")
    elif view is View.CHECKERBOARD:
        board = check.checkerboard(square_mm)
        over = _look(check.grid, f"{source} and {target} in squares", board, window, WINDOW_RANGE, "gray")
    elif view is View.GRID:
        over = _lines(check.grid, f"Lattice of {source} on {target}", check.lines(displayed))
    else:
        over = _uncertainty(check, f"{source} to {target}: uncertainty (mm)")
    grid, lines = straight_lines(check.source, displayed)
    beside = _lines(grid, f"Lattice of {source}", lines, visible=view is View.GRID)
    return {target: over, source: beside}


def _lines(grid: Grid, name: str, lines: npt.NDArray[np.uint8], visible: bool = True) -> Look:
    colours = Colormap([(*LINE_COLOUR, 0.0), (*LINE_COLOUR, 0.9)], name="lattice")
    limits = (0.0, 255.0)
    return _look(grid, name, lines, limits, limits, colours, interpolation2d="linear", visible=visible)


def _uncertainty(check: RegistrationCheck, name: str) -> Look:
    data, limits = check.uncertainty_mm, UNCERTAINTY_MM
    look = _look(check.grid, name, data, limits, limits, "plasma", interpolation2d="linear", opacity=0.5)
    return replace(look, colorbar=True)


def _look(
    grid: Grid,
    name: str,
    data: npt.NDArray[Any],
    limits: tuple[float, float],
    limits_range: tuple[float, float],
    colormap: Any,  # noqa: ANN401 - a name, or napari's pydantic model
    **attributes: Any,  # noqa: ANN401 - of a layer
) -> Look:
    plain = {"blending": "translucent", "interpolation2d": "nearest", "opacity": 1.0, "visible": True}
    shown = {"name": name, "data": data, "contrast_limits": limits, "colormap": colormap}
    return Look(grid, plain | shown | attributes, limits_range)
