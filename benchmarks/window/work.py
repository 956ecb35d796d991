"""A reader's work on a study, stage by stage, in the panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from napari_longiseg._qt.demo import pause, wait_for
from napari_longiseg._qt.panel import TrackingPanel
from napari_longiseg.core.geometry import Box, Point, as_point, as_shape
from napari_longiseg.core.lesion import LesionMask
from napari_longiseg.core.scan import Scan
from window.hands import go_to_slice, stroke
from window.stage import Stages

LIMIT_S = 1800
TURN_MS = 40
"""From one slice to the next while scrolling."""
RADIUS_MM, APART_MM = 37.7, 60.0
"""Of the two balls of a large outline: 800,000 voxels of 0.75 x 0.75 x 1 mm."""


class Work:
    """What a reader does with a study.

    Parameters
    ----------
    panel : TrackingPanel
        In a window that is shown, without a study.
    stages : Stages
        Measures.
    """

    def __init__(self, panel: TrackingPanel, stages: Stages) -> None:
        self._panel = panel
        self._stages = stages
        self._session, self._desk = panel.session, panel.desk

    def all(self, study: Path, out: Path) -> None:
        """Do all of it; a session is saved in *out*."""
        with self._until_idle("open"):
            self._panel.runner.open(study)
        with self._until_idle("first click: outline and proposals"):
            lesion = self._session.lesions[0]
            self._click(lesion.source_scan or "", self._point(lesion.id))
        with self._until_idle("accept: outline on all scans"):
            for scan in self._session.study.scans[1:]:
                self._desk.reviewing.go(lesion.id, scan.id)
                self._desk.reviewing.accept()
        self._many([lesion.id for lesion in self._session.lesions[1:]])
        self._correct(lesion.id)
        self._large()
        said: list[str] = []
        self._desk.saving.noticed.connect(said.append)
        with self._stages.stage("save"):
            self._desk.saving.save_as(out)
            wait_for(lambda: bool(said), LIMIT_S)

    def _many(self, ids: list[int]) -> None:
        with self._until_idle("straight, all lesions"):
            self._desk.prompting.track(ids)
        with self._until_idle("scroll while it runs"):
            self._desk.prompting.track(ids)
            self._scroll(lambda: self._panel.runner.busy)
        with self._stages.stage("scroll, nothing runs"):
            left = iter(range(60))
            self._scroll(lambda: next(left, None) is not None)
        with self._until_idle("cancel"):
            self._desk.prompting.track(ids)
            pause(500)
            self._panel.wishes.cancel()
        with self._stages.stage("accept, all findings"):
            for _ in range(8):
                self._desk.reviewing.accept()
                pause(100)
        with self._stages.stage("select each lesion"):
            for lesion in self._session.lesions:
                self._session.select(lesion.id)
                pause(100)

    def _correct(self, lesion_id: int) -> None:
        scan = self._session.study.scans[1]
        cell = next(cell for cell in self._desk.bridge.cells if cell.scan is scan)
        point = self._session.point_on(lesion_id, scan.id)
        with self._until_idle("move a point"):
            self._desk.router.moved.emit(scan.id, lesion_id, as_point(np.add(point, (0.0, 2.0, 0.0))))
        self._desk.reviewing.touch(lesion_id, scan.id)
        with self._stages.stage("brush stroke"):
            stroke(self._panel, cell, point, as_point(np.add(point, (0.0, 15.0, 15.0))))
        with self._stages.stage("undo, redo the stroke"):
            self._desk.reviewing.undo()
            pause(100)
            self._desk.reviewing.redo()

    def _large(self) -> None:
        """Two large balls that touch."""
        scan, lesion = self._session.study.scans[0], self._session.next_id
        cell = self._desk.bridge.cells[0]
        middle = np.asarray(scan.grid.middle_mm)
        left, right = (as_point(np.add(middle, (0.0, 0.0, sign * APART_MM / 2))) for sign in (-1, 1))
        mask = _balls(scan, left, right)
        go_to_slice(self._panel, cell, left)
        with self._until_idle(f"paint {mask.voxels.sum()} voxels at once"):
            self._desk.prompting.paint(scan.id, {lesion: mask})
        with self._stages.stage("brush stroke on it"):
            stroke(self._panel, cell, left, as_point(np.add(left, (0.0, 45.0, 0.0))))
        with self._until_idle("split it"):
            known = self._session.finding(lesion, scan.id)
            self._desk.reviewing.touch(lesion, scan.id)
            self._desk.reviewing.split()
            self._click(scan.id, left if known.point_mm[2] > middle[2] else right)
        with self._until_idle("merge the parts"):
            self._desk.reviewing.touch(self._session.next_id - 1, scan.id)
            self._desk.reviewing.merge_into(lesion)
        with self._until_idle("undo both, redo both"):
            for step in (self._desk.reviewing.undo,) * 2 + (self._desk.reviewing.redo,) * 2:
                step()
                pause(200)

    # ---- helpers

    @contextmanager
    def _until_idle(self, name: str) -> Iterator[None]:
        with self._stages.stage(name):
            yield
            pause(TURN_MS)
            wait_for(lambda: not self._panel.runner.busy and not self._desk.bridge.showing, LIMIT_S)

    def _click(self, scan_id: str, point_mm: Point) -> None:
        self._desk.router.clicked.emit(scan_id, point_mm, True)

    def _point(self, lesion_id: int) -> Point:
        lesion = self._session.lesion(lesion_id)
        return lesion.point_on(lesion.source_scan or "") or (0.0, 0.0, 0.0)

    def _scroll(self, going_on: Callable[[], bool]) -> None:
        """As the slider does."""
        dims = self._panel.viewer.dims
        by = 1
        while going_on():
            at, slices = dims.current_step[0], dims.nsteps[0]
            if not 0.2 * slices < at + by < 0.8 * slices:
                by = 1 if at < slices / 2 else -1
            dims.set_current_step(0, at + by)
            pause(TURN_MS)


def _balls(scan: Scan, *centres_mm: Point) -> LesionMask:
    grid = scan.grid
    low = grid.to_index(np.min(centres_mm, axis=0) - RADIUS_MM)
    high = grid.to_index(np.max(centres_mm, axis=0) + RADIUS_MM)
    box = Box(as_shape(np.floor(low)), as_shape(np.ceil(high) + 1)).clipped(grid.shape)
    indices = np.stack(np.meshgrid(*(np.arange(n) for n in box.shape), indexing="ij"), axis=-1)
    points = grid.crop(box).to_mm(indices)
    inside = [np.linalg.norm(points - np.asarray(centre), axis=-1) <= RADIUS_MM for centre in centres_mm]
    return LesionMask.of(np.any(inside, axis=0), box)
