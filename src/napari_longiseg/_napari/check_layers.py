"""What a checked registration looks like as napari layers; pure functions, all in millimetres."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any

import napari.layers
import numpy as np
import numpy.typing as npt
from napari.utils.colormaps import Colormap

from napari_longiseg._napari.layers import OVERLAY_KEY, WINDOW_KEY, space_options
from napari_longiseg._napari.windows import WINDOW_RANGE, Window
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


def check_layers(
    check: RegistrationCheck, view: View, displayed: Collection[int], square_mm: float, window: Window
) -> dict[str, napari.layers.Image]:
    """The layers of a view by the id of the scan that they lie over: the target, and for lines the source.

    Parameters
    ----------
    displayed : collection of int
        Axes that the viewer displays.
    square_mm : float
        Edge of the checkerboard's squares.
    window : (2,) float
        Lowest and highest HU shown.
    """
    source, target = check.source.id, check.target.id
    if view is View.OVERLAY:
        name = f"{source} ({SOURCE_COLOUR}) on {target} ({TARGET_COLOUR})"
        return {
            target: _in_hu(
                check.warped, check.grid, window, name=name, colormap=SOURCE_COLOUR, blending="additive"
            )
        }
    if view is View.CHECKERBOARD:
        board, name = check.checkerboard(square_mm), f"{source} and {target} in squares"
        return {target: _in_hu(board, check.grid, window, name=name, colormap="gray")}
    if view is View.GRID:
        grid, lines = straight_lines(check.source, displayed)
        return {
            source: _lines(lines, grid, f"Lattice of {source}"),
            target: _lines(check.lines(displayed), check.grid, f"Lattice of {source} on {target}"),
        }
    if view is View.UNCERTAINTY:
        return {target: _uncertainty(check, f"{source} to {target}: uncertainty (mm)")}
    return {}


def _in_hu(data: npt.NDArray[Any], grid: Grid, window: Window, **options: Any) -> napari.layers.Image:  # noqa: ANN401
    layer = _layer(data, grid, contrast_limits=window, **options)
    layer.metadata[WINDOW_KEY] = True
    layer.contrast_limits_range = WINDOW_RANGE
    return layer


def _lines(lines: npt.NDArray[np.uint8], grid: Grid, name: str) -> napari.layers.Image:
    colours = Colormap([(*LINE_COLOUR, 0.0), (*LINE_COLOUR, 0.9)], name="lattice")
    return _layer(
        lines, grid, name=name, colormap=colours, contrast_limits=(0, 255), interpolation2d="linear"
    )


def _uncertainty(check: RegistrationCheck, name: str) -> napari.layers.Image:
    layer = _layer(
        check.uncertainty_mm,
        check.grid,
        name=name,
        colormap="plasma",
        contrast_limits=UNCERTAINTY_MM,
        opacity=0.5,
        interpolation2d="linear",
    )
    layer.colorbar.position = "bottom_right"
    layer.colorbar.visible = True
    return layer


def _layer(data: npt.NDArray[Any], grid: Grid, **options: Any) -> napari.layers.Image:  # noqa: ANN401
    layer = napari.layers.Image(data, metadata={OVERLAY_KEY: True}, **space_options(grid), **options)
    layer.name_overlay.visible = True
    return layer
