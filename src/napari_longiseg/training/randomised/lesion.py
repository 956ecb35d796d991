"""Random lesions: shape, and what they are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_longiseg.models.architecture import Triple
from napari_longiseg.training.randomised.dice import Dice
from napari_longiseg.training.randomised.fields import smooth_fields

MOST_CONTRAST_HU = 150.0
"""No lesion in soft tissue needs more to be seen, however noisy the scan."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of lesion.

    Attributes
    ----------
    host : str
        Tissue it lies in, a key of ``tissue.HOSTS``.
    hu : (low, high)
        Its HU; counted from its host's where *relative*.
    share : float
        How often it is drawn, against the others.
    core : float
        How often its core differs: necrosis, a cavity, a solid part.
    """

    host: str
    hu: tuple[float, float]
    relative: bool
    share: float
    core: float


KINDS: dict[str, Kind] = {
    "lung solid": Kind("lung", (-60, 110), False, 3.0, 0.1),
    "lung subsolid": Kind("lung", (-720, -300), False, 1.2, 0.3),
    "lung calcified": Kind("lung", (150, 500), False, 0.2, 0.0),
    "soft hypodense": Kind("soft", (-95, -16), True, 3.0, 0.25),
    "soft hyperdense": Kind("soft", (16, 95), True, 2.0, 0.25),
    "cyst": Kind("soft", (-5, 22), False, 0.4, 0.0),
    "node": Kind("fat", (0, 130), False, 2.0, 0.15),
    "bone lytic": Kind("bone", (10, 110), False, 0.7, 0.1),
    "bone sclerotic": Kind("bone", (180, 600), True, 0.4, 0.1),
}


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A lesion as a level function: positive inside, about 1 in its middle.

    Attributes
    ----------
    radius : float
        Voxels.
    centre : (3,)
        Voxel indices.
    matrices : (N, 3, 3)
        From offsets in radii to N ellipsoids whose union it is.
    shifts : (N, 3)
        Of the ellipsoids' centres, in radii.
    ripple : (Z, Y, X)
        Added to the level.
    softness : float
        Voxels over which its border fades.
    """

    radius: float
    centre: Tensor
    matrices: Tensor
    shifts: Tensor
    ripple: Tensor
    softness: float

    def level(self, size: Triple, scale: float = 1.0) -> Tensor:
        """The level (Z, Y, X) of the lesion grown by *scale* along each axis."""
        axes = (torch.arange(n, device=self.centre.device) for n in size)
        z, y, x = (a - c for a, c in zip(axes, self.centre, strict=True))
        best: Tensor | None = None
        for shift, matrix in zip(self.shifts, self.matrices, strict=True):
            # |(offset / radius - shift) @ matrix|, one axis of the ellipsoid after the other
            rows = matrix / (self.radius * scale)
            moved = shift @ matrix
            square = sum(
                (
                    (z * rows[0, i])[:, None, None] + (y * rows[1, i])[:, None] + (x * rows[2, i] - moved[i])
                ).square()
                for i in range(3)
            )
            part = 1 - torch.as_tensor(square).sqrt()
            best = part if best is None else torch.maximum(best, part)
        return self.ripple if best is None else best + self.ripple


def random_shape(dice: Dice, size: Triple, centre: Tensor, radius: float) -> Shape:
    """Round, lobed, ragged, flat or long."""
    count = dice.choice((1, 2, 3), (0.7, 0.2, 0.1))
    stretch = dice.uniform(0.1, 0.55)
    matrices, shifts = [], []
    for number in range(count):
        lengths = torch.exp(stretch * (2 * dice.uniforms(3) - 1))
        lengths = lengths * (1.0 if number == 0 else dice.uniform(0.5, 0.9))
        matrices.append(dice.rotation() / lengths)
        shifts.append(dice.normals(3) * (0.0 if number == 0 else 0.5))
    ripple = torch.zeros(size, device=dice.device)
    for part, depth in ((dice.uniform(0.5, 1.2), 0.28), (dice.uniform(0.15, 0.4), 0.14)):
        ripple = ripple + smooth_fields(dice, 1, size, max(part * radius, 1.5))[0] * dice.uniform(0, depth)
    softness = dice.choice((0.3, dice.uniform(0.3, 2.0)), (0.7, 0.3))
    return Shape(radius, centre, torch.stack(matrices), torch.stack(shifts), ripple, softness)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a lesion is made of.

    Attributes
    ----------
    hu : float
        Mean HU.
    core_hu, core_level : float
        HU where the level is above this; a level above 1 means no core.
    grain : (Z, Y, X)
        Texture in HU.
    """

    hu: float
    core_hu: float
    core_level: float
    grain: Tensor

    def painted(self, level: Tensor, later_hu: float = 0.0) -> Tensor:
        """HU (Z, Y, X) of the lesion's own tissue."""
        core = torch.sigmoid((level - self.core_level) / 0.05)
        return self.hu + later_hu + (self.core_hu - self.hu) * core + self.grain


def random_look(dice: Dice, size: Triple, kind: Kind, host_hu: float, least_hu: float = 0.0) -> Look:
    """Draw it.

    Parameters
    ----------
    host_hu : float
        Mean of the tissue around.
    least_hu : float
        A contrast that the noise does not hide, for kinds that are counted from their host; held at
        ``MOST_CONTRAST_HU``.
    """
    hu = dice.uniform(*kind.hu)
    if kind.relative:
        hu = host_hu + math.copysign(max(abs(hu), min(least_hu, MOST_CONTRAST_HU)), hu)
    core_hu = hu + dice.choice((-1.0, 1.0), (0.75, 0.25)) * dice.uniform(15, 60)
    if kind.host == "lung":
        core_hu = dice.choice((-950.0, dice.uniform(-20, 60)))
    core_level = dice.uniform(0.3, 0.7) if dice.chance(kind.core) else 9.0
    grain = smooth_fields(dice, 1, size, dice.uniform(1.0, 4.0))[0] * dice.uniform(0, 14)
    return Look(hu, core_hu, core_level, grain)
