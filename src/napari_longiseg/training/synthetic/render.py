"""One date: the anatomy as it lies that day, with its lesions, as a scan and its truth."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.scan import Scan
from napari_longiseg.training.synthetic.acquire import add_couch, digitised, noisy, project
from napari_longiseg.training.synthetic.canvas import Canvas
from napari_longiseg.training.synthetic.courses import Course
from napari_longiseg.training.synthetic.fields import Field
from napari_longiseg.training.synthetic.lesions import Body, Footprint, footprint, paint_body
from napari_longiseg.training.synthetic.motion import Motion
from napari_longiseg.training.synthetic.options import SynthOptions
from napari_longiseg.training.synthetic.place import Lobe
from napari_longiseg.training.synthetic.tissue import Phase, Tissue, hu_table

FIRST_DAY = dt.date(2024, 1, 10)


@dataclass(frozen=True, slots=True, eq=False)
class Patient:
    """What does not change from date to date: the painted anatomy, its texture (HU), the lesions' lobes."""

    canvas: Canvas
    texture: Field
    lobes: list[Lobe]
    size: float


def scan_id(date: int) -> str:
    """T0, T1, ..."""
    return f"T{date}"


def render(
    patient: Patient, motion: Motion, grid: Grid, date: int, options: SynthOptions
) -> tuple[Scan, npt.NDArray[np.uint16]]:
    """Scan a patient on one date.

    Returns
    -------
    scan : Scan
        int16 HU.
    labels : (Z, Y, X) uint16
        Lesion ids.
    """
    rng = np.random.default_rng([options.seed, 7919, date])
    phase = Phase(options.phases[date % len(options.phases)])
    hu = hu_table(phase, rng)
    anatomy = patient.canvas.compose(hu)
    anatomy += patient.texture
    image = project(anatomy, patient.canvas.grid, motion, grid)
    labels = _paint_lesions(image, patient.lobes, motion, grid, date, phase, hu[Tissue.LIVER], rng)
    add_couch(image, grid, motion, patient.size)
    image = noisy(image, grid, options.noise_hu, rng.uniform(0.35, 0.5), rng)
    day = FIRST_DAY + dt.timedelta(days=options.days * date)
    return Scan(scan_id(date), digitised(image, options.hu_step), grid, date=day), labels


def _paint_lesions(
    image: Field, lobes: list[Lobe], motion: Motion, grid: Grid, date: int, phase: Phase, liver_hu: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.uint16]:  # fmt: skip
    """Paint all lobes that are there; where two overlap, a voxel goes to the one it lies deeper in."""
    labels = np.zeros(grid.shape, dtype=np.uint16)
    depth = np.full(grid.shape, np.inf, dtype=np.float32) if lobes else None
    ids = labels_at(lobes, date)
    for lobe, label in zip(lobes, ids, strict=True):
        if label == 0 or depth is None:
            continue
        centre = motion.from_first(lobe.anchor_mm)[0]
        body = Body(lobe.shape, lobe.look, centre, lobe.radius_at(date), motion.rotation)
        place = footprint(body, grid)
        paint_body(image, body, place, grid, phase, liver_hu, rng)
        _mark(labels, depth, place, label)
    return labels


def _mark(labels: npt.NDArray[np.uint16], depth: Field, place: Footprint, label: int) -> None:
    region, deepest = labels[place.box.slices], depth[place.box.slices]
    takes = place.mask & (place.rho < deepest)
    region[takes] = label
    deepest[takes] = place.rho[takes]


def labels_at(lobes: list[Lobe], date: int) -> list[int]:
    """The label of every lobe on one date; 0 where it is not there.

    From the last date on, a merged pair has the label of the lobe that was larger at first, and the second
    lobe of a split lesion has a new one, counted on from the largest id.
    """
    dates = len(lobes[0].factors) if lobes else 0
    changed = date == dates - 1 and dates > 1
    new = max((lobe.lesion for lobe in lobes), default=0)
    ids = []
    for i, lobe in enumerate(lobes):
        label = lobe.lesion
        second = lobe.partner is not None and lobe.partner < i
        if second and lobe.plan.course is Course.SPLIT:
            new += 1
            label = new if changed else label
        if second and lobe.plan.course is Course.MERGE and changed:
            label = lobes[i - 1].lesion
        ids.append(label if lobe.factors[date] > 0.0 else 0)
    return ids
