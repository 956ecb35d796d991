"""The lungs of both scans: what is in them slides along the chest wall."""

from __future__ import annotations

import numpy as np

from napari_longiseg.core.geometry import Grid, as_point
from napari_longiseg.core.lungs import find_lungs
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._torch.pair import Pair
from napari_longiseg.registration._torch.volume import HIGH_HU, LOW_HU, Volume
from napari_longiseg.registration.region import Region

CELL_MM = 6.0


def lungs_of(pair: Pair) -> tuple[Region, Region] | None:
    """The lungs of source and target; None unless both scans show some."""
    coarse = pair.reduced(CELL_MM)
    source = _lungs(coarse.source)
    target = _lungs(coarse.target) if source else None
    return (source, target) if source and target else None


def _lungs(volume: Volume) -> Region | None:
    hu = volume.data.cpu().numpy() * np.float32(HIGH_HU - LOW_HU) + np.float32(LOW_HU)
    grid = Grid(volume.shape, as_point(volume.spacing), as_point(volume.origin))
    found = find_lungs(Scan("coarse", hu, grid))
    return Region(found.mask, volume.origin, CELL_MM) if found.found else None
