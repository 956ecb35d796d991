"""What the chest holds: heart and great vessels, lungs with their vessels and airways."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_longiseg.training.synthetic.body import Trunk
from napari_longiseg.training.synthetic.canvas import Canvas
from napari_longiseg.training.synthetic.fields import Field, ellipsoid, noise, smooth_max, smooth_min
from napari_longiseg.training.synthetic.tissue import Tissue
from napari_longiseg.training.synthetic.trees import Tree, grow, paint_tree, smooth_line, tube

HEART = ((24.0, -26.0, 22.0), (48.0, 44.0, 54.0))
"""Centre and radii of the heart with its fat, (z, y, x) standard mm."""
CARINA = (88.0, 8.0, -1.0)
HILA = ((72.0, 2.0, -30.0), (74.0, 4.0, 32.0))
AORTA = (
    (44.0, -18.0, 4.0), (66.0, -24.0, -8.0), (92.0, -22.0, -14.0), (108.0, -10.0, -4.0),
    (110.0, 10.0, 12.0), (98.0, 26.0, 20.0), (70.0, 32.0, 21.0), (20.0, 28.0, 19.0),
    (-30.0, 16.0, 14.0), (-80.0, 9.0, 9.0), (-200.0, 6.0, 8.0), (-330.0, 10.0, 8.0),
)  # fmt: skip
CAVA = (
    (22.0, -4.0, -18.0), (0.0, 2.0, -24.0), (-40.0, 6.0, -24.0), (-100.0, 8.0, -21.0),
    (-220.0, 8.0, -19.0), (-330.0, 12.0, -19.0),
)  # fmt: skip
UPPER_CAVA = ((40.0, -14.0, -24.0), (80.0, -12.0, -27.0), (120.0, -8.0, -26.0), (170.0, -2.0, -30.0))
TRACHEA = ((200.0, 6.0, 0.0), (150.0, 8.0, 0.0), (110.0, 8.0, -1.0), CARINA)
GULLET = ((200.0, 24.0, 6.0), (100.0, 26.0, 5.0), (40.0, 24.0, 8.0), (-10.0, 14.0, 16.0))


def paint_lungs(canvas: Canvas, trunk: Trunk, detail: float, rng: np.random.Generator) -> None:
    """Lungs with fissures, vessels and airways, and with more blood at the back."""
    z, y, x = canvas.coordinates
    lung = _lungs(canvas, trunk)
    whole = canvas.everywhere
    canvas.paint(Tissue.LUNG, lung, whole)
    canvas.hosts["lung"] = lung
    dense = np.clip(0.05 + 0.0011 * (y + 40.0), 0.0, 0.2) * (1.0 + 0.2 * noise(lung.shape, (9.0,) * 3, rng))
    canvas.coat(Tissue.FISSURE, np.clip(dense, 0.0, 0.3) * (lung < -1.0), whole)
    oblique = np.abs((z - 30.0) * 0.64 - (y + 6.0) * 0.77 + 4.0 * np.sin(x / 25.0)) - 0.35
    canvas.paint(Tissue.FISSURE, np.maximum(oblique, lung + 1.0), whole, 0.45)
    minor = np.maximum(np.abs(z - 58.0 - y / 9.0) - 0.35, np.maximum(x + 20.0, (y + 12.0)))
    canvas.paint(Tissue.FISSURE, np.maximum(minor, lung + 1.0), whole, 0.4)
    for hilum, side in zip(HILA, (x < 0, x > 0), strict=True):
        inside = (lung < -3.0) & side
        if inside.any():
            _lung_trees(canvas, inside, hilum, detail, rng)


def _lungs(canvas: Canvas, trunk: Trunk) -> Field:
    """Signed distance to both lungs."""
    z, y, x = canvas.coordinates
    width = 24.0 + 9.0 * np.exp(-(((z - 78.0) / 22.0) ** 2)) - 6.0 / (1.0 + np.exp(-(z - 140.0) / 12.0))
    forward = np.clip((-y - 30.0) / 45.0, 0.0, 1.0)
    column = np.abs(x - 2.0) - width * (1.0 - 0.72 * forward)
    middle = smooth_min(column, ellipsoid(canvas.coordinates, *HEART) - 1.0, 12.0)
    middle = smooth_min(middle, trunk.spine - 1.0, 10.0)
    free = smooth_max(-middle, 2.5 - trunk.below, 10.0)
    return smooth_max(trunk.cavity + 2.0, free, 8.0)


def _lung_trees(
    canvas: Canvas,
    inside: npt.NDArray[np.bool_],
    hilum: tuple[float, float, float],
    detail: float,
    rng: np.random.Generator,
) -> None:
    """Arteries, veins and bronchi of one lung."""
    root = canvas.unbend([hilum])[0]
    for shift, count in (((0.0, 0.0, 0.0), 520), ((-14.0, -8.0, 0.0), 420)):
        targets = canvas.sample(inside, int(count * detail), rng)
        paint_tree(canvas, Tissue.VENOUS, grow(root + shift, targets, 0.62, 0.38, rng))
    bronchi = grow(
        root + np.array([3.0, 5.0, 0.0]), canvas.sample(inside, int(70 * detail), rng), 0.95, 0.36, rng
    )
    keep = bronchi.radius > 1.0
    bronchi = Tree(bronchi.start[keep], bronchi.stop[keep], bronchi.radius[keep])
    paint_tree(canvas, Tissue.WALL, bronchi, 0.9)
    paint_tree(canvas, Tissue.AIRWAY, bronchi)


def paint_heart(canvas: Canvas) -> None:
    """Myocardium and the four chambers in the fat of the pericardium."""
    region = canvas.region((-50.0, -90.0, -60.0), (100.0, 50.0, 100.0))
    c = canvas.at(region)
    left = ellipsoid(c, (16.0, -22.0, 38.0), (30.0, 29.0, 34.0))
    right = ellipsoid(c, (20.0, -44.0, 8.0), (28.0, 19.0, 34.0))
    canvas.paint(Tissue.HEART, smooth_min(left, right, 6.0), region)
    canvas.paint(Tissue.BLOOD, ellipsoid(c, (16.0, -22.0, 38.0), (20.0, 18.0, 23.0)), region)
    canvas.paint(Tissue.VENOUS, ellipsoid(c, (20.0, -46.0, 8.0), (23.0, 14.0, 29.0)), region)
    canvas.paint(Tissue.VENOUS, ellipsoid(c, (28.0, -16.0, -20.0), (24.0, 18.0, 16.0)), region)
    canvas.paint(Tissue.BLOOD, ellipsoid(c, (40.0, 8.0, 8.0), (19.0, 14.0, 25.0)), region)


def paint_great_vessels(canvas: Canvas) -> None:
    """Aorta with its arch and three branches, venae cavae, pulmonary arteries, gullet, windpipe."""

    def line(points: npt.ArrayLike, pieces: int = 40) -> npt.NDArray[np.float64]:
        return canvas.unbend(smooth_line(points, pieces))

    gullet = tube(line(GULLET), 5.5)
    paint_tree(canvas, Tissue.WALL, gullet)
    paint_tree(canvas, Tissue.AIRWAY, tube(line(GULLET)[:18] - np.array([0.0, 1.0, 0.0]), 1.6))
    paint_tree(canvas, Tissue.VENOUS, tube(line(UPPER_CAVA), 8.0))
    paint_tree(canvas, Tissue.VENOUS, tube(line(CAVA, 60), 10.5))
    trunk = ((52.0, -36.0, 18.0), (78.0, -22.0, 18.0), (80.0, -4.0, 12.0))
    paint_tree(canvas, Tissue.VENOUS, tube(line(trunk), 12.0))
    for hilum, bend in zip(HILA, ((78.0, 0.0, -10.0), (82.0, 4.0, 24.0)), strict=True):
        paint_tree(canvas, Tissue.VENOUS, tube(line((trunk[-1], bend, hilum)), 9.0))
    aorta = line(AORTA, 110)
    paint_tree(canvas, Tissue.BLOOD, tube(aorta, np.interp(np.arange(109), (0, 40, 109), (14.5, 12.0, 8.5))))
    for start, end in (
        ((106, -12, -8), (175, -4, -22)),
        ((108, -2, 2), (175, 2, 10)),
        ((109, 8, 10), (175, 12, 24)),
    ):
        paint_tree(canvas, Tissue.BLOOD, tube(line((start, end)), 4.2))
    pipes = [line(TRACHEA), *(line((CARINA, (80.0, 7.0, h[2] * 0.6), h)) for h in HILA)]
    for pipe, radius in zip(pipes, (8.5, 6.2, 6.0), strict=True):
        paint_tree(canvas, Tissue.WALL, tube(pipe, radius + 1.6))
    for pipe, radius in zip(pipes, (8.5, 6.2, 6.0), strict=True):
        paint_tree(canvas, Tissue.AIRWAY, tube(pipe, radius))
