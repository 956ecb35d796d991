"""Two scans as volumes of one spacing, and the lattice half way between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from napari_longiseg.core.geometry import Array
from napari_longiseg.registration._torch.lattice import Lattice, image, inside
from napari_longiseg.registration._torch.volume import Volume
from napari_longiseg.registration.transforms import Affine

MARGIN_MM = 16.0
"""How far the lattice reaches beyond what both scans show of the body."""


@dataclass(frozen=True, eq=False)
class Pair:
    """What is aligned.

    Attributes
    ----------
    source, target : Volume
        Of the same spacing.
    source_body, target_body : Volume
        1 in the body, where something is worth comparing.
    scans : str
        Which scans these are, for messages.
    """

    source: Volume
    target: Volume
    source_body: Volume
    target_body: Volume
    scans: str = "The scans"

    @property
    def spacing_mm(self) -> float:
        """Of the volumes and the lattice."""
        return float(self.source.spacing[0])

    def reduced(self, spacing_mm: float) -> Pair:
        """The same scans, averaged over larger cells."""
        source, target = self.source.reduced(spacing_mm), self.target.reduced(spacing_mm)
        bodies = self.source_body.reduced(spacing_mm), self.target_body.reduced(spacing_mm)
        return Pair(source, target, *bodies, self.scans)

    def lattice(self, half: Affine) -> Lattice:
        """Nodes over what both scans show of the body, where *half* brings source points half way."""
        low_s, high_s = _bounds(self.source_body, half)
        low_t, high_t = _bounds(self.target_body, half.inverse)
        low, high = np.maximum(low_s, low_t), np.minimum(high_s, high_t)
        # Where they hardly meet, a small lattice in between still gives a (poor) correlation.
        middle = (low + high) / 2
        low, high = np.minimum(low, middle), np.maximum(high, middle)
        low, high = low - MARGIN_MM, high + MARGIN_MM
        return Lattice.over(low, high, self.spacing_mm, self.source.data.device)

    def weight(self, at_source: Tensor, at_target: Tensor) -> Tensor:
        """(Z, Y, X): 1 in the body of either scan, 0 where one of them does not reach."""
        shown = inside(at_source, self.source) * inside(at_target, self.target)
        body = torch.maximum(image(self.source_body, at_source), image(self.target_body, at_target))
        return shown * body


def _bounds(body: Volume, transform: Affine) -> tuple[Array, Array]:
    """Box (mm) around the body after a transform."""
    shown = body.data.cpu().numpy() > 0.5
    spans = [np.flatnonzero(shown.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if not spans[0].size:
        spans = [np.arange(n) for n in shown.shape]
    ends = [
        (o + s * (span[0] - 0.5), o + s * (span[-1] + 0.5))
        for o, s, span in zip(body.origin, body.spacing, spans, strict=True)
    ]
    corners = transform(np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3))
    return corners.min(axis=0), corners.max(axis=0)
