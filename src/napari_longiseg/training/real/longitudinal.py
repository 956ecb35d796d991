"""Pairs from the public data set Longitudinal-CT.

- A lesion that disappears has an empty target at the point where the data set's registration took it.
- A lesion that appears has no baseline; single-scan networks can be trained on it.
- Of lesions that merge, each is a pair of its own: its own mask on the baseline, and what they have become
  together on the follow-up, since nobody can say which part is whose. Of a lesion that splits, each part is a
  pair with the whole lesion as its baseline: a click asks for the part that it lies in.
- A lesion whose link is unclear is left out of pairs, and outlined alone on each scan where it is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid, Point, as_point
from napari_longiseg.io.images import read_grid
from napari_longiseg.io.longitudinal_ct import (
    ListedLesion,
    ListedPatient,
    Region,
    Topology,
    list_longitudinal_ct,
)
from napari_longiseg.training.real.pairs import Found, LesionOnScan, LesionPair, ScanFile, summary

TANGLED = (Topology.MERGING, Topology.SPLITTING)


@dataclass(frozen=True, slots=True)
class LongitudinalOptions:
    """Which lesions of Longitudinal-CT to use, and how.

    Attributes
    ----------
    patients : tuple of str
        Only these; empty: all. Leave out those that a trained network is to be tested on.
    unclear : bool
        Use links that the readers were not sure of.
    challenge_only : bool
        Only the lesions that were part of the challenge.
    propagated : bool
        Clicks on the follow-up lie where the data set's registration took them, which is far off for one in
        twenty, instead of in the middle of the lesion.
    both_ways : bool
        Carry lesions from the follow-up to the baseline, too; those that merge or split are not.
    """

    patients: tuple[str, ...] = ()
    unclear: bool = False
    challenge_only: bool = False
    propagated: bool = False
    both_ways: bool = False


def longitudinal_pairs(folder: str | Path, options: LongitudinalOptions | None = None) -> Found:
    """List the pairs of a folder of Longitudinal-CT; only headers of images are read.

    Raises
    ------
    InputError
        When the folder cannot be used (:func:`~napari_longiseg.io.longitudinal_ct.list_longitudinal_ct`),
        or a patient that was asked for is not there.
    """
    options = options or LongitudinalOptions()
    listing = list_longitudinal_ct(folder)
    if missing := sorted(set(options.patients) - {patient.id for patient in listing.patients}):
        reason = listing.skipped.get(missing[0], "there are no files of it.")
        msg = f"Patient {missing[0]} of {folder} cannot be used: {reason}"
        raise InputError(msg)
    bad = [] if options.patients else [f"Patient {name}: {why}" for name, why in listing.skipped.items()]
    pairs: list[LesionPair] = []
    reasons: list[tuple[str, int, str]] = []
    grid_of = cache(read_grid)
    for patient in listing.patients:
        if options.patients and patient.id not in options.patients:
            continue
        for lesion in patient.lesions:
            if options.challenge_only and lesion.challenge is False:
                continue
            sides = _Sides(patient, lesion, options, grid_of)
            pairs += sides.pairs()
            reasons += [(patient.id, lesion.id, reason) for reason in sides.reasons]
    return Found(tuple(pairs), (*bad, *summary(reasons)))


class _Sides:
    """One lesion on both dates.

    Attributes
    ----------
    before, after : LesionOnScan or None
        On the baseline and on the follow-up; None where it is not there, or cannot be used.
    reasons : list of str
        Why it cannot.
    """

    def __init__(
        self,
        patient: ListedPatient,
        lesion: ListedLesion,
        options: LongitudinalOptions,
        grid_of: Callable[[Path], Grid],
    ) -> None:
        self.patient, self.lesion, self.options, self.grid_of = patient, lesion, options, grid_of
        self.reasons: list[str] = []
        self.before = self._side(self._before)
        self.after = self._side(self._after)

    def pairs(self) -> list[LesionPair]:
        """What can be trained on."""
        before, after = self.before, self.after
        if before is None or after is None or (self.lesion.unclear and not self.options.unclear):
            there = [side for side in (before, after) if side is not None and side.present is not False]
            found = [self._pair(None, side) for side in there]
        else:
            found = [self._pair(before, after)]
        return found + self._backwards() if self.options.both_ways else found

    def _backwards(self) -> list[LesionPair]:
        """From the follow-up to the baseline."""
        lesion, after = self.lesion, self.after
        if after is None or after.present is False or lesion.topology in TANGLED:
            return []
        if lesion.unclear and not self.options.unclear:
            return []
        target = self.before
        if lesion.topology is Topology.NEWLY_APPEARING and lesion.backpropagated is not None:
            target = self._side(self._not_yet)
        return [self._pair(replace(after, click_mm=None), target)] if target is not None else []

    def _pair(self, baseline: LesionOnScan | None, followup: LesionOnScan) -> LesionPair:
        return LesionPair(self.patient.id, self.lesion.id, baseline, followup)

    def _side(self, make: Callable[[], LesionOnScan | None]) -> LesionOnScan | None:
        try:
            return make()
        except InputError as error:
            self.reasons.append(str(error))
            return None

    def _before(self) -> LesionOnScan | None:
        lesion = self.lesion
        if lesion.label_baseline is None or lesion.region_baseline is None:
            return None
        scan, mask = self._files("BL", lesion.region_baseline)
        return LesionOnScan(
            scan,
            mask,
            lesion.label_baseline,
            present=None if lesion.topology is None else True,
            # Of a part it is unknown whether this is the part's centre or that of the whole.
            centre_mm=None if lesion.split_from else self._mm(scan, lesion.centre_baseline),
        )

    def _after(self) -> LesionOnScan | None:
        lesion = self.lesion
        gone = lesion.topology is Topology.DISAPPEARING
        if gone and lesion.propagated is None:
            raise InputError("it disappears, and nothing says where it would be on the follow-up.")
        if lesion.region_followup is None:
            return None
        scan, mask = self._files("FU", lesion.region_followup, needs_mask=not gone)
        return LesionOnScan(
            scan,
            mask,
            lesion.label_followup or lesion.id,
            present=None if lesion.topology is None else not gone,
            click_mm=self._mm(scan, lesion.propagated) if self.options.propagated else None,
            place_mm=self._mm(scan, lesion.propagated),
            centre_mm=None if lesion.topology in TANGLED else self._mm(scan, lesion.centre_followup),
        )

    def _not_yet(self) -> LesionOnScan | None:
        """A lesion that appears, where it would be on the baseline."""
        lesion = self.lesion
        if lesion.region_baseline is None:
            return None
        scan, mask = self._files("BL", lesion.region_baseline, needs_mask=False)
        return LesionOnScan(
            scan, mask, lesion.id, present=False, place_mm=self._mm(scan, lesion.backpropagated)
        )

    def _files(self, date: str, number: int, needs_mask: bool = True) -> tuple[ScanFile, Path | None]:
        region = (self.patient.baseline if date == "BL" else self.patient.followup).get(number, Region())
        if region.image is None or (needs_mask and region.mask is None):
            kind = "img" if region.image is None else "mask"
            raise InputError(f"there is no file {self.patient.id}_{date}_{kind}_{number:02d}.")
        return ScanFile(f"{date}_{number:02d}", region.image), region.mask

    def _mm(self, scan: ScanFile, index: Point | None) -> Point | None:
        """A voxel of a scan's file in patient space."""
        return None if index is None else as_point(self.grid_of(scan.path).to_mm(index))
