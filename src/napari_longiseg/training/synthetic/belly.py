"""What the belly holds: liver, spleen, kidneys, stomach, pancreas, bowel."""

from __future__ import annotations

import numpy as np

from napari_longiseg.training.synthetic.body import Trunk, spine_y
from napari_longiseg.training.synthetic.canvas import Canvas
from napari_longiseg.training.synthetic.fields import ellipsoid, noise, smooth_max, smooth_min
from napari_longiseg.training.synthetic.tissue import Tissue
from napari_longiseg.training.synthetic.trees import grow, paint_tree, smooth_line, tube

PORTA = (-52.0, -8.0, -34.0)
"""Where the portal vein enters the liver, (z, y, x) standard mm."""


def paint_belly(canvas: Canvas, trunk: Trunk, detail: float, rng: np.random.Generator) -> None:
    """Paint the organs of the upper belly."""
    _psoas(canvas)
    _mesentery(canvas, trunk, detail, rng)
    _bowel(canvas, trunk, rng)
    _stomach(canvas, trunk)
    _pancreas(canvas)
    _spleen(canvas, trunk)
    for side in (-1.0, 1.0):
        _kidney(canvas, side, rng)
    _liver(canvas, trunk, detail, rng)


def _liver(canvas: Canvas, trunk: Trunk, detail: float, rng: np.random.Generator) -> None:
    z, y, x = canvas.coordinates
    under = (-132.0 + 0.62 * (x + 112.0) + 0.12 * (y + 20.0) - z) * 0.8
    bulk = ellipsoid((z, y, x), (-52.0, -18.0, -62.0), (96.0, 84.0, 74.0))
    lobe = ellipsoid((z, y, x), (-34.0, -46.0, 22.0), (34.0, 34.0, 58.0))
    liver = smooth_max(smooth_min(bulk, lobe, 14.0), under, 12.0)
    liver = smooth_max(liver, trunk.below + 5.0, 8.0)
    liver = smooth_max(liver, 3.0 - trunk.spine, 10.0)
    cleft = ellipsoid((z, y, x), (-66.0, 4.0, -18.0), (30.0, 15.0, 15.0))
    liver = smooth_max(liver, -cleft, 8.0)
    whole = canvas.everywhere
    canvas.paint(Tissue.LIVER, liver, whole)
    canvas.hosts["liver"] = liver
    inside = liver < -4.0
    if inside.any():
        portal = grow(
            canvas.unbend([PORTA])[0], canvas.sample(inside, int(90 * detail), rng), 0.75, 0.42, rng
        )
        hepatic = grow(
            canvas.unbend([(-12.0, 2.0, -26.0)])[0],
            canvas.sample(inside, int(80 * detail), rng),
            0.75,
            0.44,
            rng,
        )
        paint_tree(canvas, Tissue.VENOUS, portal)
        paint_tree(canvas, Tissue.VENOUS, hepatic)
    _portal_vein(canvas)
    sac = ellipsoid((z, y, x), (-88.0, -38.0, -48.0), (24.0, 13.0, 13.0))
    canvas.paint(Tissue.WALL, sac - 1.2, whole)
    canvas.paint(Tissue.FLUID, sac, whole)


def _portal_vein(canvas: Canvas) -> None:
    stem = smooth_line(((-150.0, -18.0, 2.0), (-100.0, -14.0, -6.0), (-70.0, -10.0, -18.0), PORTA), 30)
    paint_tree(canvas, Tissue.VENOUS, tube(canvas.unbend(stem), 6.5))
    to_spleen = smooth_line(((-84.0, -12.0, -12.0), (-74.0, -8.0, 30.0), (-66.0, 22.0, 78.0)), 24)
    paint_tree(canvas, Tissue.VENOUS, tube(canvas.unbend(to_spleen), 4.6))


def _spleen(canvas: Canvas, trunk: Trunk) -> None:
    region = canvas.region((-150.0, -40.0, 30.0), (20.0, 110.0, 150.0))
    c = canvas.at(region)
    organ = ellipsoid(c, (-58.0, 30.0, 94.0), (54.0, 44.0, 34.0))
    hollow = ellipsoid(c, (-62.0, 8.0, 62.0), (44.0, 34.0, 28.0))
    organ = smooth_max(smooth_max(organ, -hollow, 8.0), trunk.below[region] + 5.0, 6.0)
    canvas.paint(Tissue.SPLEEN, organ, region)


def _stomach(canvas: Canvas, trunk: Trunk) -> None:
    """Wall, fluid, and gas that floats to the front."""
    region = canvas.region((-150.0, -100.0, -40.0), (20.0, 60.0, 130.0))
    c = canvas.at(region)
    fundus = ellipsoid(c, (-48.0, -12.0, 62.0), (40.0, 38.0, 30.0))
    outlet = ellipsoid(c, (-88.0, -46.0, 30.0), (22.0, 20.0, 42.0))
    sac = smooth_max(smooth_min(fundus, outlet, 22.0), trunk.below[region] + 6.0, 6.0)
    canvas.paint(Tissue.WALL, sac, region)
    canvas.paint(Tissue.BOWEL, sac + 4.0, region)
    canvas.paint(Tissue.AIRWAY, smooth_max(sac + 4.5, c[1] + 34.0, 2.0), region)


def _pancreas(canvas: Canvas) -> None:
    points = smooth_line(
        (
            (-112.0, -22.0, -28.0),
            (-98.0, -26.0, -6.0),
            (-90.0, -22.0, 18.0),
            (-80.0, -2.0, 48.0),
            (-70.0, 14.0, 72.0),
        ),
        40,
    )
    radius = np.interp(np.arange(39), (0, 12, 39), (12.0, 8.5, 7.0)) * (
        1.0 + 0.18 * np.sin(np.arange(39) * 2.1)
    )
    paint_tree(canvas, Tissue.PANCREAS, tube(canvas.unbend(points), radius))


def _kidney(canvas: Canvas, side: float, rng: np.random.Generator) -> None:
    """Cortex, pyramids, and the fat and urine of the sinus; *side* is -1 right, +1 left."""
    top = -112.0 if side < 0 else -100.0
    region = canvas.region(
        (top - 70.0, -30.0, min(side * 10.0, side * 110.0)),
        (top + 70.0, 100.0, max(side * 10.0, side * 110.0)),
    )
    z, y, x = canvas.at(region)
    u = (x * side - 62.0 + 0.22 * (z - top)).astype(np.float32)
    v = y - 38.0 - 0.1 * (z - top)
    organ = ellipsoid((z - top, v, u), (0.0, 0.0, 0.0), (54.0, 24.0, 28.0))
    sinus = ellipsoid((z - top, v + 4.0, u + 22.0), (0.0, 0.0, 0.0), (24.0, 10.0, 22.0))
    organ = smooth_max(organ, -(sinus + 6.0), 6.0)
    canvas.paint(Tissue.CORTEX, organ, region)
    fan = np.arctan2(z - top, u + 34.0) * 7.5
    column = np.cos(2.0 * np.pi * fan / 2.6) * 3.0 + 1.2
    canvas.paint(Tissue.MEDULLA, smooth_max(organ + 7.0, -column, 2.0), region, 0.85)
    canvas.paint(Tissue.INNER_FAT, np.maximum(sinus, organ), region)
    pelvis = ellipsoid((z - top, v + 4.0, u + 24.0), (0.0, 0.0, 0.0), (13.0, 5.0, 13.0))
    canvas.paint(Tissue.FLUID, pelvis + 0.5 * noise(pelvis.shape, (6.0,) * 3, rng), region)
    hilum = (top, 34.0, side * 34.0)
    for tissue, centre, radius in ((Tissue.BLOOD, 8.0, 2.6), (Tissue.VENOUS, -19.0, 4.2)):
        stem = smooth_line(((top + 6.0, 10.0, centre), (top + 3.0, 20.0, side * 24.0), hilum), 12)
        paint_tree(canvas, tissue, tube(canvas.unbend(stem), radius))


def _mesentery(canvas: Canvas, trunk: Trunk, detail: float, rng: np.random.Generator) -> None:
    """Small vessels in the fat between the loops."""
    z, y, _ = canvas.coordinates
    inside = (trunk.below < -12.0) & (trunk.spine > 14.0) & (z < -30.0) & (y < 45.0)
    root = canvas.unbend([(-96.0, -14.0, 4.0)])[0]
    for tissue in (Tissue.BLOOD, Tissue.VENOUS):
        paint_tree(canvas, tissue, grow(root, canvas.sample(inside, int(75 * detail), rng), 0.55, 0.36, rng))


def _psoas(canvas: Canvas) -> None:
    region = canvas.region((-400.0, 0.0, -80.0), (-90.0, 100.0, 80.0))
    z, y, x = canvas.at(region)
    size = np.clip((-95.0 - z) / 90.0, 0.05, 1.0) ** 0.5
    d = (np.sqrt(((np.abs(x) - 31.0) / 16.0) ** 2 + ((y - spine_y(z) - 4.0) / 18.0) ** 2) - size) * 16.0
    canvas.paint(Tissue.MUSCLE, d.astype(np.float32), region)


def _bowel(canvas: Canvas, trunk: Trunk, rng: np.random.Generator) -> None:
    """Loops that wander through the front of the belly: wall, contents, here and there gas."""
    starts = (
        (-112.0, -46.0, 62.0),
        (-122.0, -40.0, -30.0),
        (-140.0, -30.0, 24.0),
        (-160.0, -44.0, -62.0),
        (-150.0, -50.0, 70.0),
        (-178.0, -30.0, 0.0),
    )
    for start in starts:
        steps = rng.normal(0.0, 15.0, (9, 3)) * (0.8, 0.7, 1.4)
        points = np.clip(
            np.cumsum(np.vstack([start, steps]), axis=0), (-330.0, -68.0, -98.0), (-100.0, 8.0, 98.0)
        )
        line = canvas.unbend(smooth_line(points, 91))
        radius = 10.0 + 2.2 * np.sin(np.arange(90) * 0.7 + rng.uniform(0.0, 6.0))
        paint_tree(canvas, Tissue.WALL, tube(line, radius + 2.2))
        paint_tree(canvas, Tissue.BOWEL, tube(line, radius))
        gas = np.where(np.sin(np.arange(90) * 0.23 + rng.uniform(0.0, 6.0)) > 0.55, radius - 3.0, 0.0)
        some = gas > 0.0
        lifted = tube(line - (0.0, 2.5, 0.0), 1.0)
        paint_tree(canvas, Tissue.AIRWAY, type(lifted)(lifted.start[some], lifted.stop[some], gas[some]))
