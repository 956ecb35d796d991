"""A textured body that can be scanned on any grid, through any motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import ndimage

from napari_longiseg.core.geometry import Array, Grid, Point, Shape
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.deformable import DeformableRegistration

HALF_MM = np.array([90.0, 70.0, 80.0])
LESIONS_MM = np.array([[-25.0, 20.0, 30.0], [30.0, -25.0, -20.0], [5.0, 10.0, -40.0], [-45.0, -10.0, 5.0]])


@dataclass(frozen=True, eq=False)
class Patient:
    """An ellipsoid of soft tissue with smooth texture, in patient coordinates around (0, 0, 0)."""

    texture: Array

    @classmethod
    def born(cls, seed: int) -> Patient:
        noise = np.random.default_rng(seed).standard_normal((72, 60, 64))
        fine, coarse = ndimage.gaussian_filter(noise, 1.2), ndimage.gaussian_filter(noise, 4.0)
        return cls(fine / fine.std() * 60 + coarse / coarse.std() * 120)

    def hu(self, points_mm: Array) -> Array:
        index = (points_mm + 1.2 * HALF_MM) / (2.4 * HALF_MM) * (np.array(self.texture.shape) - 1)
        tissue = ndimage.map_coordinates(self.texture, index.T, order=3, mode="nearest")
        depth = 1 - np.sqrt(((points_mm / HALF_MM) ** 2).sum(axis=1))
        return np.where(depth > 0, np.clip(depth * 60, 0, 1), 0) * (tissue + 1000) - 1000

    def scan(
        self, name: str, shape: Shape, spacing_mm: Point, low_mm: Point, back=lambda points: points
    ) -> Scan:
        """See the patient through *back*, which brings points of the scan to the patient's own."""
        grid = Grid(shape, spacing_mm, low_mm)
        points = grid.to_mm(np.stack(np.indices(shape), axis=-1).reshape(-1, 3))
        hu = self.hu(back(points)) + np.random.default_rng(len(name)).normal(0, 10, len(points))
        return Scan(name, np.rint(hu).reshape(shape).astype(np.int16), grid)


def motion(points_mm: Array) -> Array:
    """A known smooth movement of some 12 mm, from a later scan's points to the patient's own."""
    turned = points_mm @ np.array([[1.02, 0.03, 0.0], [-0.03, 0.98, 0.04], [0.0, -0.04, 1.0]]).T
    bend = np.stack(
        [5 * np.sin(points_mm[:, 1] / 40), 4 * np.cos(points_mm[:, 2] / 45), 3 * np.sin(points_mm[:, 0] / 50)]
    )
    return turned + bend.T + np.array([8.0, -6.0, 5.0])


@pytest.fixture(scope="session")
def patient() -> Patient:
    return Patient.born(1)


@pytest.fixture(scope="session")
def first(patient: Patient) -> Scan:
    return patient.scan("T0", (76, 64, 72), (2.6, 2.5, 2.5), (-98.0, -79.0, -89.0))


@pytest.fixture(scope="session")
def later(patient: Patient) -> Scan:
    """Moved, on an anisotropic grid of another size, in shifted patient coordinates."""
    return patient.scan("T1", (54, 85, 90), (4.0, 2.0, 2.1), (-110.0, -84.0, -95.0), motion)


@pytest.fixture(scope="session")
def back_map(first: Scan, later: Scan):
    """From the later scan to the first."""
    return DeformableRegistration(device="cpu").align(later, first, silent)


@pytest.fixture(scope="session")
def later_points() -> Array:
    """Where the later scan shows the patient's lesions."""
    points = LESIONS_MM.copy()
    for _ in range(50):
        points = points + (LESIONS_MM - motion(points))
    return points


@pytest.fixture(scope="session")
def motion_of():
    """The known movement, from points of the later scan to the first."""
    return motion


@pytest.fixture(scope="session")
def make_patient():
    """Another patient for a seed."""
    return Patient.born
