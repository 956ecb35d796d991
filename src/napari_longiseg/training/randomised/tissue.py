"""Random anatomy: regions of a smooth label map with random HU, vessels, membranes and texture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from napari_longiseg.models.architecture import Triple
from napari_longiseg.training.randomised.dice import Dice
from napari_longiseg.training.randomised.fields import blurred, random_labels, smooth_fields

HU: dict[str, tuple[float, float]] = {
    "lung": (-920, -720),
    "fat": (-125, -70),
    "fluid": (-10, 25),
    "muscle": (25, 75),
    "organ": (35, 140),
    "enhanced": (120, 280),
    "gas": (-1000, -930),
    "bone": (150, 700),
}
"""Ranges that a region's mean is drawn from."""
TEXTURE_HU: dict[str, float] = {"lung": 45, "fat": 12, "bone": 90, "gas": 5}
"""Largest deviation of the texture within a region; 14 for the rest."""
AROUND: dict[str, tuple[str, ...]] = {
    "lung": ("lung", "lung", "lung", "muscle", "organ", "fat", "bone", "enhanced"),
    "soft": ("organ", "organ", "muscle", "fat", "fat", "fluid", "enhanced", "gas", "bone", "lung"),
    "fat": ("fat", "fat", "muscle", "organ", "enhanced", "fluid", "gas"),
    "bone": ("bone", "bone", "muscle", "fat", "organ", "lung"),
}
"""What lies around a lesion's host tissue."""
HOSTS: dict[str, tuple[str, ...]] = {
    "lung": ("lung",),
    "soft": ("organ", "organ", "organ", "muscle", "enhanced"),
    "fat": ("fat",),
    "bone": ("bone",),
}


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """Tissue without a lesion.

    Attributes
    ----------
    baseline, followup : (Z, Y, X) float32
        HU on both dates, not deformed.
    host : (Z, Y, X) float32
        1 in the tissue at the centre.
    """

    baseline: Tensor
    followup: Tensor
    host: Tensor


def random_anatomy(dice: Dice, size: Triple, spacing_mm: float, host: str) -> Anatomy:
    """Random tissue whose centre lies in a host of this kind (a key of HOSTS)."""
    count = dice.integer(2, 8)
    scale = min(max(dice.log_uniform(8, 60) / spacing_mm, 3.0), 40.0)
    labels = random_labels(dice, count, size, scale)
    centre = int(labels[size[0] // 2, size[1] // 2, size[2] // 2])
    kinds = [dice.choice(AROUND[host]) for _ in range(count)]
    kinds[centre] = dice.choice(HOSTS[host])
    means = torch.tensor([dice.uniform(*HU[kind]) for kind in kinds], device=dice.device)
    sds = torch.tensor([dice.uniform(0, 1) * TEXTURE_HU.get(k, 14) for k in kinds], device=dice.device)
    # Contrast agent comes and goes between the dates, where there is blood.
    phase = torch.tensor(
        [dice.normal() * 12 * (k in ("organ", "enhanced", "muscle")) for k in kinds], device=dice.device
    )
    grain = smooth_fields(dice, 1, size, dice.uniform(1.0, 5.0))[0] * sds[labels]
    later = means + phase * dice.chance(0.6)
    baseline, followup = means[labels] + grain, later[labels] + grain
    width = dice.uniform(0.3, 1.0)
    baseline, followup = (blurred(image, (width, width, width)) for image in (baseline, followup))
    inside = (labels == centre).float()
    for _ in range(dice.integer(0, 4)):
        weight, hu = _tubes(dice, size, spacing_mm, host)
        weight = weight * inside if dice.chance(0.5) else weight
        baseline, followup = (image + weight * (hu - image) for image in (baseline, followup))
    if dice.chance(0.4):
        weight, hu = _membrane(dice, size, spacing_mm, host)
        baseline, followup = (image + weight * (hu - image) for image in (baseline, followup))
    return Anatomy(baseline, followup, inside)


def _tubes(dice: Dice, size: Triple, spacing_mm: float, host: str) -> tuple[Tensor, float]:
    """Vessels or bowel, where two random fields are both near 0: share of each voxel, and HU."""
    wavelength = max(dice.log_uniform(8, 45) / spacing_mm, 2.5)
    one, two = smooth_fields(dice, 2, size, wavelength)
    radius = dice.log_uniform(0.06, 0.4)
    softness = 0.5 / wavelength
    weight = torch.sigmoid((radius - (one**2 + two**2).sqrt()) / softness)
    in_lung, elsewhere = ("muscle", "enhanced", "organ"), ("enhanced", "fluid", "fat", "organ")
    kind = dice.choice(in_lung if host == "lung" else elsewhere)
    return weight, dice.uniform(*HU[kind])


def _membrane(dice: Dice, size: Triple, spacing_mm: float, host: str) -> tuple[Tensor, float]:
    """Walls, fissures and planes of fat, where a random field is near 0: share and HU."""
    wavelength = max(dice.log_uniform(15, 60) / spacing_mm, 4.0)
    (field,) = smooth_fields(dice, 1, size, wavelength)
    weight = torch.sigmoid((dice.log_uniform(0.02, 0.12) - field.abs()) / (0.5 / wavelength))
    kind = dice.choice(("muscle", "fluid") if host == "lung" else ("fat", "muscle", "enhanced", "bone"))
    return weight, dice.uniform(*HU[kind])
