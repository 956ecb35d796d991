"""Spine with vertebrae and discs, ribs, sternum, shoulder blades."""

from __future__ import annotations

import numpy as np

from napari_longiseg.training.synthetic.body import CAVITY_HALF_X, CAVITY_HALF_Y, CAVITY_Y, Trunk, spine_y
from napari_longiseg.training.synthetic.canvas import Canvas
from napari_longiseg.training.synthetic.fields import Field, ellipsoid, smooth_max
from napari_longiseg.training.synthetic.tissue import Tissue

PITCH_MM = 27.0
"""Height of a vertebra with its disc."""
RIB_SLOPE_MM = 88.0
"""How much lower a rib ends in front than it starts at the back."""


def paint_bones(canvas: Canvas, trunk: Trunk) -> None:
    """Paint the skeleton of the trunk."""
    _ribs(canvas, trunk)
    _sternum(canvas)
    _blades(canvas)
    _spine(canvas)


def _spine(canvas: Canvas) -> None:
    region = canvas.region((-1e3, 5.0, -60.0), (1e3, 115.0, 60.0))
    z, y, x = canvas.at(region)
    y = y - spine_y(z)
    level = z / PITCH_MM
    along = (level - np.rint(level)) * PITCH_MM
    waist = 1.0 + 0.10 * (along / 10.0) ** 2
    round_ = (np.sqrt((x / 19.0) ** 2 + (y / 15.5) ** 2) / waist - 1.0) * 15.5
    body = smooth_max(round_, np.abs(along) - 10.6, 4.0)
    canvas.paint(Tissue.DISC, np.maximum(round_ + 0.8, np.abs(along) - 13.6), region)
    pedicle = np.sqrt(((np.abs(x) - 11.0) / 4.5) ** 2 + ((along - 3.0) / 6.0) ** 2) * 4.5 - 4.5
    arch = _arch(along, y, x)
    arch = np.minimum(arch, np.maximum(pedicle, np.abs(y - 17.0) - 7.0))
    canvas.paint(Tissue.BONE, arch, region)
    canvas.paint(Tissue.MARROW, arch + 2.2, region)
    canvas.paint(Tissue.BONE, body, region)
    canvas.paint(Tissue.MARROW, body + 1.7, region)
    canvas.hosts["bone"] = np.full(canvas.grid.shape, 99.0, dtype=np.float32)
    canvas.hosts["bone"][region] = body
    canal = np.sqrt((x / 10.0) ** 2 + ((y - 22.5) / 8.0) ** 2) * 8.0 - 8.0
    canvas.paint(Tissue.FAT, canal, region)
    canvas.paint(Tissue.CORD, canal + 1.6, region)


def _arch(along: Field, y: Field, x: Field) -> Field:
    """Laminae, transverse and spinous processes; *along* is z within a vertebra."""
    a = np.abs(x)
    laminae = np.maximum(
        np.abs(np.sqrt((x / 13.5) ** 2 + ((y - 23.0) / 11.5) ** 2) - 1.0) * 12.0 - 3.0, 17.0 - y
    )
    laminae = np.maximum(laminae, np.abs(along) - 9.5)
    across = np.sqrt(((y - 22.0 - 0.2 * a) / 4.5) ** 2 + ((along - 2.0) / 5.5) ** 2) * 4.5 - 4.5
    transverse = np.maximum(across, np.maximum(a - 33.0, 11.0 - a))
    spinous = np.sqrt((x / 3.6) ** 2 + ((along + 0.35 * (y - 32.0)) / 8.0) ** 2) * 3.6 - 3.6
    spinous = np.maximum(spinous, np.abs(y - 39.0) - 9.5)
    return np.minimum(np.minimum(laminae, transverse), spinous)


def _ribs(canvas: Canvas, trunk: Trunk) -> None:
    """Twelve arcs on the outside of the cavity that run forward and down."""
    z, y, x = canvas.coordinates
    angle = np.arctan2(np.abs(x) / CAVITY_HALF_X, (y - CAVITY_Y - 4.0) / CAVITY_HALF_Y)  # 0 back, pi front
    forward = angle / np.pi
    drop = RIB_SLOPE_MM * np.clip(forward * 1.25, 0.0, 1.0) ** 0.9 + 3.0 * (x > 0)
    level = (z + drop - 8.0) / PITCH_MM
    number = np.rint(level)
    off = (level - number) * PITCH_MM * 0.92
    shell = trunk.cavity - 4.2
    rib = (np.sqrt((off / 7.0) ** 2 + (shell / 3.9) ** 2) - 1.0) * 3.9
    short = forward - np.where(number <= -3, 0.42, np.where(number <= -2, 0.6, 0.78))
    exists = np.maximum((number < -4) * 99.0, (number > 6) * 99.0)
    whole = canvas.everywhere
    bony = np.maximum.reduce([rib, short * 120.0, exists, 24.0 - np.abs(x)]).astype(np.float32)
    soft = np.maximum.reduce([rib, -short * 120.0, exists, 14.0 - np.abs(x), (forward - 0.97) * 99.0])
    soft = np.maximum(soft, (number < -1) * 99.0).astype(np.float32)
    canvas.paint(Tissue.CARTILAGE, soft + 0.6, whole)
    canvas.paint(Tissue.BONE, bony, whole)
    canvas.paint(Tissue.MARROW, bony + 1.7, whole)


def _sternum(canvas: Canvas) -> None:
    region = canvas.region((-20.0, -115.0, -40.0), (150.0, -50.0, 40.0))
    z, y, x = canvas.at(region)
    height = np.clip((z - 20.0) / 142.0, 0.0, 0.999)
    front = CAVITY_Y + 14.0 * height**2 - CAVITY_HALF_Y * np.clip(1.0 - height**2.6, 0.02, 1.0) ** 0.4
    width = 15.0 + 9.0 / (1.0 + np.exp(-(z - 105.0) / 7.0))
    plate = smooth_max(np.abs(x) - width, np.abs(y - front + 6.0) - 5.0, 4.0)
    plate = smooth_max(plate, np.abs(z - 62.0) - 62.0, 6.0)
    canvas.paint(Tissue.BONE, plate, region)
    canvas.paint(Tissue.MARROW, plate + 1.5, region)


def _blades(canvas: Canvas) -> None:
    region = canvas.region((20.0, 10.0, -160.0), (190.0, 110.0, 160.0))
    z, y, x = canvas.at(region)
    a = np.abs(x)
    sheet = np.abs(y - 62.0 + (a - 92.0) * 0.55 + ((a - 92.0) / 30.0) ** 2 * 3.0) - 1.6
    outline = ellipsoid((z, y, a), (112.0, 62.0, 92.0), (58.0, 60.0, 32.0))
    blade = np.maximum(sheet, outline)
    ridge = ellipsoid((z, y, a), (150.0, 58.0, 104.0), (9.0, 12.0, 26.0))
    blade = np.minimum(blade, ridge)
    canvas.paint(Tissue.BONE, blade, region)
    canvas.paint(Tissue.MARROW, ridge + 2.0, region)
