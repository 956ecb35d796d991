"""Longitudinal-CT in small: files as they are published, with lesions that are where the table says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from napari_longiseg.core.geometry import Grid, Point
from napari_longiseg.io.images import write_image
from napari_longiseg.training.real.longitudinal import longitudinal_pairs
from napari_longiseg.training.real.pairs import LesionPair
from napari_longiseg.training.real.store import ScanStore
from napari_longiseg.training.real.usable import usable_pairs

SOFT_HU, LESION_HU = 40, 140
HEADER = (
    "lesion_id,cog_bl,cog_backpropagated,img_id_bl,cog_propagated,cog_fu,img_id_fu,lesion_type,"
    "topology_class,merged_into,volume_bl,volume_fu,target_lesion,use_for_challenge,linking_unclear\n"
)
BASELINE = Grid((24, 60, 64), (2.5, 0.8, 0.8), (10.0, -20.0, -30.0), ((1, 0, 0), (0, -1, 0), (0, 0, -1)))
FOLLOWUP = Grid((28, 56, 60), (2.0, 0.9, 0.9), (6.0, -25.0, -28.0))
"""The axes of one run against those of the other, as in files of different origin."""


@dataclass(frozen=True)
class Ball:
    """A lesion on one scan: label, centre as voxel of the file (k, j, i), radius in mm."""

    label: int
    centre: Point
    radius_mm: float


BEFORE = (
    Ball(1, (8, 20, 20), 5),
    Ball(2, (14, 40, 44), 4),
    Ball(4, (18, 12, 46), 4),
    Ball(5, (18, 18, 52), 4),
)
AFTER = (Ball(1, (9, 30, 32), 7), Ball(3, (20, 40, 20), 4), Ball(9, (20, 16, 46), 7))
TABLE = HEADER + (
    "1,20 20 8,,0,33 30 9,32 30 9,0,Lung,UNCHANGED,,520,1400,True,True,False\n"
    "2,44 40 14,,0,15 44 12,,0,Liver,DISAPPEARING,,260,0,False,True,False\n"
    "3,,20 30 20,0,,20 40 20,0,Lymph node,NEWLYAPPEARING,,,260,False,False,False\n"
    "4,46 12 18,,0,44 15 20,46 16 20,0,Lung,MERGING,9.0,260,1400,False,True,False\n"
    "5,52 18 18,,0,48 17 20,46 16 20,0,Lung,MERGING,9.0,260,1400,False,True,False\n"
)
"""Lesions 4 and 5 become 9; points are x y z."""


def paint(grid: Grid, balls: tuple[Ball, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Image and labels of a file's grid."""
    image = np.random.default_rng(seed).normal(SOFT_HU, 5, grid.shape)
    labels = np.zeros(grid.shape, np.uint8)
    indices = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    for ball in balls:
        inside = np.linalg.norm((indices - ball.centre) * grid.spacing_mm, axis=-1) <= ball.radius_mm
        labels[inside] = ball.label
        image[inside] += LESION_HU - SOFT_HU
    return image.astype(np.int16), labels


def write_patient(folder: Path, patient: str, table: str | None = TABLE) -> None:
    inputs, targets = folder / "inputsTr", folder / "targetsTr"
    for place in (inputs, targets):
        place.mkdir(parents=True, exist_ok=True)
    for number, (date, grid, balls, masks) in enumerate(
        (("BL", BASELINE, BEFORE, inputs), ("FU", FOLLOWUP, AFTER, targets))
    ):
        image, labels = paint(grid, balls, sum(map(ord, patient)) + number)
        write_image(inputs / f"{patient}_{date}_img_00.nii.gz", image, grid)
        write_image(masks / f"{patient}_{date}_mask_00.nii.gz", labels, grid)
    if table is not None:
        (inputs / f"{patient}.csv").write_text(table)


@pytest.fixture
def add_patient(tmp_path) -> Callable[..., Path]:
    """Write a patient of the data set; returns the data set's folder."""

    def add(patient: str = "c6f057b865", table: str | None = TABLE) -> Path:
        write_patient(tmp_path / "Longitudinal-CT", patient, table)
        return tmp_path / "Longitudinal-CT"

    return add


@pytest.fixture
def store(tmp_path) -> ScanStore:
    return ScanStore(tmp_path / "unpacked")


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory) -> ScanStore:
    """A patient's scans, unpacked; only to be read."""
    return ScanStore(tmp_path_factory.mktemp("unpacked"))


@pytest.fixture(scope="session")
def pairs(tmp_path_factory, unpacked) -> tuple[LesionPair, ...]:
    """That patient's pairs, each with its click."""
    folder = tmp_path_factory.mktemp("Longitudinal-CT")
    write_patient(folder, "c6f057b865")
    return usable_pairs(longitudinal_pairs(folder), unpacked).pairs
