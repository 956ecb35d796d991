"""The record of what is true: volumes, centres and edges of every lesion on every date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.components import deepest_point
from napari_longiseg.core.geometry import Box, Point, as_point
from napari_longiseg.core.lesion import Click, Lesion, Measurements
from napari_longiseg.core.measure import measure
from napari_longiseg.core.scan import Scan
from napari_longiseg.training.synthetic.courses import Course
from napari_longiseg.training.synthetic.motion import Motion
from napari_longiseg.training.synthetic.place import Lobe
from napari_longiseg.training.synthetic.render import labels_at


@dataclass(frozen=True, slots=True)
class LesionTruth:
    """What became of one lesion.

    Attributes
    ----------
    id : int
        Its label on every scan.
    kind : str
        Where it sits: lung, liver, node or bone.
    name : str
        For the reader.
    growth : tuple of float
        Volume per date as a multiple of that on the first date where it is there; 0 where it is not, also
        once it has merged into another.
    centres_mm : tuple of Point
        Per date, LPS mm (z, y, x): where the tissue lies that was its centre on the first scan, also on
        dates where the lesion is not there.
    volume_ml, long_axis_mm : tuple of float
        Of its voxels per date; 0 where there are none.
    merged_into, merged_at
        The lesion that carries its voxels from then on, and the scan's id.
    split_from, split_at
        The lesion that it was part of before, and the scan's id.
    """

    id: int
    kind: str
    name: str
    growth: tuple[float, ...]
    centres_mm: tuple[Point, ...]
    volume_ml: tuple[float, ...]
    long_axis_mm: tuple[float, ...]
    merged_into: int | None = None
    merged_at: str | None = None
    split_from: int | None = None
    split_at: str | None = None

    @property
    def first_date(self) -> int:
        """Index of the first date on which it has voxels."""
        return next(i for i, volume in enumerate(self.volume_ml) if volume > 0.0)


def truth_of(
    lobes: list[Lobe],
    scans: Sequence[Scan],
    labels: Mapping[str, npt.NDArray[np.uint16]],
    motions: Sequence[Motion],
) -> tuple[LesionTruth, ...]:
    """Measure every lesion on every date."""
    last = len(scans) - 1
    at_last = labels_at(lobes, last)
    found = []
    for i, lobe in enumerate(lobes):
        second = lobe.partner is not None and lobe.partner < i
        merges = second and last > 0 and lobe.plan.course is Course.MERGE
        splits = second and lobe.plan.course is Course.SPLIT
        if splits and last == 0:
            continue
        label = at_last[i] if splits else lobe.lesion
        sizes = [_measured(scan, labels[scan.id], label) for scan in scans]
        volumes = [size.volume_ml if size else 0.0 for size in sizes]
        reference = next(volume for volume in volumes if volume > 0.0)
        found.append(
            LesionTruth(
                id=label,
                kind=str(lobe.plan.host),
                name=f"{lobe.plan.host} {label}",
                growth=tuple(volume / reference for volume in volumes),
                centres_mm=tuple(as_point(m.from_first(lobe.anchor_mm)[0]) for m in motions),
                volume_ml=tuple(volumes),
                long_axis_mm=tuple(size.long_axis_mm if size else 0.0 for size in sizes),
                merged_into=lobes[i - 1].lesion if merges else None,
                merged_at=scans[last].id if merges else None,
                split_from=lobe.lesion if splits else None,
                split_at=scans[last].id if splits else None,
            )
        )
    return tuple(sorted(found, key=lambda lesion: lesion.id))


def lesions_of(
    truth: Sequence[LesionTruth], scans: Sequence[Scan], labels: Mapping[str, npt.NDArray[np.uint16]]
) -> tuple[Lesion, ...]:
    """Every lesion with one click, at the deepest voxel of its mask on the first scan where it is there."""
    lesions = []
    for lesion in truth:
        scan = scans[lesion.first_date]
        mask = labels[scan.id] == lesion.id
        box = Box.of_mask(mask)
        point = deepest_point(mask[box.slices], scan.grid.crop(box))
        lesions.append(Lesion(lesion.id, lesion.name, (Click(scan.id, point),)))
    return tuple(lesions)


def _measured(scan: Scan, labels: npt.NDArray[np.uint16], label: int) -> Measurements | None:
    mask = labels == label
    box = Box.of_mask(mask)
    if box.is_empty:
        return None
    return measure(mask[box.slices], scan.grid.crop(box), scan.image[box.slices])
