"""The same arrays as bare napari layers, without the panel: what napari takes itself."""

from __future__ import annotations

import napari.viewer
import numpy as np

from napari.layers import Image, Labels, Points
from napari_longiseg._qt.demo import pause
from napari_longiseg.core.scan import Study
from window.stage import Stages


def bare(viewer: napari.viewer.Viewer, study: Study, stages: Stages) -> None:
    """Put scans, empty labels and points into a napari window, one a turn, and scroll."""
    viewer.canvas.grid.enabled = True
    viewer.canvas.grid.stride = 3
    for number, scan in enumerate(study.scans):
        space = {"scale": scan.grid.spacing_mm, "translate": scan.grid.origin_mm}
        with stages.stage(f"bare image {number}"):
            viewer.add_layer(Image(scan.image, contrast_limits=(-160, 240), **space))
        with stages.stage(f"bare labels {number}"):
            viewer.add_layer(Labels(np.zeros(scan.grid.shape, dtype=np.uint16), **space))
        with stages.stage(f"bare points {number}"):
            viewer.add_layer(Points(None, ndim=3, **space))
    first, last, step = viewer.dims.range[0]
    with stages.stage("bare scroll"):
        for place in range(60):
            viewer.dims.set_point(0, (first + last) / 2 + place * step)
            pause(40)
    with stages.stage("bare refresh of one label layer"):
        viewer.layers[1].refresh()
