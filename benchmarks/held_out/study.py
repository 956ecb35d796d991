"""Three dates of one patient, made of one CT: its lesions grow, shrink or vanish, and the patient moves."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from held_out.lesions import Planned, plan
from inserted import Background, Case, clicked, coverage, painted
from napari_longiseg.core.geometry import Array, Box, as_shape
from napari_longiseg.core.lesion import Click, Lesion
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.io.images import write_image
from napari_longiseg.io.manifest import write_manifest
from napari_longiseg.io.outlines import truth_path
from napari_longiseg.registration.transforms import Inverse
from napari_longiseg.training.randomised.backgrounds import inside_body
from pairs.moved import Motion

Mask = npt.NDArray[np.bool_]
Came = Callable[[Array], Array]

DATES = 3
FIRST_DATE, INTERVAL = date(2024, 1, 10), timedelta(days=60)
SLICES_MM, PIXELS_MM = (1.5, 2.0, 2.5, 3.0), (1.2, 1.6)
"""Of the later scans; slices of a scan with thicker ones stay as they are."""
FAR_MM = 45.0
"""New lesions keep this far from the scan's own."""


@dataclass(frozen=True, eq=False)
class Made:
    """A study with its truth.

    Attributes
    ----------
    study : Study
        One click per lesion on the first scan.
    labels : dict of (Z, Y, X) uint8
        Lesion ids by scan id.
    truth : list of dict
        Id, kind and growth of each lesion; the last is 0 where it has vanished, or fills no voxel by half.
    """

    study: Study
    labels: dict[str, npt.NDArray[np.uint8]]
    truth: list[dict[str, Any]]


def make(name: str, scan: Scan, own: Mask | None, seed: int, count: int = 4) -> Made:
    """Put *count* lesions into a scan, and let time pass.

    Parameters
    ----------
    name : str
        Of the patient.
    own : (Z, Y, X) bool or None
        A real lesion of the scan. It becomes one of the study's, moves along and does not grow.
    seed : int
        The same one makes the same study.

    Raises
    ------
    InputError
        When there is no place for so many lesions.
    """
    rng = np.random.default_rng(seed)
    usable = inside_body(scan.image)
    if own is not None:
        usable &= ndimage.distance_transform_edt(~own, sampling=scan.grid.spacing_mm) > FAR_MM
    motions = [_motion(rng, scan) for _ in range(DATES - 1)]
    thickest = max(scan.grid.spacing_mm[0], *(motion.spacing_mm[0] for motion in motions))
    planned = plan(rng, Background(name, scan.image, scan.grid, usable), count, DATES, thickest)
    scans, labels = [], {}
    for number, motion in enumerate([None, *motions]):
        moved, came = (scan, None) if motion is None else motion.apply(scan)
        made, truth = _with_lesions(rng, moved, came, planned, number)
        if own is not None:
            truth[own if came is None else _carried(own, scan, moved, came)] = count + 1
        day = FIRST_DATE + number * INTERVAL
        scans.append(Scan(f"T{number}", made, moved.grid, date=day))
        labels[scans[-1].id] = truth
    growths = [(one.kind, one.growth) for one in planned] + [("real", (1.0,) * DATES)] * (own is not None)
    record = [
        {
            "id": i,
            "kind": kind,
            "growth": [g if (labels[s.id] == i).any() else 0.0 for g, s in zip(growth, scans, strict=True)],
        }
        for i, (kind, growth) in enumerate(growths, start=1)
    ]
    first = scans[0]
    lesions = tuple(
        Lesion(entry["id"], f"{entry['kind']} {entry['id']}", (_click(rng, first, labels[first.id], entry),))
        for entry in record
    )
    return Made(Study(name, tuple(scans), lesions), labels, record)


def write(made: Made, folder: Path) -> None:
    """``study.json``, ``truth.json``, and ``T0.nii.gz`` with ``gt_T0.nii.gz`` for every scan."""
    folder.mkdir(parents=True, exist_ok=True)
    images = {scan.id: f"{scan.id}.nii.gz" for scan in made.study.scans}
    for scan in made.study.scans:
        write_image(folder / images[scan.id], scan.image, scan.grid)
        write_image(truth_path(folder, scan.id), made.labels[scan.id], scan.grid)
    write_manifest(folder / "study.json", made.study, images)
    (folder / "truth.json").write_text(json.dumps({"lesions": made.truth}, indent=1) + "\n")


def _motion(rng: np.random.Generator, scan: Scan) -> Motion:
    """How the patient lies, breathes and is scanned at another date."""
    pixels = float(rng.uniform(*PIXELS_MM))
    slices = max(float(rng.choice(SLICES_MM)), scan.grid.spacing_mm[0])
    return Motion(
        seed=int(rng.integers(2**31)),
        field_mm=float(rng.uniform(2.0, 4.5)),
        breath_mm=float(rng.uniform(-12, 12)),
        crop=float(rng.uniform(-0.05, 0.05)),
        shift_mm=float(rng.uniform(-12, 12)),
        spacing_mm=(slices, pixels, pixels),
        noise_hu=float(rng.uniform(6, 14)),
    )


def _with_lesions(
    rng: np.random.Generator, scan: Scan, came: Came | None, planned: Sequence[Planned], number: int
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
    """Image and labels of one date."""
    image, labels = scan.image.astype(np.float32), np.zeros(scan.grid.shape, np.uint8)
    for label, one in enumerate(planned, start=1):
        if one.growth[number] == 0:
            continue
        scale = one.growth[number] ** (1 / 3)
        share = coverage(one.shape, scan.grid, one.centre_mm, scale, one.psf_mm, came)
        host = coverage(one.shape, scan.grid, one.centre_mm, 1.3, 0.1, came) > 0.5
        base = float(np.median(scan.image[host])) if one.relative else 0.0
        near = Box.of_mask(share > 0).grown(4).clipped(scan.grid.shape).slices
        image[near] = painted(rng, image[near], share[near], base + one.hu, one.texture_hu)
        labels[share >= 0.5] = label
    return np.rint(image).astype(np.int16), labels


def _carried(own: Mask, scan: Scan, moved: Scan, came: Came) -> Mask:
    """A mask of a scan on the moved one."""
    corners = np.array(np.meshgrid(*np.transpose([Box.of_mask(own).start, Box.of_mask(own).stop])))
    goes = Inverse(came)(scan.grid.to_mm(corners.reshape(3, -1).T))
    index = moved.grid.to_index(goes)
    box = Box(as_shape(np.floor(index.min(axis=0))), as_shape(np.ceil(index.max(axis=0)) + 1))
    box = box.grown(10).clipped(moved.grid.shape)
    near = moved.grid.crop(box)
    back = scan.grid.to_index(came(near.to_mm(np.stack(np.indices(near.shape), axis=-1).reshape(-1, 3))))
    share = ndimage.map_coordinates(own.astype(np.float32), back.T, order=1)
    mask = np.zeros(moved.grid.shape, dtype=bool)
    mask[box.slices] = share.reshape(near.shape) >= 0.5
    return mask


def _click(
    rng: np.random.Generator, scan: Scan, labels: npt.NDArray[np.uint8], entry: dict[str, Any]
) -> Click:
    """Anywhere in the inner half of a lesion."""
    mask = labels == entry["id"]
    box = Box.of_mask(mask)
    near = Scan(scan.id, scan.image[box.slices], scan.grid.crop(box))
    case = Case(entry["kind"], "source", near, mask[box.slices], near.grid.middle_mm)
    return Click(scan.id, clicked(rng, case, off_centre=True).click)
