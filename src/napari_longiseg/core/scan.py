"""A CT volume with its grid, and the scans of one patient."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Box, Grid
from napari_longiseg.core.landmark import Landmark
from napari_longiseg.core.lesion import Lesion
from napari_longiseg.core.resample import crop

AIR_HU = -1024.0


@dataclass(frozen=True)
class ScanStatistics:
    """Intensities of a whole scan in HU, for engines that normalise by them."""

    mean: float
    std: float
    low: float
    """0.5th percentile."""
    high: float
    """99.5th percentile."""


@dataclass(frozen=True, eq=False)
class Scan:
    """One CT volume on its LPS working grid.

    Attributes
    ----------
    id : str
        Unique within the study; names the scan in files and tables.
    image : (Z, Y, X) int16 or float32
        HU.
    grid : Grid
        Working grid; its direction is the identity.
    native : Grid
        The grid of the file, axes in array order; masks are written back on it.
    date : date or None
        Day of the acquisition.
    path : Path or None
        Where the scan was read from.
    notes : tuple of str
        What the reader changed on loading, one sentence each (resampled, duplicates dropped, ...).
    """

    id: str
    image: npt.NDArray[Any]
    grid: Grid
    native: Grid = None  # type: ignore[assignment]  # filled in __post_init__
    date: dt.date | None = None
    path: Path | None = None
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.image.shape != self.grid.shape:
            msg = f"Scan {self.id}: the image has shape {self.image.shape}, its grid {self.grid.shape}."
            raise InputError(msg)
        if not self.grid.is_lps:
            msg = f"Scan {self.id} is not on an LPS grid; load it with napari_longiseg.io."
            raise InputError(msg)
        if self.native is None:
            object.__setattr__(self, "native", self.grid)

    @cached_property
    def key(self) -> str:
        """Hash of voxels and grid: the same scan has the same key, whatever its id."""
        digest = hashlib.blake2b(repr((self.grid, self.image.dtype.str)).encode(), digest_size=16)
        digest.update(np.ascontiguousarray(self.image).data)
        return digest.hexdigest()

    @cached_property
    def statistics(self) -> ScanStatistics:
        """Mean, standard deviation and percentiles of the scan in HU, from every fourth voxel per axis."""
        sample = self.image[::4, ::4, ::4].astype(np.float32)
        low, high = np.percentile(sample, (0.5, 99.5))
        return ScanStatistics(float(sample.mean()), float(sample.std()), float(low), float(high))

    def crop(self, box: Box) -> npt.NDArray[np.float32]:
        """Float32 copy of a box (HU); what sticks out of the scan is air."""
        return crop(self.image, box, AIR_HU)


@dataclass(frozen=True)
class Study:
    """All scans of one patient, ordered by date, and what is known of them from the start.

    Attributes
    ----------
    patient : str
        Names the patient in tables.
    scans : tuple of Scan
        At least one.
    lesions : tuple of Lesion
        With the prompts to start from.
    landmarks : tuple of Landmark
        Places that a reader has pointed at, at most one of a name on each scan.

    Raises
    ------
    InputError
        When there is no scan, two share an id, or a landmark is on no scan or stands twice on one.
    """

    patient: str
    scans: tuple[Scan, ...]
    lesions: tuple[Lesion, ...] = ()
    landmarks: tuple[Landmark, ...] = ()

    def __post_init__(self) -> None:
        ids = [scan.id for scan in self.scans]
        if not ids:
            msg = f"Study {self.patient} has no scan."
            raise InputError(msg)
        twice = {i for i in ids if ids.count(i) > 1}
        if twice:
            msg = f"Study {self.patient} has more than one scan called {', '.join(sorted(twice))}."
            raise InputError(msg)
        placed: set[tuple[str, str]] = set()
        for one in self.landmarks:
            if one.scan not in ids:
                msg = f"Landmark {one.name!r} is on scan {one.scan!r}, but the scans are {', '.join(ids)}."
                raise InputError(msg)
            if (one.scan, one.name) in placed:
                msg = f"Study {self.patient} has more than one landmark {one.name!r} on scan {one.scan}."
                raise InputError(msg)
            placed.add((one.scan, one.name))

    def scan(self, scan_id: str) -> Scan:
        """The scan with this id."""
        for scan in self.scans:
            if scan.id == scan_id:
                return scan
        msg = f"Study {self.patient} has no scan {scan_id!r}; it has {', '.join(s.id for s in self.scans)}."
        raise InputError(msg)

    def with_lesions(self, lesions: tuple[Lesion, ...]) -> Study:
        """The same scans with other lesions."""
        return replace(self, lesions=lesions)
