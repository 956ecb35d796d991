"""Real lesions to train on, as files: one lesion on a baseline scan and on a follow-up scan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from napari_longiseg.core.geometry import Point
from napari_longiseg.models.network_file import Kind


@dataclass(frozen=True, slots=True)
class ScanFile:
    """Where a scan is read from, as :func:`~napari_longiseg.io.scans.load_scan` takes it."""

    id: str
    path: Path
    series: str | int | None = None


@dataclass(frozen=True, slots=True)
class LesionOnScan:
    """One lesion on one scan.

    Attributes
    ----------
    scan : ScanFile
        The scan.
    mask : Path or None
        A label image of it; None where the lesion is known to be gone and there is none.
    label : int
        The lesion's label there.
    present : bool or None
        Whether the lesion is there; None: where its label is.
    click_mm : Point or None
        A click on it, LPS mm, order (z, y, x); None: at the deepest point of its mask.
    place_mm : Point or None
        Where it would be, to click there in case it is gone.
    centre_mm : Point or None
        Where its centre is said to be; it must agree with the mask.
    """

    scan: ScanFile
    mask: Path | None
    label: int
    present: bool | None = None
    click_mm: Point | None = None
    place_mm: Point | None = None
    centre_mm: Point | None = None


@dataclass(frozen=True, slots=True)
class LesionPair:
    """One lesion to outline on a scan, and the same on another one where that is known.

    Attributes
    ----------
    patient : str
        All pairs of a patient are trained on, or none.
    lesion : int
        Its id.
    baseline : LesionOnScan or None
        Where it is known; LongiNet needs it. It need not be the earlier scan.
    followup : LesionOnScan
        Where it is to be outlined, or is gone.
    """

    patient: str
    lesion: int
    baseline: LesionOnScan | None
    followup: LesionOnScan


@dataclass(frozen=True, slots=True)
class Found:
    """Pairs, and what could not be used.

    Attributes
    ----------
    pairs : tuple of LesionPair
        In the order of the patients.
    skipped : tuple of str
        A sentence each, naming the patient and the reason.
    """

    pairs: tuple[LesionPair, ...]
    skipped: tuple[str, ...] = ()


def pairs_for(kind: Kind, pairs: Iterable[LesionPair]) -> tuple[LesionPair, ...]:
    """What a network of this kind can be trained on.

    For LongiNet these are the pairs that have a baseline. For a single-scan network each lesion on each scan
    counts once, whether the pair has it as baseline or follow-up; places where it is gone are among them.
    """
    if kind == "longinet":
        return tuple(pair for pair in pairs if pair.baseline is not None)
    single: dict[object, LesionPair] = {}
    for pair in pairs:
        for seen in (pair.baseline, pair.followup):
            if seen is not None:
                # Those that have merged have one label; where nothing is, only the place tells them apart.
                place = None if seen.present else seen.place_mm
                key = (pair.patient, seen.scan, seen.label, seen.click_mm, place)
                single.setdefault(key, replace(pair, baseline=None, followup=seen))
    return tuple(single.values())


def summary(reasons: Iterable[tuple[str, int, str]]) -> tuple[str, ...]:
    """Sentences about lesions that cannot be used, one for all of a patient's with the same reason.

    Parameters
    ----------
    reasons : iterable of (patient, lesion, reason)
    """
    lesions: dict[tuple[str, str], dict[int, None]] = {}
    for patient, lesion, reason in reasons:
        lesions.setdefault((patient, reason), {})[lesion] = None
    return tuple(
        f"Patient {patient}, lesion{'s' if len(ids) > 1 else ''} {', '.join(map(str, ids))}: {reason}"
        for (patient, reason), ids in lesions.items()
    )
