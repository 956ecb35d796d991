"""Linked scans in a real window: what is drawn, and where the mouse points."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from napari.qt.threading import create_worker  # noqa: F401 - imported before the clock runs
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QApplication

from napari_longiseg._napari.layers.headings import DATE_COLOURS
from napari_longiseg._napari.linked.cursor import RegisteredCursor
from napari_longiseg._napari.linked.linked import LinkedScans
from napari_longiseg._napari.view.bridge import LayerBridge
from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.registration.links import Link
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.transforms import Affine
from napari_longiseg.session import Session

GRID = Grid((40, 60, 60), (2.0, 1.5, 1.5), (-39.0, -44.25, -44.25))
LEFT_AND_HIGH = (slice(28, 34), slice(27, 33), slice(44, 50))
"""Voxels near the patient's left shoulder: x grows to the left, z to the head."""


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def bridge(viewer, session):
    bridge = LayerBridge(viewer, session, lambda call: call())
    yield bridge
    bridge.close()


def scan(scan_id: str, month: int) -> Scan:
    image = np.full(GRID.shape, -160, np.int16)
    image[LEFT_AND_HIGH] = 1500
    return Scan(scan_id, image, GRID, date=dt.date(2024, month, 1))


def middle_of(bright: np.ndarray) -> np.ndarray:
    """Mean row and column of the bright pixels, from 0 to 1."""
    assert bright.any()
    return np.argwhere(bright).mean(axis=0) / bright.shape


def bright(pixels: np.ndarray) -> np.ndarray:
    """Grey and bright; the title has a colour."""
    return (pixels.min(axis=-1) > 200) & (np.ptp(pixels, axis=-1) < 20)


class TestFaithful:
    def test_seen_from_the_front_left_is_right_and_the_head_is_up(self, viewer, session, bridge, pictures):
        session.open(Study("P", (scan("T0", 1),)))
        viewer.dims.ndisplay = 3
        row, column = middle_of(bright(pictures()[0]))
        assert row < 0.47
        assert column > 0.53

    def test_seen_from_the_feet_left_is_right_and_the_back_is_down(self, viewer, session, bridge, pictures):
        one = scan("T0", 1)
        one.image[28:34, 50:54, 28:32] = 1500  # towards the back, in the middle
        session.open(Study("P", (one,)))
        viewer.dims.set_point(0, 23.0)
        flat = middle_of(bright(pictures()[0]))
        viewer.dims.ndisplay = 3
        viewer.scene.camera.angles = (0.0, 0.0, 0.0)
        row, column = middle_of(bright(pictures()[0]))
        assert row > 0.5
        assert column > 0.5
        assert np.abs(flat - (row, column)).max() < 0.1, "as in the axial slices"


class TestSideBySide:
    def test_titles_in_the_colours_of_their_dates_in_two_rows(self, viewer, session, bridge, pictures):
        session.open(Study("P", tuple(scan(f"T{i}", i + 1) for i in range(4))))
        assert viewer.canvas.grid.shape == (2, 2)
        for cell, code in zip(pictures(), DATE_COLOURS, strict=False):
            colour = [int(code[i : i + 2], 16) for i in (1, 3, 5)]
            assert (np.abs(cell - colour).max(axis=-1) < 30).sum() > 20

    def test_the_mouse_on_one_scan_is_seen_on_the_other(self, viewer, session, bridge, pictures, qtbot):
        study = Study("P", (scan("T0", 1), scan("T1", 2)))
        linked = LinkedScans(viewer, session, bridge)
        cursor = RegisteredCursor(viewer, session, bridge)
        cursor.enabled = True
        session.open(study)
        linked.add(Link.of(*study.scans, TransformMap(Affine.shift((0.0, 9.0, -12.0)), None)))
        canvas = next(w for w in QApplication.allWidgets() if "CanvasBackend" in type(w).__name__)
        qtbot.wait(200)
        for step in range(3):
            qtbot.mouseMove(canvas, QPoint(canvas.width() // 4 + step, canvas.height() // 2))
            qtbot.wait(50)
        assert set(cursor.places) == {"T0", "T1"}
        here, there = (np.array(cursor.places[scan_id]) for scan_id in ("T0", "T1"))
        np.testing.assert_allclose(there - here, (0.0, 9.0, -12.0))
        left, right = (np.abs(cell - (255, 255, 0)).max(axis=-1) < 40 for cell in pictures()[:2])
        assert not left.any(), "faint under the mouse itself"
        assert right.sum() > 20
        cursor.close()
        linked.close()
