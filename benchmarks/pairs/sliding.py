"""Chest and belly whose content slides along the wall, as it does in breathing: discontinuous at the pleura.

The truth is defined on the source: a point of the content first moves up or down, most at the diaphragm, then
with the whole body; a point of the wall moves with the body alone. The target is made by pulling back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.geometry import Array, Box, Grid, as_shape
from napari_longiseg.core.progress import silent
from napari_longiseg.core.resample import Float32
from napari_longiseg.core.scan import AIR_HU, Scan
from napari_longiseg.training.synthetic.acquire import digitised, first_grid, later_grid, noisy
from napari_longiseg.training.synthetic.anatomy import paint_patient
from napari_longiseg.training.synthetic.canvas import Canvas
from napari_longiseg.training.synthetic.motion import Motion, random_motion
from napari_longiseg.training.synthetic.tissue import LOOKS, Phase, Tissue, hu_table
from pairs.pair import Marks, Pair
from pairs.places import random_points
from pairs.synthetic import SHAPE, SPACING_MM

Mask = npt.NDArray[np.bool_]

CONTENT = (
    Tissue.INNER_FAT, Tissue.LUNG, Tissue.FISSURE, Tissue.AIRWAY, Tissue.WALL, Tissue.BLOOD, Tissue.VENOUS,
    Tissue.HEART, Tissue.LIVER, Tissue.SPLEEN, Tissue.CORTEX, Tissue.MEDULLA, Tissue.FLUID, Tissue.PANCREAS,
    Tissue.BOWEL,
)  # fmt: skip
LUNG = (Tissue.LUNG, Tissue.FISSURE)
HOLE_HU = LOOKS[Tissue.MUSCLE].portal
REACH_MM = 70.0
"""Above and below the diaphragm (z = 0) the sliding fades over this length."""
BEYOND = 20
"""Slices above and below the source that are painted as well, for the target to see."""
LESIONS, SHALLOWEST_MM, DEEPEST_MM, LARGEST_MM, APART_MM, LESION_HU = 24, 5.0, 10.0, 7.0, 14.0, 30.0
CLEAR = 2
"""Points fewer voxels than this from the pleura are not compared: the mask is made of voxels."""
NOISE_HU = 12.0


@dataclass(frozen=True)
class Sliding:
    """A patient who breathes.

    Attributes
    ----------
    seed : int
        Of anatomy and motion.
    slide_mm : float
        How far the content moves at the diaphragm; up where positive.
    shape, spacing_mm
        Of the source, order (z, y, x).
    """

    seed: int
    slide_mm: float
    shape: tuple[int, int, int] = SHAPE
    spacing_mm: tuple[float, float, float] = SPACING_MM

    def make(self) -> Pair:
        """The source is at rest; the target has slid and lies elsewhere."""
        rng = np.random.default_rng([self.seed, 31])
        grid = first_grid(self.shape, self.spacing_mm, 1.0)
        inner = Box((BEYOND, 0, 0), as_shape(np.add(grid.shape, (BEYOND, 0, 0))))
        tall = grid.crop(Box((-BEYOND, 0, 0), as_shape(np.add(grid.shape, (BEYOND, 0, 0)))))
        canvas = paint_patient(tall, 1.0, np.random.default_rng(self.seed), silent)
        content = contents(canvas)
        image = canvas.compose(hu_table(Phase.PORTAL, rng)) + canvas.texture(1.0, rng)
        centres = self._paint_lesions(image, canvas, content, inner, rng)
        motion = random_motion(grid, np.zeros(3), 1.0, 4.0, 0.0, rng)
        target_grid = later_grid(grid, motion, rng)
        hu = self._pulled_back(image, content, tall, motion, target_grid)
        source, target = (
            Scan(name, digitised(noisy(part, at, NOISE_HU, 0.4, rng), 1), at)
            for name, part, at in (("T0", image[inner.slices], grid), ("T1", hu, target_grid))
        )
        lesions = Marks.of(centres, self.goes(centres, np.ones(len(centres), bool), motion), "pleura")
        body = self._body(random_points(source), canvas, content, motion)
        return Pair(source, target, lesions.seen_by(grid, target_grid), body.seen_by(grid, target_grid))

    def slide(self, z_mm: Array) -> Array:
        """Displacement (N,) along z of content at a height (mm)."""
        return self.slide_mm * np.exp(-((z_mm / REACH_MM) ** 2))

    def goes(self, points_mm: Array, inside: Mask, motion: Motion) -> Array:
        """Target points (N, 3) of source points, which lie in the content or not."""
        slid = np.array(points_mm, dtype=np.float64)
        slid[inside, 0] += self.slide(slid[inside, 0])
        return motion.from_first(slid)

    def came(self, z_mm: Float32) -> Float32:
        """Where content at a height (mm) was before it slid."""
        z = np.arange(float(z_mm.min()) - 80.0, float(z_mm.max()) + 80.0, 0.05)
        return np.interp(z_mm, z + self.slide(z), z).astype(np.float32)

    def _pulled_back(
        self, image: Float32, content: Mask, grid: Grid, motion: Motion,
        target: Grid,
    ) -> Float32:  # fmt: skip
        """The target's HU: content where content comes from, else wall, else a hole filled with muscle."""
        places = motion.on_grid(target)
        before = self.came(places[0])
        for i in range(3):
            places[i] = (places[i] - grid.origin_mm[i]) / grid.spacing_mm[i]
        before = (before - grid.origin_mm[0]) / grid.spacing_mm[0]
        inner = np.stack([before, places[1], places[2]])
        share = content.astype(np.float32)
        from_content = ndimage.map_coordinates(share, inner, order=1) > 0.5
        of_wall = ndimage.map_coordinates(share, places, order=1) <= 0.5
        hu = np.where(of_wall, _sampled(image, places), np.float32(HOLE_HU))
        return np.where(from_content, _sampled(image, inner), hu)

    def _body(self, points: Array, canvas: Canvas, content: Mask, motion: Motion) -> Marks:
        """Points of lung, other content and wall, apart from the pleura and from wall that gets covered."""
        voxels = _voxels(canvas.grid, points)
        inside = content[voxels]
        near = ndimage.binary_dilation(content, iterations=CLEAR) & ~ndimage.binary_erosion(
            content, iterations=CLEAR, border_value=1
        )
        where = np.where(inside, np.where(np.isin(canvas.owner[voxels], LUNG), "lung", "content"), "wall")
        before = points.copy()
        before[:, 0] = self.came(points[:, 0])
        covered = ~inside & content[_voxels(canvas.grid, before)]
        marks = Marks.of(points, self.goes(points, inside, motion), where)
        return marks.kept(~near[voxels] & ~covered)

    def _paint_lesions(
        self, image: Float32, canvas: Canvas, content: Mask, inner: Box, rng: np.random.Generator
    ) -> Array:
        """Put balls into the lung just inside the pleura; returns their centres (N, 3) in mm."""
        grid = canvas.grid
        depth = ndimage.distance_transform_edt(content, sampling=grid.spacing_mm)
        seats = (depth > SHALLOWEST_MM) & (depth <= DEEPEST_MM) & np.isin(canvas.owner, LUNG)
        centres: list[Array] = []
        for voxel in rng.permutation(np.argwhere(seats[inner.slices]) + inner.start):
            centre = grid.to_mm(voxel)
            if all(np.linalg.norm(centre - other) > APART_MM for other in centres):
                _paint_ball(image, grid, centre, min(depth[tuple(voxel)] - 1.0, LARGEST_MM))
                centres.append(centre)
            if len(centres) == LESIONS:
                break
        return np.array(centres)


def contents(canvas: Canvas) -> Mask:
    """All inside the wall of chest and belly, diaphragm included."""
    mask = np.isin(canvas.owner, CONTENT)
    # The diaphragm is a sheet of muscle, 3 mm thick, between lung and belly.
    sheet = ndimage.binary_closing(np.pad(mask, 4, mode="edge"), iterations=3)[4:-4, 4:-4, 4:-4]
    return mask | (sheet & (canvas.owner == Tissue.MUSCLE))


def _paint_ball(image: Float32, grid: Grid, centre: Array, radius_mm: float) -> None:
    reach = np.ceil((radius_mm + 1.0) / np.asarray(grid.spacing_mm)).astype(int)
    box = Box.around(grid.to_index(centre), 2 * reach + 1).clipped(grid.shape)
    points = grid.crop(box).to_mm(np.stack(np.indices(box.shape), axis=-1))
    cover = np.clip(radius_mm - np.linalg.norm(points - centre, axis=-1) + 0.5, 0.0, 1.0)
    image[box.slices] += cover * (LESION_HU - image[box.slices])


def _voxels(grid: Grid, points_mm: Array) -> tuple[npt.NDArray[np.intp], ...]:
    """Nearest voxels of points, to index with."""
    index = np.rint(grid.to_index(points_mm)).astype(np.intp)
    return tuple(np.clip(index, 0, np.asarray(grid.shape) - 1).T)


def _sampled(image: Float32, index: Float32) -> Float32:
    return ndimage.map_coordinates(image, index, np.float32, order=1, mode="constant", cval=AIR_HU)
