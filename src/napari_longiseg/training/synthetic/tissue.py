"""What each tissue looks like: HU by contrast phase, and how grainy it is.

Mean values are those of radiology textbooks (e.g. Hofer, *CT Teaching Manual*), rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np


class Phase(StrEnum):
    """When the scan is taken after the injection of contrast medium."""

    NATIVE = "native"
    ARTERIAL = "arterial"
    PORTAL = "portal"


class Tissue(IntEnum):
    """What a voxel is made of."""

    AIR = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    INNER_FAT = 4
    LUNG = 5
    FISSURE = 6
    AIRWAY = 7
    WALL = 8
    BLOOD = 9
    """Aorta and left heart."""
    VENOUS = 10
    """Venae cavae, liver veins, right heart and the vessels of the lung."""
    HEART = 11
    LIVER = 12
    SPLEEN = 13
    CORTEX = 14
    MEDULLA = 15
    FLUID = 16
    PANCREAS = 17
    BOWEL = 18
    BONE = 19
    """Cortical."""
    MARROW = 20
    DISC = 21
    CORD = 22
    CARTILAGE = 23


@dataclass(frozen=True, slots=True)
class Look:
    """Mean HU per phase, and the standard deviation in HU of two grains (about 2 mm and 10 mm)."""

    native: float
    arterial: float
    portal: float
    fine: float
    coarse: float

    def hu(self, phase: Phase) -> float:
        """Mean HU in one phase."""
        return {Phase.NATIVE: self.native, Phase.ARTERIAL: self.arterial, Phase.PORTAL: self.portal}[phase]


LOOKS: Mapping[Tissue, Look] = {
    Tissue.AIR: Look(-1000, -1000, -1000, 0, 0),
    Tissue.SKIN: Look(25, 28, 32, 10, 5),
    Tissue.FAT: Look(-105, -105, -103, 7, 6),
    Tissue.MUSCLE: Look(52, 56, 62, 9, 8),
    Tissue.INNER_FAT: Look(-98, -96, -94, 14, 11),
    Tissue.LUNG: Look(-858, -854, -852, 26, 16),
    Tissue.FISSURE: Look(-640, -640, -640, 20, 20),
    Tissue.AIRWAY: Look(-985, -985, -985, 0, 0),
    Tissue.WALL: Look(30, 40, 50, 8, 8),
    Tissue.BLOOD: Look(42, 310, 165, 3, 3),
    Tissue.VENOUS: Look(40, 190, 160, 4, 5),
    Tissue.HEART: Look(42, 95, 112, 6, 8),
    Tissue.LIVER: Look(57, 70, 112, 5, 5),
    Tissue.SPLEEN: Look(48, 120, 126, 4, 4),
    Tissue.CORTEX: Look(33, 165, 178, 7, 6),
    Tissue.MEDULLA: Look(28, 62, 140, 7, 8),
    Tissue.FLUID: Look(8, 8, 10, 3, 4),
    Tissue.PANCREAS: Look(38, 95, 92, 14, 12),
    Tissue.BOWEL: Look(25, 30, 36, 18, 22),
    Tissue.BONE: Look(640, 640, 640, 50, 60),
    Tissue.MARROW: Look(185, 190, 195, 24, 26),
    Tissue.DISC: Look(82, 82, 84, 8, 6),
    Tissue.CORD: Look(28, 30, 30, 4, 3),
    Tissue.CARTILAGE: Look(105, 105, 105, 18, 25),
}


def hu_table(phase: Phase, rng: np.random.Generator) -> dict[Tissue, float]:
    """Mean HU of every tissue on one scan; enhancement varies by some per cent from scan to scan."""
    strength = rng.normal(1.0, 0.05)
    return {tissue: look.native + strength * (look.hu(phase) - look.native) for tissue, look in LOOKS.items()}
