"""The lower rungs of the fixture ladder: a grid, a tiny phantom study, a segmenter that needs no fitting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from napari_longiseg.core import methods
from napari_longiseg.core.geometry import Grid, Point
from napari_longiseg.core.lesion import Click, Lesion
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.registration.identity import IdentityMap
from napari_longiseg.segmentation.base import SegmenterInfo, VoiRequest, VoiResult

SOFT_HU, LESION_HU, NOISE_HU = 40, 140, 5


def ball(grid: Grid, centre_mm: Point, radius_mm: float) -> np.ndarray:
    """Voxels (bool) whose centre lies within a radius of a point."""
    indices = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    return np.linalg.norm(grid.to_mm(indices) - np.asarray(centre_mm), axis=-1) <= radius_mm


def phantom_scan(scan_id: str, grid: Grid, balls: Sequence[tuple[Point, float]], **kwargs: object) -> Scan:
    """Soft tissue with bright balls, given as (centre in mm, radius in mm)."""
    image = _phantom_image(scan_id, grid, tuple((tuple(centre), radius) for centre, radius in balls))
    return Scan(scan_id, image.copy(), grid, **kwargs)


@cache
def _phantom_image(scan_id: str, grid: Grid, balls: tuple[tuple[Point, float], ...]) -> np.ndarray:
    """Made once: most tests begin with the same."""
    rng = np.random.default_rng(sum(map(ord, scan_id)))
    image = rng.normal(SOFT_HU, NOISE_HU, grid.shape)
    for centre, radius in balls:
        image[ball(grid, centre, radius)] += LESION_HU - SOFT_HU
    return image.astype(np.int16)


@pytest.fixture(scope="session", autouse=True)
def not_the_users_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For fixtures that live longer than a test."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LONGISEG_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What one test keeps from run to run lies here; what it writes among the user's data, beside it."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("LONGISEG_CACHE", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
    monkeypatch.delenv("LONGISEG_CACHE_GB", raising=False)
    return folder


@pytest.fixture
def grid() -> Grid:
    """Anisotropic, shifted, axes along the patient's."""
    return Grid((20, 40, 48), (2.5, 1.25, 1.0), (-30.0, 12.0, 5.5))


@pytest.fixture
def study() -> Study:
    """Three dates on three grids; lesion 1 grows, lesion 2 is gone at T2. Nothing moves."""
    near, far = (0.0, 0.0, 0.0), (10.0, 20.0, -20.0)
    scans = (
        phantom_scan(
            "T0",
            Grid((24, 64, 64), (2.0, 1.0, 1.0), (-24, -30, -32)),
            [(near, 6), (far, 5)],
            date=dt.date(2024, 1, 10),
        ),
        phantom_scan(
            "T1",
            Grid((30, 50, 50), (1.5, 1.4, 1.4), (-22, -34, -34)),
            [(near, 8), (far, 4)],
            date=dt.date(2024, 3, 10),
        ),
        phantom_scan(
            "T2",
            Grid((24, 60, 70), (2.0, 1.1, 1.0), (-24, -32, -36)),
            [(near, 9)],
            date=dt.date(2024, 5, 10),
        ),
    )
    lesions = (
        Lesion(1, "near", (Click("T0", near),)),
        Lesion(2, "far", (Click("T0", far),)),
    )
    return Study("P01", scans, lesions)


@dataclass(frozen=True)
class ThresholdSegmenter:
    """Everything brighter than halfway between soft tissue and lesion; tracking picks the component."""

    level: float = (SOFT_HU + LESION_HU) / 2
    spacing_mm: Point | None = None
    seen: list[VoiRequest] = field(default_factory=list)

    @property
    def info(self) -> SegmenterInfo:
        return SegmenterInfo("threshold", ("click", "prior"), (40.0, 40.0, 40.0), self.spacing_mm)

    def segment(self, requests: Sequence[VoiRequest]) -> Iterator[VoiResult]:
        for request in requests:
            self.seen.append(request)
            yield VoiResult((request.image > self.level).astype(np.float32), confidence=0.9)


@pytest.fixture
def segmenter() -> ThresholdSegmenter:
    return ThresholdSegmenter()


@pytest.fixture
def make_scan() -> Callable[..., Scan]:
    return phantom_scan


@pytest.fixture
def make_ball() -> Callable[..., np.ndarray]:
    return ball


class KeptMap(IdentityMap):
    """Every point stays where it is, also after a restart; holds on to its scans as a refinable map does."""

    def __init__(self, source, target):
        self.scans = (source, target)

    def state(self):
        return {"shift": np.zeros(3)}


@dataclass(frozen=True)
class KeptRegistration:
    """Takes patient coordinates as they are, but its maps may be kept on disk."""

    name: ClassVar[str] = "kept"
    version: ClassVar[str] = "1"
    aligned: ClassVar[list[tuple[str, str]]] = []

    def align(self, source, target, progress):
        self.aligned.append((source.id, target.id))
        return KeptMap(source, target)

    def restore(self, state, source, target):
        return KeptMap(source, target)


@pytest.fixture
def aligned(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Installs the registration ``kept`` and the segmenter ``threshold``; the pairs that were aligned."""
    entries = {
        methods.REGISTRATIONS: [SimpleNamespace(name="kept", load=lambda: KeptRegistration)],
        methods.SEGMENTERS: [SimpleNamespace(name="threshold", load=lambda: ThresholdSegmenter)],
    }
    monkeypatch.setattr(methods, "entry_points", lambda group: entries[group])
    KeptRegistration.aligned.clear()
    return KeptRegistration.aligned


@pytest.fixture
def press(viewer) -> Callable[[str], None]:
    """Press a key as napari does it: the active layer's keys go before the viewer's."""
    from napari.utils.key_bindings import KeymapHandler

    def press(key: str) -> None:
        handler, active = KeymapHandler(), viewer.layers.selection.active
        handler.keymap_providers = [viewer] if active is None else [active, viewer]
        handler.press_key(key)

    return press
