"""A patient: the whole anatomy painted on one canvas."""

from __future__ import annotations

import numpy as np

from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.progress import Progress
from napari_longiseg.training.synthetic.belly import paint_belly
from napari_longiseg.training.synthetic.body import paint_trunk
from napari_longiseg.training.synthetic.bones import paint_bones
from napari_longiseg.training.synthetic.canvas import Canvas
from napari_longiseg.training.synthetic.chest import paint_great_vessels, paint_heart, paint_lungs

BEND_MM = 3.0
BODY_LOW = (-np.inf, -128.0, -182.0)
BODY_HIGH = (np.inf, 128.0, 182.0)
"""The trunk lies in this box, standard mm (z, y, x); it goes on above and below."""


def paint_patient(grid: Grid, size: float, rng: np.random.Generator, progress: Progress) -> Canvas:
    """Paint chest and upper belly of a patient.

    Parameters
    ----------
    grid : Grid
        LPS grid in patient space; (0, 0, 0) mm is the top of the diaphragm in the middle of the body.
    size : float
        1 for an adult; everything shrinks with it.
    """
    canvas = Canvas(grid, size, BEND_MM, rng)
    # twigs thinner than a fifth of a voxel are not seen
    detail = float(np.clip(2.2 / canvas.edge_mm, 0.3, 1.6))
    progress("Body", 0.1)
    trunk = paint_trunk(canvas, rng)
    progress("Lungs", 0.3)
    paint_lungs(canvas, trunk, detail, rng)
    progress("Belly", 0.6)
    paint_belly(canvas, trunk, detail, rng)
    progress("Heart and bones", 0.8)
    paint_heart(canvas)
    paint_great_vessels(canvas)
    paint_bones(canvas, trunk)
    return canvas
