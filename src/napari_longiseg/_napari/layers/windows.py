"""CT windows: which HU are shown from black to white."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np

from napari_longiseg.core.scan import Scan

Window = tuple[float, float]

WINDOWS: dict[str, Window] = {
    "Lung": (-1350.0, 250.0),
    "Soft tissue": (-160.0, 240.0),
    "Bone": (-450.0, 1050.0),
    "Liver": (-20.0, 160.0),
    "Brain": (0.0, 80.0),
}
"""Lowest and highest HU."""

IN_3D: Window = (100.0, 1200.0)
"""What a projection of the brightest voxels shows: bone and vessels, so faint that lesions stand out."""

WINDOW_RANGE: Window = (-1400.0, 2000.0)
"""What the contrast slider spans."""

LUNG_HU = (-930.0, -500.0)
LUNG_SHARE = 0.10
"""A study whose scans are lung by more than this share of voxels is read in the lung window."""


def next_window(name: str) -> str:
    """The window after this one, and round again; the first after one of the reader's own."""
    names = list(WINDOWS)
    return names[(names.index(name) + 1) % len(names)] if name in WINDOWS else names[0]


def name_of(window: Sequence[float]) -> str:
    """Name of a window by its limits; empty where it is none of :data:`WINDOWS`."""
    return next((name for name, limits in WINDOWS.items() if tuple(window) == limits), "")


def window_name(scans: Sequence[Scan]) -> str:
    """Name of the window that suits the content of all the scans of a study."""
    return "Lung" if np.mean([_lung_share(scan) for scan in scans]) > LUNG_SHARE else "Soft tissue"


_LUNG_SHARES: WeakKeyDictionary[Scan, float] = WeakKeyDictionary()
"""Counted once for each scan, when it is loaded: it takes too long for the GUI."""


def _lung_share(scan: Scan) -> float:
    if scan not in _LUNG_SHARES:
        sample = scan.image[::4, ::4, ::4]
        _LUNG_SHARES[scan] = float(np.mean((sample > LUNG_HU[0]) & (sample < LUNG_HU[1])))
    return _LUNG_SHARES[scan]
