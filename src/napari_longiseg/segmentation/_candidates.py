"""Masks that a click may mean: level sets of the distance in HU from the lesion, cut at their necks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.distance import depth_inside, distance_outside
from napari_longiseg.core.geometry import Array, Box, as_shape
from napari_longiseg.segmentation._patch import Mask, Patch
from napari_longiseg.segmentation._seed import Seed

LEVEL_RATIO = 1.25
"""Step between levels."""
NECKS = (0.4, 0.65, 0.9)
"""Openings that are tried, as shares of the depth at the click."""
UPHILL = 0.4
"""The centre is looked for within this share of the depth at the click."""
SHELL_MM = 2.0
"""Thickness of the shell outside that is compared with the mask."""
CLEAR = 1.3
"""A shell voxel differs clearly where its distance in HU is this many times the level."""
FULL = 0.6
"""A level that fills this share of the patch is the background."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """One possible outline.

    Attributes
    ----------
    mask : (Z, Y, X) bool
        In one piece, with the click in or beside it.
    level_hu : float
        How far from the lesion's HU its voxels may be.
    contrast_hu : float
        Median distance in HU of a shell 1 to 3 mm outside, less that of the mask.
    edge : float
        Share (0 to 1) of the shell that differs clearly from the lesion.
    compactness : float
        1 for a ball, less the larger the border is for the volume.
    volume_ml : float
        Its volume.
    cut : float
        Share of the border that lies on the patch's edge.
    centred : float
        Depth at the click as a share of the mask's greatest depth.
    """

    mask: Mask
    level_hu: float
    contrast_hu: float
    edge: float
    compactness: float
    volume_ml: float
    cut: float
    centred: float


def candidates(patch: Patch, seed: Seed, lowest_hu: float) -> Iterator[Candidate]:
    """Outlines around the clicks, from the strictest level to the one that fills the patch.

    Parameters
    ----------
    seed : Seed
        Start voxels and distance in HU.
    lowest_hu : float
        First level; about what noise is left.
    """
    distance = seed.distance_hu
    level = lowest_hu
    highest = float(np.max(distance, where=np.isfinite(distance), initial=level))
    before = 0
    while level < highest and seed.voxels:
        labels, _ = ndimage.label(distance <= level)
        wanted = sorted({int(labels[voxel]) for voxel in seed.voxels} - {0})
        piece = np.isin(labels, wanted)
        count = int(piece.sum())
        if count > FULL * piece.size:
            return
        if count > 1.02 * before:
            yield from _without_necks(patch, seed, piece, level)
            before = count
        level *= LEVEL_RATIO


def _without_necks(patch: Patch, seed: Seed, piece: Mask, level: float) -> Iterator[Candidate]:
    """The piece opened with balls of several sizes; the parts around the clicks are kept."""
    voxel = patch.voxel_mm
    margin = int(np.ceil(SHELL_MM / voxel)) + 3
    box = Box.of_mask(piece).grown(margin).clipped(piece.shape)
    near = ndimage.binary_fill_holes(piece[box.slices]) & np.isfinite(seed.distance_hu[box.slices])
    depth = depth_inside(near) * voxel
    deepest = [
        _deepest_near(depth, as_shape(np.subtract(start, box.start)), voxel)
        for start in seed.voxels
        if piece[start]
    ]
    before = -1
    for neck in NECKS:
        mask = np.zeros_like(near)
        for peak in deepest:
            radius = neck * float(depth[peak])
            labels, _ = ndimage.label(depth >= radius)
            reach = radius / voxel + 0.3
            mask |= near & (distance_outside(labels == labels[peak], reach) * voxel < radius + 0.3 * voxel)
        if (count := int(mask.sum())) != before:
            yield _described(patch, seed, mask, box, level)
        before = count


def _deepest_near(depth: Array, start: tuple[int, int, int], voxel: float) -> tuple[int, int, int]:
    """The deepest voxel near the start; one farther away might already lie behind a neck."""
    reach = max(int(np.rint(UPHILL * float(depth[start]) / voxel)), 1)
    low = [max(s - reach, 0) for s in start]
    z, y, x = (slice(a, s + reach + 1) for a, s in zip(low, start, strict=True))
    part = depth[z, y, x]
    return as_shape(np.add(np.unravel_index(int(part.argmax()), part.shape), low))


def _described(patch: Patch, seed: Seed, mask: Mask, box: Box, level: float) -> Candidate:
    """A mask of a box of the patch with what tells a lesion from a leak."""
    voxel = patch.voxel_mm
    distance = seed.distance_hu[box.slices]
    reach_mm = voxel + max(SHELL_MM, 1.5 * voxel)
    outside = distance_outside(mask, reach_mm / voxel + 0.1) * voxel
    shell = (outside > voxel) & (outside <= reach_mm)
    shell &= np.isfinite(distance)
    around = distance[shell]
    contrast = float(np.median(around) - np.median(distance[mask])) if len(around) else 0.0
    border = float((mask & ~ndimage.binary_erosion(mask)).sum())
    count = float(mask.sum())
    radius = (3 * count / (4 * np.pi)) ** (1 / 3)
    whole = np.zeros(patch.grid.shape, dtype=bool)
    whole[box.slices] = mask
    return Candidate(
        mask=whole,
        level_hu=level,
        contrast_hu=contrast if np.isfinite(contrast) else 0.0,
        edge=float((around > CLEAR * level).mean()) if len(around) else 0.0,
        compactness=min(1.0, 4 * np.pi * max(radius - 0.5, 0.5) ** 2 / max(border, 1.0)),
        volume_ml=count * voxel**3 / 1000,
        cut=float((mask & patch.rim[box.slices]).sum()) / max(border, 1.0),
        centred=_centred(mask, [np.subtract(start, box.start) for start in seed.voxels]),
    )


def _centred(mask: Mask, starts: list[npt.NDArray[np.int_]]) -> float:
    """Depth at the start where it is deepest, as a share of the mask's greatest depth."""
    depth = depth_inside(mask)
    inside = [s for s in starts if (s >= 0).all() and (s < mask.shape).all()]
    return max((float(depth[tuple(s)]) for s in inside), default=0.0) / max(float(depth.max()), 1.0)
