"""The trunk: skin, fat, muscle, the cavities of chest and belly, the diaphragm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_longiseg.training.synthetic.canvas import Canvas
from napari_longiseg.training.synthetic.fields import (
    Coordinates,
    Field,
    ellipsoid,
    noise,
    smooth_max,
    smooth_min,
)
from napari_longiseg.training.synthetic.tissue import Tissue

CAVITY_Y = -9.0
"""Middle of the cavities, standard mm."""
CAVITY_HALF_Y = 77.0
CAVITY_HALF_X = 130.0


@dataclass(frozen=True, slots=True, eq=False)
class Trunk:
    """Signed distances in standard mm on the whole canvas (Z, Y, X).

    Attributes
    ----------
    cavity : Field
        To the inside of the chest and belly wall.
    below : Field
        To the space under the diaphragm.
    spine : Field
        To the column of the vertebral bodies with what lies around it.
    """

    cavity: Field
    below: Field
    spine: Field


def spine_y(z: Field) -> Field:
    """Where the middle of the vertebral bodies lies (y, standard mm): kyphosis above, lordosis below."""
    curve: Field = 46.0 + 9.0 * np.sin((z + 60.0) / 75.0)
    return curve


def paint_trunk(canvas: Canvas, rng: np.random.Generator) -> Trunk:
    """Paint everything from the skin to the empty cavities; organs come on top."""
    c = canvas.coordinates
    whole = canvas.everywhere
    cavity = _cavity(c)
    skin = _skin(c)
    canvas.paint(Tissue.SKIN, skin, whole)
    canvas.paint(Tissue.FAT, skin + 2.2, whole)
    muscle = _muscle(c, cavity, rng.uniform(0.85, 1.15))
    canvas.paint(Tissue.MUSCLE, np.maximum(muscle, skin + 5.0), whole)
    _marble(canvas, muscle, cavity, rng)
    canvas.paint(Tissue.INNER_FAT, cavity, whole)
    below = smooth_max(cavity + 1.5, (c[0] - _diaphragm(c)) * 0.75, 8.0)
    canvas.paint(Tissue.MUSCLE, np.maximum(np.abs(below + 1.0) - 1.6, cavity - 2.0), whole)
    z, y, x = c
    spine = np.sqrt((x / 25.0) ** 2 + ((y - spine_y(z) - 4.0) / 24.0) ** 2) * 24.0 - 24.0
    return Trunk(cavity, below, spine)


def _radial(y: Field, x: Field, half_y: Field | float, half_x: Field | float, power: float) -> Field:
    """Signed distance to a superellipse in the axial plane, measured along the ray from its middle."""
    k = ((np.abs(x) / half_x) ** power + (np.abs(y) / half_y) ** power) ** (1.0 / power)
    d: Field = np.sqrt(x * x + y * y + 1e-6) * (1.0 - 1.0 / np.maximum(k, 1e-3))
    return d


def _skin(c: Coordinates) -> Field:
    z, y, x = c
    half_x = 163.0 - 9.0 * np.exp(-(((z + 60.0) / 55.0) ** 2)) - 26.0 / (1.0 + np.exp(-(z - 145.0) / 16.0))
    half_y = 109.0 - 5.0 * np.exp(-(((z + 70.0) / 60.0) ** 2)) - 9.0 / (1.0 + np.exp(-(z - 125.0) / 18.0))
    groove = 7.0 * np.exp(-((x / 12.0) ** 2)) * (y > 0)  # over the spinous processes
    return _radial(y, x, half_y, half_x, 2.35) + groove


def _cavity(c: Coordinates) -> Field:
    """The inside of the ribs: a barrel that closes to two apices at the top."""
    z, y, x = c
    height = np.clip((z - 20.0) / 142.0, 0.0, 0.999)
    narrow = np.clip(1.0 - height**2.6, 0.02, 1.0) ** 0.5
    waist = 1.0 - 0.05 / (1.0 + np.exp((z + 70.0) / 18.0))
    back = CAVITY_Y + 14.0 * height**2
    d = _radial(y - back, x, CAVITY_HALF_Y * narrow**0.8 * waist, CAVITY_HALF_X * narrow * waist, 2.3)
    return np.maximum(d, (z - 160.0) * 0.8)


def _muscle(c: Coordinates, cavity: Field, bulk: float) -> Field:
    """Chest and belly wall, with the long muscles of the back and the pectorals."""
    z, y, x = c
    girdle = 1.0 / (1.0 + np.exp(-(z - 92.0) / 16.0))
    wall = cavity - (15.0 * bulk - 2.0 * (z < -40.0) + girdle * (13.0 + 9.0 * np.clip(y / 60.0, -0.6, 1.0)))
    back = np.sqrt(((np.abs(x) - 27.0) / 25.0) ** 2 + ((y - 79.0) / 19.0) ** 2) * 19.0 - 19.0
    chest = ellipsoid((z, y, np.abs(x)), (92.0, -80.0, 66.0), (56.0, 14.0 * bulk, 58.0))
    side = ellipsoid((z, y, np.abs(x)), (70.0, 36.0, 132.0), (90.0, 34.0, 15.0 * bulk))
    blade = ellipsoid((z, y, np.abs(x)), (112.0, 58.0, 92.0), (72.0, 25.0, 50.0))
    front = smooth_min(smooth_min(wall, back, 10.0), chest, 8.0)
    return smooth_min(front, smooth_min(side, blade, 10.0), 10.0)


def _marble(canvas: Canvas, muscle: Field, cavity: Field, rng: np.random.Generator) -> None:
    """Fat between the sheets of muscle."""
    step = np.asarray(canvas.grid.spacing_mm)
    sheet = np.abs(cavity - 11.5 - 1.5 * noise(canvas.grid.shape, 26.0 / step, rng)) - 0.9
    gaps = 2.2 * (0.25 - noise(canvas.grid.shape, 15.0 / step, rng))
    streaks = np.abs(noise(canvas.grid.shape, 9.0 / step, rng)) * 7.0 - 0.4
    deep = muscle + 2.0
    canvas.paint(Tissue.FAT, np.maximum.reduce([sheet, gaps, deep]), canvas.everywhere, 0.85)
    outer = np.maximum.reduce([streaks, deep, 13.0 - cavity])
    canvas.paint(Tissue.FAT, outer, canvas.everywhere, 0.6)


def _diaphragm(c: Coordinates) -> Field:
    """Height of the diaphragm: two domes, a saddle under the heart, deep sulci at the wall."""
    _, y, x = c
    rho2 = (x / CAVITY_HALF_X) ** 2 + ((y - CAVITY_Y) / CAVITY_HALF_Y) ** 2
    slope = 1.0 + 0.35 * np.clip((y - CAVITY_Y) / CAVITY_HALF_Y, -1.0, 1.0)
    fall = -72.0 * np.clip(rho2, 0.0, 1.6) ** 1.7 * slope
    right = 10.0 * np.exp(-(((x + 66.0) / 42.0) ** 2) - (((y + 8.0) / 52.0) ** 2))
    saddle = -20.0 * np.exp(-(((x - 6.0) / 30.0) ** 2))
    left = -5.0 * np.exp(-(((x - 70.0) / 45.0) ** 2))
    height: Field = fall + right + saddle + left
    return height
