"""A registration that shifts and counts, for the tests of tracking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from napari_longiseg.core.errors import RegistrationError
from napari_longiseg.registration.identity import IdentityMap


@dataclass
class ShiftRegistration:
    """Moves every point by a vector, and counts how often it is asked to align."""

    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    name: str = "shift"

    def __post_init__(self):
        self.aligned = []
        self.refined_at = []

    def align(self, source, target, progress):
        progress("aligning", 0.5)
        self.aligned.append((source.id, target.id))
        return ShiftMap(self)


class ShiftMap:
    def __init__(self, method):
        self.method = method

    def __call__(self, points_mm):
        return np.asarray(points_mm) + self.method.shift_mm

    def uncertainty_mm(self, points_mm):
        return np.full(len(points_mm), 1.5)

    def refined(self, point_mm):
        self.method.refined_at.append(point_mm)
        return self


@dataclass(frozen=True)
class RefusesRegistration:
    """Aligns all scans but some."""

    refused: tuple[str, ...]
    name = "refuses"

    def align(self, source, target, progress):
        if target.id in self.refused:
            raise RegistrationError(f"{target.id} shows someone else.")
        return IdentityMap()


@pytest.fixture
def shift():
    """Makes a registration that shifts."""
    return ShiftRegistration


@pytest.fixture
def refuses():
    """Makes a registration that refuses some scans."""
    return RefusesRegistration
