"""``run.json``: how results were made."""

from __future__ import annotations

import datetime as dt
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from napari_longiseg.core.scan import Study
from napari_longiseg.core.timing import Timer

SCHEMA = "longiseg-run/1"
RECORDED = ("napari-longiseg", "napari", "numpy", "scipy", "torch", "SimpleITK", "pydicom")
"""Packages whose versions the figures may depend on."""


@dataclass(frozen=True, slots=True)
class PairRecord:
    """How one scan was aligned to another.

    Attributes
    ----------
    source, target : str
        Ids of the scans.
    method : str
        Name of the registration.
    summary : str
        What the point map says about itself; empty where it says nothing.
    doubt : str
        What a reader must know before they trust the points; empty where all seems well.
    kept : bool
        Whether an earlier run had aligned them, so that this run's time does not count it.
    """

    source: str
    target: str
    method: str
    summary: str
    doubt: str
    kept: bool = False


def run_record(
    study: Study,
    parameters: Mapping[str, Any],
    timer: Timer,
    registrations: Iterable[PairRecord] = (),
) -> dict[str, Any]:
    """The record of a run, ready for JSON.

    Parameters
    ----------
    study : Study
        What was tracked.
    parameters : mapping
        Methods with their options, and the options of the propagation.
    timer : Timer
        How long each step took.
    registrations : iterable of PairRecord
        Every pair of scans between which a lesion was carried over.
    """
    return {
        "schema": SCHEMA,
        "written": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "patient": study.patient,
        "parameters": dict(parameters),
        # Nothing in tracking draws random numbers; methods name seeds among their options.
        "seeds": {},
        "seconds": {step: round(seconds, 3) for step, seconds in timer.seconds.items()},
        "registrations": [asdict(pair) for pair in registrations],
        "notes": {scan.id: list(scan.notes) for scan in study.scans if scan.notes},
        "versions": _versions(),
        "command": sys.argv,
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in RECORDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
