"""A reader at work: a study of four dates and twelve lesions, from opening to the exported table.

Counts what each lesion costs in clicks and keys. Real mouse and key events in a window that is shown.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QWidget

from napari_longiseg._napari import desk as desk_module
from napari_longiseg._napari.preferences import STRAIGHT, Preferences
from napari_longiseg._qt.panel import TrackingPanel
from napari_longiseg.core.lesion import Presence, Review
from napari_longiseg.core.scan import Study
from napari_longiseg.training.synth import SynthOptions, make_study, write_study

LESIONS = (
    "lung:grow:14", "lung:stable:12", "lung:shrink:14", "lung:grow:12", "lung:stable:16", "lung:shrink:18",
    "liver:grow:22", "liver:stable:20", "liver:shrink:24", "lung:vanish:12", "liver:grow:18", "lung:grow:16",
)  # fmt: skip
OPTIONS = SynthOptions(seed=4, dates=4, shape=(80, 112, 112), spacing_mm=(3.4, 3.2, 3.2), lesions=LESIONS)


@pytest.fixture(scope="module")
def patient(tmp_path_factory) -> tuple[Study, str]:
    """The study with its lesions' true places on the first scan, and a folder without them."""
    synthetic = make_study(OPTIONS)
    folder = tmp_path_factory.mktemp("reading") / "patient"
    write_study(replace(synthetic, study=synthetic.study.with_lesions(())), folder)
    return synthetic.study, folder


@dataclass
class Reader:
    """Clicks and presses keys, and counts both by lesion."""

    viewer: object
    panel: TrackingPanel
    canvas: QWidget
    qtbot: object
    clicks: dict[int, int] = field(default_factory=dict)
    keys: dict[int, int] = field(default_factory=dict)

    def click(self, column: int, point_mm) -> None:
        """Scroll to a place of a scan, and click it there."""
        cell = self.panel.desk.bridge.cells[column]
        world = cell.to_world(point_mm)
        self.viewer.dims.set_point(0, world[0])
        self.qtbot.wait(120)
        world = cell.to_world(point_mm)  # the other scans follow; the one that is read stays
        place = self.spot(column, world)
        self.qtbot.mouseClick(self.canvas, Qt.MouseButton.LeftButton, pos=place)
        self.qtbot.wait(20)
        lesion = self.panel.session.selected or 0
        self.clicks[lesion] = self.clicks.get(lesion, 0) + 1

    def key(self, key: Qt.Key) -> None:
        """Press a key in the viewer; it counts for the lesion under review."""
        lesion = self.panel.session.selected or 0
        self.keys[lesion] = self.keys.get(lesion, 0) + 1
        self.qtbot.keyClick(self.canvas, key)
        self.qtbot.wait(20)

    def rest(self) -> None:
        """Wait until nothing is being computed."""
        self.qtbot.waitUntil(lambda: not self.panel.runner.busy, timeout=120_000)

    def spot(self, column: int, world) -> QPoint:
        """Pixel of the canvas where a displayed position is drawn in a cell of the grid."""
        rows, columns = self.viewer.canvas.grid.shape
        width = (self.canvas.width() - (columns - 1) * 4) / columns
        height = (self.canvas.height() - (rows - 1) * 4) / rows
        row, place = divmod(column, columns)
        zoom, centre = self.viewer.scene.camera.zoom, self.viewer.scene.camera.center
        return QPoint(
            round(place * (width + 4) + width / 2 + (world[2] - centre[2]) * zoom),
            round(row * (height + 4) + height / 2 + (world[1] - centre[1]) * zoom),
        )


@pytest.fixture
def reader(make_napari_viewer_proxy, qtbot, monkeypatch, patient) -> Iterator[Reader]:
    """The study opened in the panel, which outlines straight away by an affine registration."""
    chosen = Preferences(mode=STRAIGHT, registration="affine", autosave=False)
    monkeypatch.setattr(desk_module, "preferences", lambda: chosen)
    monkeypatch.setattr("napari_longiseg._qt.panel.preferences", lambda: chosen)
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1500, 900)
    _, panel = viewer.window.add_plugin_dock_widget("napari-longiseg", "Lesion tracking")
    panel.study_bar.open_requested.emit(patient[1])
    qtbot.waitUntil(lambda: panel.session.study is not None and not panel.runner.busy, timeout=60_000)
    qtbot.wait(300)
    canvas = next(
        w for w in panel.window().findChildren(QWidget) if type(w).__name__.startswith("CanvasBackend")
    )
    yield Reader(viewer, panel, canvas, qtbot)
    panel.close_desk()


def test_a_click_and_a_key_per_scan(reader, patient, tmp_path, capsys):
    truth, _ = patient
    panel, session = reader.panel, reader.panel.session
    for lesion in truth.lesions:
        session.select(None)
        reader.click(0, lesion.clicks[0].point_mm)
    reader.rest()
    assert len(session.lesions) == len(LESIONS)
    assert len(session.findings) == 4 * len(LESIONS)

    panel.desk.reviewing.go(1, "T0")
    for _ in range(4 * len(LESIONS)):
        if panel.desk.reviewing.current == (2, "T1") and 2 not in corrected(session):
            correct(reader, truth)
        reader.key(Qt.Key.Key_Y)
    assert all(finding.review is not Review.PROPOSED for finding in session.findings)

    panel.desk.export(tmp_path / "results")
    reader.rest()
    with (tmp_path / "results" / "lesions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * len(LESIONS)
    assert {row["review"] for row in rows} <= {"accepted", "edited"}

    with capsys.disabled():
        clicks, keys = sum(reader.clicks.values()), sum(reader.keys.values())
        present = sum(finding.presence is Presence.PRESENT for finding in session.findings)
        print(f"\n{len(LESIONS)} lesions on 4 dates, {present} outlines: {clicks} clicks and {keys} keys")
    for lesion in session.lesions:
        extra = 1 if lesion.id == 2 else 0  # the correction
        assert reader.clicks[lesion.id] <= 1 + extra
        assert reader.keys[lesion.id] <= 4 + extra


def corrected(session) -> set[int]:
    """Lesions that were clicked on a second scan."""
    return {lesion.id for lesion in session.lesions if len({click.scan for click in lesion.clicks}) > 1}


def correct(reader: Reader, truth: Study) -> None:
    """Click a lesion where it really is on the second scan; that finding alone is made anew."""
    before = {finding.scan: finding for finding in reader.panel.session.findings if finding.lesion == 2}
    finding = before["T1"]
    reader.click(1, np.asarray(finding.point_mm))
    reader.rest()
    after = {finding.scan: finding for finding in reader.panel.session.findings if finding.lesion == 2}
    assert after["T1"] is not before["T1"]
    assert all(after[scan] is before[scan] for scan in ("T0", "T2", "T3"))
