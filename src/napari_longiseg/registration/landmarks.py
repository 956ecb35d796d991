"""Scans aligned by landmarks that a reader has placed on both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from napari_longiseg.core.errors import InputError, RegistrationError
from napari_longiseg.core.landmark import Landmark, pairs_between
from napari_longiseg.core.methods import FileName
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.io.landmarks import read_landmarks
from napari_longiseg.registration._landmarks.map import LEAST_RIGID, LandmarkMap


@dataclass(frozen=True)
class LandmarkRegistration:
    """Aligns scans by their common landmarks, whatever the images show.

    Three or four landmarks give a rotation and a shift; five or more that do not lie in one plane give a
    smooth thin-plate spline.

    Attributes
    ----------
    file : str
        Table of landmarks (CSV with the columns scan, name, x_mm, y_mm, z_mm); by default the study's own.
    precision_mm : float
        How far off landmarks are placed, root mean square; the less precise, the smoother is the spline.
        0 to meet them exactly.

    Raises
    ------
    InputError
        When an option is out of its range.
    """

    file: FileName = ""
    precision_mm: float = 1.0

    name: ClassVar[str] = "landmarks"

    def __post_init__(self) -> None:
        if not 0.0 <= self.precision_mm < float("inf"):
            msg = f"The precision of landmarks must be 0 mm or more, not {self.precision_mm} mm."
            raise InputError(msg)

    def for_study(self, study: Study) -> PlacedLandmarks:
        """The registration by the landmarks of the file, or else of the study.

        Raises
        ------
        InputError
            When the file cannot be used, or names a scan that the study has not.
        """
        if not self.file:
            return PlacedLandmarks(study.landmarks, self.precision_mm)
        return PlacedLandmarks(
            read_landmarks(self.file, [scan.id for scan in study.scans]), self.precision_mm
        )

    def align(self, source: Scan, target: Scan, progress: Progress) -> LandmarkMap:
        """Align two scans by the landmarks of the file.

        Raises
        ------
        InputError, RegistrationError
            As :func:`~napari_longiseg.io.landmarks.read_landmarks` and :meth:`PlacedLandmarks.align`.
        """
        landmarks = read_landmarks(self.file) if self.file else ()
        return PlacedLandmarks(landmarks, self.precision_mm).align(source, target, progress)


@dataclass(frozen=True)
class PlacedLandmarks:
    """Aligns scans by these landmarks.

    Attributes
    ----------
    landmarks : tuple of Landmark
        On any scans.
    precision_mm : float
        As for :class:`LandmarkRegistration`.
    """

    landmarks: tuple[Landmark, ...]
    precision_mm: float = 1.0

    name: ClassVar[str] = LandmarkRegistration.name

    def align(self, source: Scan, target: Scan, progress: Progress) -> LandmarkMap:
        """Align *source* to *target* by the landmarks that both have.

        Raises
        ------
        RegistrationError
            With fewer than three of them, or where they lie on a line.
        """
        progress("Using landmarks", 0.0)
        pairs = pairs_between(self.landmarks, source.id, target.id)
        names = [pair.name for pair in pairs]
        if len(pairs) < LEAST_RIGID:
            msg = (
                f"Alignment by landmarks needs {LEAST_RIGID} of the same name on {source.id} and on "
                f"{target.id}, and found {', '.join(map(repr, names)) or 'none'}; add more to the table of "
                "landmarks, which the option file or the study names."
            )
            raise RegistrationError(msg)
        outside = [
            f"{one.name!r} on {scan.id}"
            for scan in (source, target)
            for one in self.landmarks
            if one.scan == scan.id and one.name in names and not scan.grid.contains(one.point_mm)
        ]
        note = f"Outside their scan: {', '.join(outside)}." if outside else ""
        try:
            found = LandmarkMap.of(pairs, self.precision_mm, note)
        except RegistrationError as error:
            raise RegistrationError(f"{source.id} to {target.id}: {error}") from error
        progress("Using landmarks", 1.0)
        return found
