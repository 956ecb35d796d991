"""What a pair of scans with known truth is, and how it is kept in a file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Array, Grid, as_point, as_shape
from napari_longiseg.core.scan import Scan

VERSION = 1
"""Files of another version are made anew."""


@dataclass(frozen=True, eq=False)
class Marks:
    """Points that belong together.

    Attributes
    ----------
    source_mm, target_mm : (N, 3) float64
        LPS mm, order (z, y, x).
    where : (N,) str
        What lies there: lung, liver, wall, click, centre, ...
    lesion : (N,) int
        Label of the lesion on the target; 0 where there is none.
    """

    source_mm: Array
    target_mm: Array
    where: npt.NDArray[np.str_]
    lesion: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.source_mm)

    @classmethod
    def of(
        cls,
        source_mm: npt.ArrayLike,
        target_mm: npt.ArrayLike,
        where: npt.ArrayLike = "body",
        lesion: npt.ArrayLike = 0,
    ) -> Marks:
        """Marks of any number of points; one word or label for all will do."""
        source, target = (np.asarray(p, np.float64).reshape(-1, 3) for p in (source_mm, target_mm))
        return cls(
            source,
            target,
            np.broadcast_to(np.asarray(where, dtype="<U12"), len(source)),
            np.broadcast_to(np.asarray(lesion, dtype=np.int64), len(source)),
        )

    def kept(self, keep: npt.NDArray[np.bool_]) -> Marks:
        """Some of them."""
        return Marks(self.source_mm[keep], self.target_mm[keep], self.where[keep], self.lesion[keep])

    def moved(self, source_by_mm: npt.ArrayLike = 0.0, target_by_mm: npt.ArrayLike = 0.0) -> Marks:
        """The same in shifted patient coordinates."""
        source, target = self.source_mm + source_by_mm, self.target_mm + target_by_mm
        return Marks(source, target, self.where, self.lesion)

    def swapped(self) -> Marks:
        """From the target to the source, where the lesions have no label."""
        return Marks.of(self.target_mm, self.source_mm, self.where)

    def seen_by(self, source: Grid, target: Grid) -> Marks:
        """Those inside both scans."""
        return self.kept(source.contains(self.source_mm) & target.contains(self.target_mm))


NOTHING = Marks.of(np.empty((0, 3)), np.empty((0, 3)))


@dataclass(frozen=True, eq=False)
class Pair:
    """Two scans and what is true of them.

    Attributes
    ----------
    source, target : Scan
        int16 HU.
    lesions, body : Marks
        Points in lesions, and anywhere in the body.
    target_labels : (Z, Y, X) uint8 or None
        Lesions on the target's grid, to tell whether a mapped point lies inside.
    name, group : str
        Which pair of which group.
    held_out : bool
        Whether nothing was ever tuned or calibrated on it.
    refuse : bool
        Whether a registration must say that the scans do not belong together.
    like : str
        Name of the pair whose result this one's should be equal to; empty where there is none.
    swapped : bool
        Whether source and target are those of *like* the other way round.
    """

    source: Scan
    target: Scan
    lesions: Marks = NOTHING
    body: Marks = NOTHING
    target_labels: npt.NDArray[np.uint8] | None = None
    name: str = ""
    group: str = ""
    held_out: bool = False
    refuse: bool = False
    like: str = ""
    swapped: bool = False


def write(pair: Pair, path: Path) -> None:
    """Keep scans, points and labels; never half a file."""
    arrays: dict[str, Any] = {"version": np.array(VERSION)}
    for side, scan in (("source", pair.source), ("target", pair.target)):
        grid = scan.grid
        arrays[f"{side}.image"] = scan.image
        arrays[f"{side}.grid"] = np.array([grid.spacing_mm, grid.origin_mm])
        arrays[f"{side}.id"] = np.array(scan.id)
    for kind, marks in (("lesions", pair.lesions), ("body", pair.body)):
        arrays |= {f"{kind}.{name}": part for name, part in vars(marks).items()}
    if pair.target_labels is not None:
        arrays["labels"] = pair.target_labels
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    try:
        np.savez_compressed(part, **arrays)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read(path: Path) -> Pair | None:
    """The pair of a file; None where there is none of this version."""
    if not path.exists():
        return None
    with np.load(path) as file:
        if int(file["version"]) != VERSION:
            return None
        scans = [_scan(file, side) for side in ("source", "target")]
        marks = [Marks(**{n: file[f"{k}.{n}"] for n in Marks.__annotations__}) for k in ("lesions", "body")]
        labels = file.get("labels")
    return Pair(scans[0], scans[1], marks[0], marks[1], labels)


def _scan(file: Any, side: str) -> Scan:  # noqa: ANN401 - an NpzFile
    image = file[f"{side}.image"]
    spacing, origin = file[f"{side}.grid"]
    return Scan(
        str(file[f"{side}.id"]), image, Grid(as_shape(image.shape), as_point(spacing), as_point(origin))
    )
