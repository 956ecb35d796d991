"""``python -m napari_longiseg._qt.demo``: the panel on a study, to work with or for a screenshot."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from napari.utils.io import imsave
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

import napari
from napari_longiseg._napari.check.layers import View
from napari_longiseg._qt.panel import TrackingPanel
from napari_longiseg.core.errors import LongisegError

WIDGET = "Lesion tracking"
SETTLE_MS = 300
LIMIT_S = 540


def open_window(folder: Path, to_work_in: bool = True) -> tuple[napari.Viewer, TrackingPanel]:
    """A napari window with the panel, which starts to open a study.

    Where nobody works in it, nothing is saved by itself, and nobody is asked about what was before.
    """
    viewer = napari.Viewer(title="napari-longiseg")
    _, panel = viewer.window.add_plugin_dock_widget("napari-longiseg", WIDGET)
    if not to_work_in:
        panel.desk.saving.leave_off()
    panel.runner.open(folder)
    return viewer, panel


def demo_screenshot(
    folder: Path, png: Path, out: Path | None = None, size: tuple[int, int] = (1560, 940)
) -> None:
    """Track all lesions of a study through the panel, and save a picture of the window.

    Parameters
    ----------
    folder : Path
        Study folder or manifest.
    png : Path
        Where the picture goes.
    out : Path, optional
        Where the panel exports masks, table and record.
    size : (2,) int
        Width and height of the window in pixels.

    Raises
    ------
    LongisegError
        When tracking fails or takes too long.
    """
    viewer, panel = open_window(folder, to_work_in=False)
    viewer.window.resize(*size)
    steps: list[Callable[[], object]] = [lambda: None, panel.lesion_bar.track_all.click]
    if out:
        steps.append(partial(panel.desk.export, out))
    _work(panel, steps)
    panel.session.select(panel.session.lesions[0].id)
    viewer.reset_view(margin=0.02)
    pause(SETTLE_MS)
    save_picture(png, viewer.window.screenshot(flash=False, canvas_only=False))
    panel.close_desk()
    viewer.close()


def check_screenshot(folder: Path, png: Path, size: tuple[int, int] = (1560, 700)) -> None:
    """Check the alignment of a study's first scan to the second, and save a picture of all views of it.

    Parameters
    ----------
    folder : Path
        Study folder or manifest.
    png : Path
        Where the picture goes.
    size : (2,) int
        Width and height of the window in pixels.

    Raises
    ------
    LongisegError
        When the scans cannot be aligned, or that takes too long.
    """
    viewer, panel = open_window(folder, to_work_in=False)
    viewer.window.resize(*size)
    _work(panel, [lambda: None])
    study = panel.session.study_with(lesion.id for lesion in panel.session.lesions)
    panel.session.open(replace(study, scans=study.scans[:2]))  # two cells are larger than three
    panel.session.select(study.lesions[0].id)
    _work(panel, [panel.lesion_bar.track.click, panel.registration.check_button.click])
    pictures = []
    for view in (View.OVERLAY, View.CHECKERBOARD, View.GRID, View.UNCERTAINTY):
        panel.registration.views[view].click()
        viewer.reset_view(margin=0.02)
        pause(SETTLE_MS)
        pictures.append(viewer.screenshot(flash=False, canvas_only=True))
    rows = [np.hstack(pictures[:2]), np.hstack(pictures[2:])]
    save_picture(png, np.vstack([row[row[..., :3].any(axis=(1, 2))] for row in rows]))  # without black rows
    panel.close_desk()
    viewer.close()


def _work(panel: TrackingPanel, steps: Sequence[Callable[[], object]]) -> None:
    """One step after the other, each as soon as the panel has nothing more to do."""
    problems: list[str] = []
    panel.runner.failed.connect(problems.append)
    for start in steps:
        start()
        wait_for(lambda: not panel.runner.busy and not panel.desk.bridge.showing, LIMIT_S)
        if problems:
            raise LongisegError(problems[-1])


def save_picture(png: Path, picture: npt.NDArray[np.uint8]) -> None:
    """Write a picture, into a folder that is made where it is missing."""
    png.parent.mkdir(parents=True, exist_ok=True)
    imsave(str(png), picture)


def wait_for(done: Callable[[], bool], limit_s: float) -> None:
    """Let the window work until something is done.

    Raises
    ------
    LongisegError
        When it takes longer than that.
    """
    waited = 0
    while not done():
        if waited > 1000 * limit_s:
            msg = f"Tracking took more than {limit_s:.0f} s."
            raise LongisegError(msg)
        pause(50)
        waited += 50


def pause(milliseconds: int) -> None:
    """Let the window work for a while."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()
    QApplication.processEvents()


def main() -> None:
    """Open the window; with an option for a picture, do what it shows, save it and leave."""
    parser = argparse.ArgumentParser(prog="python -m napari_longiseg._qt.demo", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="study folder or manifest")
    parser.add_argument("--screenshot", type=Path, help="where to save a picture of the tracked study")
    parser.add_argument("--check", type=Path, help="where to save a picture of the registration check")
    parser.add_argument("--out", type=Path, help="with --screenshot: where to write the results")
    args = parser.parse_args()
    try:
        if args.screenshot:
            demo_screenshot(args.study, args.screenshot, args.out)
        if args.check:
            check_screenshot(args.study, args.check)
        if not (args.screenshot or args.check):
            open_window(args.study)
            napari.run()
    except LongisegError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
