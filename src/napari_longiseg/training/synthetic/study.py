"""A synthetic study in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Array
from napari_longiseg.core.scan import Study
from napari_longiseg.training.synthetic.motion import Motion
from napari_longiseg.training.synthetic.options import SynthOptions
from napari_longiseg.training.synthetic.truth import LesionTruth


@dataclass(frozen=True, eq=False)
class SyntheticStudy:
    """A study in memory with its truth.

    Attributes
    ----------
    study : Study
        The scans (int16 HU) and the lesions, each with one click on the first scan where it is there.
    labels : dict of str to (Z, Y, X) uint16
        Per scan id: label = lesion id, on the scan's grid.
    lesions : tuple of LesionTruth
        What became of each lesion.
    options : SynthOptions
        What was asked for.
    """

    study: Study
    labels: dict[str, npt.NDArray[np.uint16]]
    lesions: tuple[LesionTruth, ...]
    options: SynthOptions
    motions: tuple[Motion, ...] = field(repr=False)

    def map_points(self, points_mm: npt.ArrayLike, from_scan: str, to_scan: str) -> Array:
        """Where points of one scan lie on another, exact to less than 0.001 mm.

        Parameters
        ----------
        points_mm : (N, 3) float
            LPS mm, order (z, y, x); may lie outside the field of view.
        from_scan, to_scan : str
            Scan ids.

        Raises
        ------
        InputError
            When the study has no such scan.
        """
        ids = [scan.id for scan in self.study.scans]
        a, b = (ids.index(self.study.scan(i).id) for i in (from_scan, to_scan))
        return self.motions[b].from_first(self.motions[a].to_first(points_mm))
