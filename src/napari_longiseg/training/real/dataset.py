"""Cases cut out of real scans, as a segmenter shows them to a network at work.

- The baseline's VOI has the lesion in its middle.
- On the scan to outline there is a click, moved at random (see :class:`Jitter`).
  In a first look the VOI lies around it; in a second look around the lesion, in voxels that fit its size.
- Voxels of a first look are the scan's own, or those of the ladder that suit the lesion's size, which is
  known from the baseline. Without one, half of the first looks are taken in the middle of the ladder, as at
  work, and so are those at places where there is no lesion.
- What lies beyond the scan is air.
- The target is the one lesion, also where others lie in the VOI: which one is meant, the click says.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Grid, Point, as_point
from napari_longiseg.core.lesion import LesionMask
from napari_longiseg.core.resample import resample_smoothly
from napari_longiseg.core.scan import AIR_HU
from napari_longiseg.models.inputs import (
    Inputs,
    click_map,
    fitting_spacing,
    hu_at,
    spacing_for,
    unknown_spacings,
)
from napari_longiseg.models.voi import voi_grid
from napari_longiseg.training.cases import Case
from napari_longiseg.training.real.jitter import Jitter
from napari_longiseg.training.real.pairs import LesionOnScan, LesionPair
from napari_longiseg.training.real.store import ScanStore

SECOND_LOOKS = 0.4
"""Share of cases that are seen from the middle of the lesion, where the network chooses its voxels."""

MISSED_VOXELS = 1.5
"""By so much (standard deviation) the middle of a first outline misses the lesion's, on each axis."""

MARGIN = 8
"""Voxels around a mask's box, so that a blur sees where the lesion ends."""


class PairDataset(Dataset[Case]):
    """One case per pair.

    Parameters
    ----------
    pairs : sequence of LesionPair
        As :func:`~napari_longiseg.training.real.usable.usable_pairs` leaves them; all with a baseline, for
        LongiNet, or none.
    inputs : Inputs
        What the network wants to see.
    store : ScanStore
        With the pairs' scans.
    jitter : Jitter
        Of the clicks on the scans to outline.
    seed, epoch : int
        A case is the same for the same seed, epoch and index, whichever worker makes it.

    Raises
    ------
    InputError
        When only some of the pairs have a baseline.
    """

    def __init__(
        self,
        pairs: Sequence[LesionPair],
        inputs: Inputs,
        store: ScanStore,
        jitter: Jitter,
        seed: int = 0,
        epoch: int = 0,
    ) -> None:
        if len({pair.baseline is None for pair in pairs}) > 1:
            msg = (
                "Some of the pairs have a baseline and some have none; choose those for one kind of network."
            )
            raise InputError(msg)
        self.pairs = tuple(pairs)
        self.inputs = inputs
        self.store = store
        self.jitter = jitter
        self.seed, self.epoch = seed, epoch

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Case:
        pair = self.pairs[index]
        rng = np.random.default_rng((self.seed, self.epoch, index))
        later = _Seen(pair.followup, self.store)
        before = _Seen(pair.baseline, self.store) if pair.baseline else None
        click = self.jitter.click(later.click_mm, later.mask, later.scan.grid, rng)
        centre, spacing = self._look(before, later, click, rng)
        image, target, grid = later.cut(centre, self.inputs, spacing)
        where = torch.tensor(grid.to_index(click), dtype=torch.float32)[None]
        clicks = self._map(where)
        if before is None:
            return {"image": image, "target": target, "clicks": clicks, "reference_hu": hu_at(image, where)}
        then, mask, _ = before.cut(before.middle_mm, self.inputs, spacing)
        middle = torch.tensor([[(n - 1) / 2 for n in self.inputs.size]])
        return {
            "image": image,
            "target": target,
            "clicks": clicks,
            "reference_hu": then[mask > 0].mean() if mask.any() else hu_at(then, middle),
            "baseline_image": then,
            "baseline_mask": mask,
            "baseline_clicks": self._map(middle),
        }

    def _look(
        self, before: _Seen | None, later: _Seen, click: Point, rng: np.random.Generator
    ) -> tuple[Point, float | None]:
        """Centre and voxels of the VOI on the scan to outline."""
        second, sized = rng.random() < SECOND_LOOKS, rng.random() < 0.5
        if second and later.mask is not None and self.inputs.spacings_mm is not None:
            spacing = fitting_spacing(later.extent_mm, self.inputs)
            missed = rng.normal(0.0, MISSED_VOXELS * (spacing or 0.0), 3)
            return as_point(np.asarray(later.middle_mm) + missed), spacing
        known = before or (later if later.mask is not None and sized else None)
        if known is None:
            spacings = unknown_spacings(self.inputs)
            return click, spacings[rng.integers(len(spacings))]
        return click, spacing_for(known.extent_mm, self.inputs)

    def _map(self, clicks: Tensor) -> Tensor:
        if self.inputs.click_sigma is None:
            return torch.zeros(self.inputs.size)
        return click_map(self.inputs.size, clicks, clicks[:0], self.inputs.click_sigma)


class _Seen:
    """A lesion on its scan, as it lies in the store.

    Attributes
    ----------
    scan : Scan
    mask : LesionMask or None
        None where it is gone.
    click_mm : Point
        Before it is moved.
    """

    def __init__(self, side: LesionOnScan, store: ScanStore) -> None:
        if side.click_mm is None:
            msg = f"Label {side.label} on {side.scan.path} has no click yet; look for usable pairs first."
            raise InputError(msg)
        self.scan = store.scan(side.scan)
        self.mask: LesionMask | None = None
        self.click_mm = self.deepest_mm = side.click_mm
        if side.present and side.mask is not None:
            stored = store.lesion(side.scan, side.mask, side.label)
            if stored is not None:
                self.mask, self.deepest_mm = stored.mask, stored.point_mm

    @property
    def extent_mm(self) -> float:
        """The lesion's longest axis; 0 where it is gone."""
        return max(self.mask.grid(self.scan.grid).size_mm) if self.mask else 0.0

    @property
    def middle_mm(self) -> Point:
        """The middle of the box around the lesion; the click where it is gone."""
        if self.mask is None:
            return self.click_mm
        return self.mask.grid(self.scan.grid).middle_mm

    def cut(self, centre_mm: Point, inputs: Inputs, spacing_mm: float | None) -> tuple[Tensor, Tensor, Grid]:
        """The VOI around a point: image (HU), mask (0 or 1), and its grid."""
        voi = voi_grid(self.scan.grid, centre_mm, inputs, spacing_mm)
        image = resample_smoothly(self.scan.image, self.scan.grid, voi, AIR_HU)
        return torch.from_numpy(image), torch.from_numpy(self._mask_on(voi)), voi

    def _mask_on(self, voi: Grid) -> npt.NDArray[np.uint8]:
        if self.mask is None:
            return np.zeros(voi.shape, dtype=np.uint8)
        box = self.mask.box.grown(MARGIN)
        share = resample_smoothly(self.mask.within(box), self.scan.grid.crop(box), voi, 0.0)
        mask = (share >= 0.5).astype(np.uint8)
        if not mask.any() and voi.contains(self.deepest_mm):
            mask[voi.nearest_voxel(self.deepest_mm)] = 1  # smaller than a voxel; it would count as gone
        return mask


def epoch_order(count: int, seed: int, epoch: int, rank: int = 0, ranks: int = 1) -> list[int]:
    """The indices of an epoch in a random order; each of several devices has its share, all equally many."""
    order = np.random.default_rng((seed, epoch)).permutation(count).tolist()
    share = -(-count // ranks)
    return [order[i % count] for i in range(rank * share, (rank + 1) * share)]
