"""A random lesion in random tissue on two dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_longiseg.models.architecture import Triple
from napari_longiseg.training.randomised.backgrounds import Background
from napari_longiseg.training.randomised.dice import Dice
from napari_longiseg.training.randomised.fields import smooth_fields
from napari_longiseg.training.randomised.lesion import KINDS, Kind, Shape, random_look, random_shape
from napari_longiseg.training.randomised.options import RandomisedOptions
from napari_longiseg.training.randomised.tissue import Anatomy, random_anatomy

MARGIN = 8
"""Voxels of tissue around the VOI on each side, for VOIs off the lesion's centre and moving tissue."""
FEWEST_VOXELS = 10
MOST_OF_VOI = 1.1
"""Share of the VOI's edge that a lesion which has grown may fill."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A lesion on both dates, before any scanner.

    Attributes
    ----------
    baseline, followup : (Z, Y, X) float32
        HU, with MARGIN voxels more on each side than the VOI.
    share_baseline, share_followup : (Z, Y, X) float32
        How much of each voxel the lesion fills.
    level : (Z, Y, X) float32
        The lesion's level function on the baseline.
    host : (Z, Y, X) float32
        Where it can be.
    centre : (3,)
        Its centre, in voxel indices.
    spacing_mm : float
        Of the isotropic voxels.
    noise_hu : float
        Standard deviation of the scans' noise, which is yet to come.
    """

    baseline: Tensor
    followup: Tensor
    share_baseline: Tensor
    share_followup: Tensor
    level: Tensor
    host: Tensor
    centre: Tensor
    spacing_mm: float
    noise_hu: float

    def drawn(self, dice: Dice) -> Tensor:
        """The lesion on the baseline as someone else might draw it: a little larger or smaller."""
        return torch.sigmoid((self.level - dice.uniform(-0.15, 0.2)) / 0.05) * self.host

    def drawn_badly(self, dice: Dice) -> Tensor:
        """The lesion on the baseline as a method may outline it: partly missed, or run out of its border."""
        size = (self.level.shape[0], self.level.shape[1], self.level.shape[2])
        wave = smooth_fields(dice, 1, size, dice.uniform(5, 16))[0]
        level = self.level + dice.uniform(0.1, 0.45) * wave - dice.uniform(-0.3, 0.35)
        inside = self.host if dice.chance(0.5) else 1.0
        return torch.sigmoid(level / 0.05) * inside


def random_course(
    dice: Dice,
    size: Triple,
    options: RandomisedOptions,
    backgrounds: Sequence[Background],
    baseline_gone: bool = False,
) -> Course:
    """Draw one; *size* is the VOI's (z, y, x)."""
    world = (size[0] + 2 * MARGIN, size[1] + 2 * MARGIN, size[2] + 2 * MARGIN)
    kind = KINDS[dice.choice(list(KINDS), [kind.share for kind in KINDS.values()])]
    diameter, spacing = _size(dice, options)
    anatomy = _anatomy(dice, world, spacing, kind.host, options, backgrounds)
    centre = torch.tensor([(n - 1) / 2 for n in world], device=dice.device) + dice.normals(3)
    shape = random_shape(dice, world, centre, diameter / 2)
    if dice.chance(0.35):
        anatomy = _with_distractor(dice, world, kind, anatomy, shape)
    level = shape.level(world)
    bounded = anatomy.host if dice.chance(0.75) else torch.ones_like(anatomy.host)
    if (bounded * (level > 0)).sum() < FEWEST_VOXELS:
        bounded = torch.ones_like(bounded)
    near = (level > -0.3) & (anatomy.host > 0.5)
    host_hu = float(anatomy.baseline[near].mean()) if near.any() else float(anatomy.baseline.mean())
    noise = dice.log_uniform(*options.noise_hu)
    look = random_look(dice, world, kind, host_hu, noise * dice.uniform(*options.contrast_to_noise))
    growth = 0.0 if dice.chance(options.vanished) else dice.log_uniform(*options.growth)
    scale = min(max(growth ** (1 / 3), 1e-3), MOST_OF_VOI * min(size) / diameter)
    # The follow-up's lesion is the same one, a little changed; too small to be seen, it is gone.
    later = shape.level(world, scale)
    gone = growth == 0.0 or shape.radius * scale < 1.2
    painted = []
    for image, depth, absent, change in (
        (anatomy.baseline, level, baseline_gone, 0.0),
        (anatomy.followup, later, gone, 8 * dice.normal()),
    ):
        radius = shape.radius * (scale if depth is later else 1.0)
        share = torch.sigmoid(depth * radius * 2 / shape.softness) * bounded * (0.0 if absent else 1.0)
        painted.append((image + share * (look.painted(depth, change) - image), share))
    (baseline, share_baseline), (followup, share_followup) = painted
    return Course(baseline, followup, share_baseline, share_followup, level, bounded, centre, spacing, noise)


def _size(dice: Dice, options: RandomisedOptions) -> tuple[float, float]:
    """Diameter of a lesion in voxels, and the voxels in mm."""
    diameter = dice.log_uniform(*options.diameter_voxels)
    low = max(options.spacing_mm[0], options.diameter_mm[0] / diameter)
    high = min(options.spacing_mm[1], options.diameter_mm[1] / diameter)
    return diameter, dice.log_uniform(min(low, high), high)


def _anatomy(
    dice: Dice,
    world: Triple,
    spacing: float,
    host: str,
    options: RandomisedOptions,
    backgrounds: Sequence[Background],
) -> Anatomy:
    """Tissue of a scan where one has room, else random tissue."""
    if backgrounds and dice.chance(options.background_share):
        found = dice.choice(backgrounds).around(dice, world, spacing, host)
        if found:
            return found
    return random_anatomy(dice, world, spacing, host)


def _with_distractor(dice: Dice, world: Triple, kind: Kind, anatomy: Anatomy, lesion: Shape) -> Anatomy:
    """Another lesion nearby, which is not to be outlined."""
    radius = lesion.radius * dice.uniform(0.4, 1.3)
    way = dice.normals(3)
    distance = (lesion.radius + radius) * dice.uniform(1.15, 1.7) + 2
    shape = random_shape(dice, world, lesion.centre + way / way.norm() * distance, radius)
    other = kind if dice.chance(0.7) else dice.choice([k for k in KINDS.values() if k.host == kind.host])
    level = shape.level(world)
    share = torch.sigmoid(level * radius * 2 / shape.softness) * (lesion.level(world) < -0.15)
    near = anatomy.host > 0.5
    host_hu = float(anatomy.baseline[near].mean()) if near.any() else 0.0
    painted = random_look(dice, world, other, host_hu).painted(level)
    then, now = dice.choice(((1, 1), (1, 0), (0, 1)), (0.8, 0.1, 0.1))
    baseline = anatomy.baseline + then * share * (painted - anatomy.baseline)
    followup = anatomy.followup + now * share * (painted - anatomy.followup)
    return Anatomy(baseline, followup, anatomy.host)
