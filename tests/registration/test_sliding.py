"""What lies in the lungs slides along the chest wall, where no smooth map can follow."""

import numpy as np
import pytest
from scipy import ndimage

from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.deformable import DeformableRegistration

GRID = Grid((76, 72, 76), (3.0, 3.0, 3.0), (-112.5, -106.5, -112.5))
BODY_MM, LUNG_MM = np.array([150.0, 95.0, 105.0]), np.array([95.0, 62.0, 70.0])
SLID_MM = np.array([14.0, 0.0, 0.0])
NEAR_THE_WALL = np.array([[0.0, 0.0, 60.0], [-10.0, 0.0, -60.0], [5.0, 52.0, 0.0], [10.0, -52.0, 5.0]])


def texture(seed, smooth, points):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((80, 70, 74)), smooth)
    index = (points + 130.0).T / 3.5
    return ndimage.map_coordinates(noise / noise.std(), index, order=1, mode="wrap")


def chest(name, slid_mm):
    """A lung whose content has moved up in a chest wall that has not."""
    points = GRID.to_mm(np.stack(np.indices(GRID.shape), axis=-1).reshape(-1, 3))
    in_lung = ((points / LUNG_MM) ** 2).sum(axis=1) < 1
    in_body = ((points / BODY_MM) ** 2).sum(axis=1) < 1
    wall = 30 + 60 * texture(1, 1.2, points)
    content = points - slid_mm
    lung = -830 + 90 * np.clip(texture(2, 1.0, content), -1, 4)
    for place in NEAR_THE_WALL:
        lung = np.where(np.linalg.norm(content - place, axis=1) < 7, 20, lung)
    hu = np.where(in_lung, lung, np.where(in_body, wall, -1000))
    hu += np.random.default_rng(len(name)).normal(0, 8, len(hu))
    return Scan(name, hu.reshape(GRID.shape).astype(np.int16), GRID)


@pytest.fixture(scope="module")
def slid_map():
    return DeformableRegistration(device="cpu").align(
        chest("T0", np.zeros(3)), chest("T1 later", SLID_MM), silent
    )


def test_lesions_next_to_the_wall_are_found_where_they_have_slid(slid_map):
    truth = NEAR_THE_WALL + SLID_MM
    whole = np.linalg.norm(slid_map(NEAR_THE_WALL) - truth, axis=1)
    refined = [
        np.linalg.norm(slid_map.refined(tuple(p))([p])[0] - t)
        for p, t in zip(NEAR_THE_WALL, truth, strict=True)
    ]
    assert max(refined) < 1.5
    assert np.mean(refined) < np.mean(whole) / 2


def test_the_map_of_the_wall_stays(slid_map):
    wall = np.array([[0.0, 0.0, 90.0], [0.0, 82.0, 0.0]])
    refined = [np.linalg.norm(slid_map.refined(tuple(p))([p])[0] - p) for p in wall]
    assert max(refined) < 2.0
