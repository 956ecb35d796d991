"""Synthetic CT studies whose truth is known exactly.

One anatomy is painted on the first date; every other date sees it through a known, invertible motion, with
its own grid, field of view, contrast and noise. Lesions are painted on each date's own grid.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.progress import Progress, scaled, silent
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.training.synthetic.acquire import covering, first_grid, later_grid
from napari_longiseg.training.synthetic.anatomy import BODY_HIGH, BODY_LOW, paint_patient
from napari_longiseg.training.synthetic.motion import Motion, random_motion, still
from napari_longiseg.training.synthetic.options import DEFAULT_LESIONS, SynthOptions
from napari_longiseg.training.synthetic.place import Room, place
from napari_longiseg.training.synthetic.render import Patient, render, scan_id
from napari_longiseg.training.synthetic.study import SyntheticStudy
from napari_longiseg.training.synthetic.truth import LesionTruth, lesions_of, truth_of
from napari_longiseg.training.synthetic.write import write_study

__all__ = ["DEFAULT_LESIONS", "LesionTruth", "SynthOptions", "SyntheticStudy", "make_study", "write_study"]


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
