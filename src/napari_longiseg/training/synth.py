"""Synthetic CT studies whose truth is known exactly.

One anatomy is painted on the first date; every other date sees it through a known, invertible motion, with
its own grid, field of view, contrast and noise. Lesions are painted on each date's own grid.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Array, Grid
from napari_longiseg.core.progress import Progress, scaled, silent
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.training._acquire import covering, first_grid, later_grid
from napari_longiseg.training._anatomy import BODY_HIGH, BODY_LOW, paint_patient
from napari_longiseg.training._courses import Plan
from napari_longiseg.training._motion import Motion, random_motion, still
from napari_longiseg.training._place import Room, place
from napari_longiseg.training._render import Patient, render, scan_id
from napari_longiseg.training._tissue import Phase
from napari_longiseg.training._truth import LesionTruth, lesions_of, truth_of
from napari_longiseg.training._write import write_study

__all__ = ["DEFAULT_LESIONS", "LesionTruth", "SynthOptions", "SyntheticStudy", "make_study", "write_study"]

DEFAULT_LESIONS = (
    "lung:grow", "lung:shrink", "lung:vanish", "lung:appear", "lung:merge",
    "liver:grow", "liver:shrink", "liver:split", "node:grow", "node:shrink", "bone:grow",
)  # fmt: skip
MOST_LESIONS = 255


@dataclass(frozen=True, slots=True)
class SynthOptions:
    """What the study is to be like.

    Attributes
    ----------
    seed : int
        0 or more. The same options with the same seed give the same study.
    dates : int
        Number of scans, 1 or more.
    shape : (3,) int
        Voxels of the first scan, order (z, y, x), at least 16 each; later scans differ a little.
    spacing_mm : (3,) float
        Voxel size of the first scan, order (z, y, x), 0.3 to 10 mm; later scans differ a little.
    lesions : tuple of str
        One ``HOST:COURSE`` or ``HOST:COURSE:DIAMETER_MM`` per lesion. Hosts: lung, liver, node, bone.
        Courses: grow, shrink, stable, vanish, appear, merge (two lesions), split. Where there is no room
        for a diameter, the lesion is made smaller.
    patient_size : float
        1 for an adult, 0.3 to 1.5; a small patient fits a small scan.
    noise_hu : float
        Standard deviation of the noise in the middle of the body.
    hu_step : int
        Voxels are multiples of this many HU; more than 1 makes smaller files.
    deformation_mm : float
        Standard deviation of the smooth deformation between dates.
    breathing_mm : float
        Largest excursion of the diaphragm between dates.
    phases : tuple of str
        Contrast phase (native, arterial, portal) of each date in turn, from the start again where there are
        fewer than dates.
    days : int
        From one date to the next.

    Raises
    ------
    InputError
        When an option is out of its range; the message names it.
    """

    seed: int = 0
    dates: int = 3
    shape: tuple[int, int, int] = (160, 192, 192)
    spacing_mm: tuple[float, float, float] = (2.0, 2.0, 2.0)
    lesions: tuple[str, ...] = DEFAULT_LESIONS
    patient_size: float = 1.0
    noise_hu: float = 12.0
    hu_step: int = 1
    deformation_mm: float = 5.0
    breathing_mm: float = 15.0
    phases: tuple[str, ...] = ("portal",)
    days: int = 60

    def __post_init__(self) -> None:
        _check(self.seed >= 0, "seed", "0 or more", self.seed)
        _check(1 <= self.dates <= 50, "dates", "1 to 50", self.dates)
        _check(
            len(self.shape) == 3 and min(self.shape) >= 16, "shape", "three numbers, 16 or more", self.shape
        )
        spacing_fits = len(self.spacing_mm) == 3 and all(0.3 <= s <= 10.0 for s in self.spacing_mm)
        _check(spacing_fits, "spacing_mm", "three numbers, 0.3 to 10 mm", self.spacing_mm)
        _check(0.3 <= self.patient_size <= 1.5, "patient_size", "0.3 to 1.5", self.patient_size)
        _check(0.0 <= self.noise_hu <= 200.0, "noise_hu", "0 to 200 HU", self.noise_hu)
        _check(1 <= self.hu_step <= 50, "hu_step", "1 to 50 HU", self.hu_step)
        _check(0.0 <= self.deformation_mm <= 15.0, "deformation_mm", "0 to 15 mm", self.deformation_mm)
        _check(0.0 <= self.breathing_mm <= 40.0, "breathing_mm", "0 to 40 mm", self.breathing_mm)
        known = bool(self.phases) and set(self.phases) <= set(Phase)
        _check(known, "phases", f"one or more of {', '.join(Phase)}", self.phases)
        _check(1 <= self.days <= 3650, "days", "1 to 3650", self.days)
        _check(2 * len(self.plans) <= MOST_LESIONS, "lesions", "127 or fewer", len(self.plans))

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The lesions, parsed."""
        return tuple(Plan.parse(text) for text in self.lesions)


@dataclass(frozen=True, eq=False)
class SyntheticStudy:
    """A study in memory with its truth.

    Attributes
    ----------
    study : Study
        The scans (int16 HU) and the lesions, each with one click on the first scan where it is there.
    labels : dict of str to (Z, Y, X) uint16
        Per scan id: label = lesion id, on the scan's grid.
    lesions : tuple of LesionTruth
        What became of each lesion.
    options : SynthOptions
        What was asked for.
    """

    study: Study
    labels: dict[str, npt.NDArray[np.uint16]]
    lesions: tuple[LesionTruth, ...]
    options: SynthOptions
    motions: tuple[Motion, ...] = field(repr=False)

    def map_points(self, points_mm: npt.ArrayLike, from_scan: str, to_scan: str) -> Array:
        """Where points of one scan lie on another, exact to less than 0.001 mm.

        Parameters
        ----------
        points_mm : (N, 3) float
            LPS mm, order (z, y, x); may lie outside the field of view.
        from_scan, to_scan : str
            Scan ids.

        Raises
        ------
        InputError
            When the study has no such scan.
        """
        ids = [scan.id for scan in self.study.scans]
        a, b = (ids.index(self.study.scan(i).id) for i in (from_scan, to_scan))
        return self.motions[b].from_first(self.motions[a].to_first(points_mm))


def make_study(options: SynthOptions, progress: Progress = silent) -> SyntheticStudy:
    """Make a study in memory.

    Raises
    ------
    InputError
        When there is no room for a lesion.
    Cancelled
        Raised by *progress*.
    """
    anatomy, moves, lesions = np.random.SeedSequence(options.seed).spawn(3)
    motions, grids = _visits(options, moves)
    size = options.patient_size
    low, high = np.asarray(BODY_LOW) * size, np.asarray(BODY_HIGH) * size
    grid = covering(grids[0], motions, grids, low, high)
    canvas = paint_patient(grid, size, np.random.default_rng(anatomy), scaled(progress, 0.0, 0.3))
    texture = canvas.texture(size, np.random.default_rng(anatomy.spawn(1)[0]))
    progress("Placing lesions", 0.35)
    lobes = place(options.plans, Room(canvas, size, motions, grids), np.random.default_rng(lesions))
    patient = Patient(canvas, texture, lobes, size)
    scans: list[Scan] = []
    labels: dict[str, npt.NDArray[np.uint16]] = {}
    for date in range(options.dates):
        progress(f"Scanning {scan_id(date)}", 0.4 + 0.6 * date / options.dates)
        scan, truth = render(patient, motions[date], grids[date], date, options)
        scans.append(scan)
        labels[scan.id] = truth
    found = truth_of(lobes, scans, labels, motions)
    study = Study(f"synthetic-{options.seed}", tuple(scans), lesions_of(found, scans, labels))
    progress("Done", 1.0)
    return SyntheticStudy(study, labels, found, options, tuple(motions))


def _visits(options: SynthOptions, seed: np.random.SeedSequence) -> tuple[list[Motion], list[Grid]]:
    """Motion and field of view of every date."""
    size = options.patient_size
    grids = [first_grid(options.shape, options.spacing_mm, size)]
    motions = [still(np.zeros(3))]
    for child in seed.spawn(options.dates - 1):
        rng = np.random.default_rng(child)
        motions.append(
            random_motion(grids[0], np.zeros(3), size, options.deformation_mm, options.breathing_mm, rng)
        )
        grids.append(later_grid(grids[0], motions[-1], rng))
    return motions, grids


def _check(fits: bool, name: str, wanted: str, value: object) -> None:
    if not fits:
        msg = f"{name} must be {wanted}, not {value}."
        raise InputError(msg)
