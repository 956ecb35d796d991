"""Where the lungs are on a CT scan, by thresholds: for methods that want to look at nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.components import Mask
from napari_longiseg.core.geometry import Array
from napari_longiseg.core.resample import Float32
from napari_longiseg.core.scan import Scan

CELL_MM = 2.5
"""About how large the blocks of voxels are that are looked at."""
AERATED_HU = -400.0
"""Less than this is lung or gas; soft tissue and lung meet about here."""
GAS_HU = -970.0
"""Less than this is gas alone, also where it is noisy; even emphysema holds more tissue in the mean."""
WALL_MM = 5.0
"""Half of what the body is thick at least, so that the shells of a table and blankets are none of it."""
PASSAGE_MM = 5.0
"""Half of what gas needs to get through, so that the air around the body keeps out of the lungs."""
RIM_MM = 5.0
"""Half air, half skin or table: what is nearer to the air around the body is no lung."""
SEAM_MM = 4.0
"""Air up to twice as wide is no lung: seams along padding that is too thin to be told from it."""
CORE_MM = 6.0
"""So deep inside a piece its density is not mixed with that of its wall."""
MIN_LUNG_ML = 200.0
MIN_SIDES, MEAN_SIDES = 2, 2.5
"""Of the four directions of an axial slice, in how many body must follow on a cell of lung, and in the mean.
Where the field of view cuts lungs off, one is missing; beside the body and in the table there are fewer."""
CLOSING_MM = 8.0
"""Vessels and bays up to twice this wide become part of the lungs ..."""
MAX_HOLE_CM2 = 20.0
"""... and so does what lung surrounds on a slice of any direction, up to this area."""


@dataclass(frozen=True, eq=False)
class Lungs:
    """What was found.

    Attributes
    ----------
    mask : (Z, Y, X) bool
        The lungs with the vessels and tumours in them, on the scan's grid; empty where none were found.
    statement : str
        One sentence: what was found.
    """

    mask: Mask
    statement: str

    @property
    def found(self) -> bool:
        """Whether there are any."""
        return bool(self.mask.any())


def find_lungs(scan: Scan) -> Lungs:
    """Find the lungs by their density.

    Gas that reaches the border of the scan lies around the body. Other pieces of air are lung where they are
    large, have body on most sides, and are not gas alone as in the bowel; what they surround is added. The
    field of view may cut lungs off. The windpipe may be taken along. A lung without air is not found, and
    what stands wide on the chest wall, as an effusion, is left out.

    Parameters
    ----------
    scan : Scan
        CT, HU. Takes seconds: some 4 CPU-s for 2.5 million voxels of 2.3 mm, little more for finer ones.
    """
    blocks = tuple(max(round(CELL_MM / s), 1) for s in scan.grid.spacing_mm)
    spacing = np.asarray(scan.grid.spacing_mm) * blocks
    cells = _block_means(scan.image, blocks)
    around = _dilated(_gas_around(cells, spacing), RIM_MM, spacing)
    lungs = _filled(_lung_pieces(cells, around, spacing), spacing) & ~around
    for axis, block in enumerate(blocks):
        lungs = lungs.repeat(block, axis)
    z, y, x = scan.grid.shape
    mask = np.ascontiguousarray(lungs[:z, :y, :x])
    millilitres = mask.sum() * scan.grid.voxel_ml
    found = f"{millilitres:.0f} ml of lung were found" if millilitres else "No lungs were found"
    return Lungs(mask, f"{found} on {scan.id}.")


def _block_means(image: npt.NDArray[Any], blocks: tuple[int, ...]) -> Float32:
    """Means over blocks of voxels; the last ones repeat the border."""
    after = [-n % b for n, b in zip(image.shape, blocks, strict=True)]
    layers = []
    for start in range(0, len(image), blocks[0]):
        slab = image[start : start + blocks[0]]
        slab = np.pad(slab, [(0, blocks[0] - len(slab)), (0, after[1]), (0, after[2])], mode="edge")
        _, y, x = slab.shape
        split = slab.reshape(blocks[0], y // blocks[1], blocks[1], x // blocks[2], blocks[2])
        layers.append(split.mean(axis=(0, 2, 4), dtype=np.float32))
    return np.stack(layers)


def _gas_around(cells: Float32, spacing: Array) -> Mask:
    """Air around the body, padding around images that were turned or cut round, a windpipe that is cut."""
    gas = _opened(ndimage.uniform_filter(cells, 3, mode="nearest") < GAS_HU, PASSAGE_MM, spacing, "edge")
    labels, _ = ndimage.label(gas)
    return np.isin(labels, _at_border(labels, (0, 1, 2)))


def _lung_pieces(cells: Float32, around: Mask, spacing: Array) -> Mask:
    """Air in large pieces that lie in the body and are not gas alone."""
    sides = _sides(cells, spacing)
    air = (cells < AERATED_HU) & ~around & (sides >= MIN_SIDES)
    labels, _ = ndimage.label(_opened(air, SEAM_MM, spacing, "constant"))
    millilitres = np.bincount(labels.ravel()) * np.prod(spacing) / 1000.0
    lungs = np.zeros(cells.shape, bool)
    for label in np.flatnonzero(millilitres >= MIN_LUNG_ML):
        piece = labels == label
        if label and sides[piece].mean() >= MEAN_SIDES and _holds_tissue(piece, cells, spacing):
            lungs |= piece
    return lungs


def _sides(cells: Float32, spacing: Array) -> npt.NDArray[np.uint8]:
    """In how many of the four directions of its axial slice the body follows on a cell."""
    dense, _ = ndimage.label(_opened(cells >= AERATED_HU, WALL_MM, spacing, "edge"))
    sizes = np.bincount(dense.ravel())
    body = (dense == sizes[1:].argmax() + 1) if len(sizes) > 1 else np.zeros(cells.shape, bool)
    sides = np.zeros(cells.shape, np.uint8)
    for axis in (1, 2):
        sides += np.maximum.accumulate(body, axis)
        sides += np.flip(np.maximum.accumulate(np.flip(body, axis), axis), axis)
    return sides


def _holds_tissue(piece: Mask, cells: Float32, spacing: Array) -> bool:
    core = _eroded(piece, CORE_MM, spacing)
    return bool(core.any() and np.median(cells[core]) > GAS_HU)


def _filled(lungs: Mask, spacing: Array) -> Mask:
    """The lungs with vessels and tumours."""
    if not lungs.any():
        return lungs
    closed = ~_opened(~lungs, CLOSING_MM, spacing, "edge")
    filled = np.asarray(ndimage.binary_fill_holes(closed | lungs))
    for axis in range(3):
        filled = filled | _small_holes(filled, axis, spacing)
    return np.asarray(filled)


def _small_holes(mask: Mask, axis: int, spacing: Array) -> Mask:
    """What the mask surrounds on the slices across an axis, where it is not too large."""
    structure = np.moveaxis(ndimage.generate_binary_structure(2, 1)[None], 0, axis)
    structure = np.pad(structure, [(1, 1) if a == axis else (0, 0) for a in range(3)])
    labels, _ = ndimage.label(~mask, structure)
    others = tuple(a for a in range(3) if a != axis)
    cm2 = np.bincount(labels.ravel()) * np.prod(spacing[list(others)]) / 100.0
    small = cm2 <= MAX_HOLE_CM2
    small[[0, *_at_border(labels, others)]] = False
    return np.asarray(small[labels])


def _at_border(labels: npt.NDArray[Any], axes: tuple[int, ...]) -> npt.NDArray[Any]:
    """Labels (not 0) that occur in the first or last layer along any of these axes."""
    layers = [labels.take((0, -1), axis).ravel() for axis in axes]
    found = np.unique(np.concatenate(layers))
    return found[found > 0]


def _opened(mask: Mask, radius_mm: float, spacing: Array, beyond: Literal["edge", "constant"]) -> Mask:
    """Without what is thinner than twice the radius; beyond the array is its border again, or nothing."""
    width = np.ceil(radius_mm / spacing).astype(int) + 1
    padded = np.pad(mask, [(w, w) for w in width], mode=beyond)
    opened = _dilated(_eroded(padded, radius_mm, spacing), radius_mm, spacing)
    return opened[tuple(slice(w, -w) for w in width)]


def _dilated(mask: Mask, radius_mm: float, spacing: Array) -> Mask:
    return ~_eroded(~mask, radius_mm, spacing)


def _eroded(mask: Mask, radius_mm: float, spacing: Array) -> Mask:
    """What is deeper than the radius; the array's border counts as none."""
    if mask.all():
        return mask
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=spacing) > radius_mm)
