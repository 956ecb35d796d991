"""What the scans of a study look like as napari layers; pure functions, all in millimetres."""

from __future__ import annotations

from typing import Any

from napari_longiseg._napari.layers.colours import lesion_colormap
from napari_longiseg._napari.layers.windows import WINDOWS, Window, window_name
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.scan import Scan, Study

STUDY_KEY = "longiseg_study"
SCAN_KEY = "longiseg_scan"
"""Where an image layer keeps the study that it was loaded from, so that nothing is read twice."""

SESSION_KEY = "longiseg_session"
"""Where an image layer keeps the session that works on it, so that a panel opened again goes on with it."""
OVERLAY_KEY = "longiseg_overlay"
"""Marks the label and click layers, which show a session and are made anew with every panel."""

LABEL_OPACITY = 0.55

LayerData = tuple[Any, dict[str, Any], str]


def study_layers(study: Study) -> list[LayerData]:
    """Layer data tuples of all scans of a study, one image each, named by scan id."""
    window = WINDOWS[window_name(study.scans)]
    return [(scan.image, image_options(scan, study, window), "image") for scan in study.scans]


def image_options(scan: Scan, study: Study, window: Window) -> dict[str, Any]:
    """Options of a scan's image layer."""
    return {
        **space_options(scan.grid),
        "name": scan.id,
        "colormap": "gray",
        "contrast_limits": window,
        "metadata": {STUDY_KEY: study, SCAN_KEY: scan.id},
    }


def label_options(scan: Scan) -> dict[str, Any]:
    """Options of a scan's label layer: lesion ids in the lesions' colours."""
    return {
        **space_options(scan.grid),
        "name": f"{scan.id} lesions",
        "metadata": {OVERLAY_KEY: True},
        "colormap": lesion_colormap(),
        "opacity": LABEL_OPACITY,
        "blending": "translucent_no_depth",  # in 3-D lesions are seen inside the body
    }


def click_options(scan: Scan) -> dict[str, Any]:
    """Options of the layer with a scan's markers; its data are voxel indices."""
    return {
        **space_options(scan.grid),
        "name": f"{scan.id} clicks",
        "metadata": {OVERLAY_KEY: True},
        "ndim": 3,
        "border_width_is_relative": False,
        # In pixels. No lower limit: napari draws an empty highlight as a marker of that size at the corner.
        "canvas_size_limits": (0, 10_000),
    }


def cursor_options(scan: Scan) -> dict[str, Any]:
    """Options of the layer with the lines of the cross-hair on a scan; not seen until it points somewhere."""
    return {
        **space_options(scan.grid),
        "name": f"{scan.id} cursor",
        "metadata": {OVERLAY_KEY: True},
        "vector_style": "line",
        "blending": "translucent_no_depth",  # in 3-D it is seen through the volume
        "opacity": 0.0,
    }


def spacer_options(scan: Scan) -> dict[str, Any]:
    """Options of a hidden layer that keeps the cells of napari's grid at equal numbers of layers."""
    return {
        **space_options(scan.grid),
        "name": f"{scan.id} spacer",
        "metadata": {OVERLAY_KEY: True},
        "ndim": 3,
        "visible": False,
    }


def space_options(grid: Grid) -> dict[str, Any]:
    """Where a layer on an LPS grid lies: mm, order (z, y, x)."""
    return {
        "scale": grid.spacing_mm,
        "translate": grid.origin_mm,
        "units": ("mm",) * 3,
        "axis_labels": ("z", "y", "x"),
    }
