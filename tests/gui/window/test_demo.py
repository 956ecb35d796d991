from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_longiseg._napari.layers.colours import lesion_rgba
from napari_longiseg._qt import demo
from napari_longiseg.core.errors import LongisegError


@pytest.fixture
def folder(study, tmp_path, monkeypatch):
    """A study folder; loading it gives the phantom."""
    monkeypatch.setattr("napari_longiseg._napari.work.tasks.load_study", lambda path, progress: study)
    return tmp_path


@pytest.fixture
def same_viewer(viewer, monkeypatch):
    """The demo gets the test's own viewer, which closes it afterwards."""
    monkeypatch.setattr(demo.napari, "Viewer", lambda title: viewer)
    monkeypatch.setattr(type(viewer), "close", lambda self: None, raising=False)
    return viewer


def test_the_screenshot_shows_the_tracked_lesion(same_viewer, fake_methods, folder):
    demo.demo_screenshot(folder, folder / "deep" / "window.png", size=(1200, 800))
    picture = np.asarray(Image.open(folder / "deep" / "window.png"))[..., :3].astype(float) / 255
    swatch = np.abs(picture - lesion_rgba(1)[:3]).max(axis=-1) < 0.05
    assert swatch.sum() > 100


def test_the_picture_of_the_check_shows_all_views(same_viewer, fake_methods, folder):
    same_viewer.window.show()
    demo.check_screenshot(folder, folder / "check.png", size=(1200, 700))
    picture = np.asarray(Image.open(folder / "check.png"))[..., :3].astype(int)
    coloured = np.ptp(picture, axis=-1) > 30
    third, half = coloured.shape[0] // 3, coloured.shape[1] // 2
    overlay, board = coloured[:third, :half].mean(), coloured[:third, half:].mean()
    lattice, uncertainty = coloured[-third:, :half].mean(), coloured[-third:, half:].mean()
    assert min(overlay, lattice) > 0.01
    assert uncertainty > 0.05  # it fills the scan; the others colour edges, lines and titles
    assert max(board, lattice) < uncertainty


def test_an_error_is_told(same_viewer, fake_methods, tmp_path):
    with pytest.raises(LongisegError, match="no file or folder"):
        demo.demo_screenshot(tmp_path / "nothing", tmp_path / "window.png")


def test_it_does_not_wait_for_ever(qtbot):
    with pytest.raises(LongisegError, match="more than 0 s"):
        demo.wait_for(lambda: False, 0.0)
