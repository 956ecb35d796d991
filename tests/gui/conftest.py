"""The panel in a real napari window, with methods that are quick and under the test's control."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy
from qtpy.QtCore import QEvent, QPoint, Qt
from qtpy.QtWidgets import QApplication, QWidget

from napari.layers import Layer
from napari_longiseg._napari import desk, reviewing
from napari_longiseg._napari.layers.scans import study_layers
from napari_longiseg._napari.preferences import Preferences
from napari_longiseg._qt import panel as panel_module
from napari_longiseg._qt.panel import TrackingPanel
from napari_longiseg.core import methods
from napari_longiseg.core.errors import RegistrationError, SegmentationError
from napari_longiseg.core.geometry import Point
from napari_longiseg.registration.base import MapReport
from napari_longiseg.registration.identity import IdentityMap
from napari_longiseg.segmentation.base import SegmenterInfo, VoiRequest, VoiResult

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
GAP = 4
"""Pixels between the cells of napari's grid."""


class Gate:
    """Stops the fake methods in their thread until the test lets them go on."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        self.open.set()

    def wait(self) -> None:
        """Go through, as soon as it is open."""
        self.reached.set()
        self.open.wait(10)


GATE = Gate()


class ReportingMap(IdentityMap):
    """Every point stays where it is, and that is well known."""

    def __init__(self, doubt: str) -> None:
        self.report = MapReport("Local correlation 0.41 in the mean.", doubt)

    def uncertainty_mm(self, points_mm):
        return np.full(len(points_mm), 4.0)


@dataclass(frozen=True)
class FakeRegistration:
    """Patient coordinates as they are, with an option of each usual kind, or trouble."""

    name: ClassVar[str] = "deformable"
    search_mm: float = 12.5
    levels: int = 2
    refine: bool = True
    metric: Literal["lncc", "mi"] = "lncc"
    trouble: Literal["none", "doubt", "refusal"] = "none"

    def align(self, source, target, progress) -> IdentityMap:
        progress(f"Aligning {source.id} to {target.id}", 0.5)
        GATE.wait()
        progress(f"Aligned {source.id} to {target.id}", 1.0)
        if self.trouble == "refusal":
            msg = f"{source.id} and {target.id} do not show the same patient."
            raise RegistrationError(msg)
        return ReportingMap("The scans hardly fit." if self.trouble == "doubt" else "")


@dataclass(frozen=True)
class FakeSegmenter:
    """A threshold, or trouble."""

    asked: ClassVar[list[VoiRequest]] = []
    trouble: Literal["none", "ours", "runtime"] = "none"
    info: SegmenterInfo = field(
        default=SegmenterInfo("region", ("click",), (40.0, 40.0, 40.0)), init=False, repr=False
    )

    def segment(self, requests: Sequence[VoiRequest]) -> Iterator[VoiResult]:
        self.asked.extend(requests)
        GATE.wait()
        if self.trouble == "ours":
            msg = "The engine needs more memory than there is."
            raise SegmentationError(msg)
        if self.trouble == "runtime":
            msg = "CUDA out of memory"
            raise RuntimeError(msg)
        for request in requests:
            yield VoiResult((request.image > 90).astype(np.float32), confidence=0.9)


@dataclass(frozen=True)
class Entry:
    """As much of an entry point as the package uses."""

    name: str
    loaded: type[Any]

    def load(self) -> type[Any]:
        return self.loaded


@dataclass
class Reader:
    """Answers the panel's questions as a test wants; one that it does not expect fails it.

    Attributes
    ----------
    answer : bool or None
        To all questions; None expects none.
    asked : list of str
        What was asked.
    """

    answer: bool | None = None
    asked: list[str] = field(default_factory=list)

    def __call__(self, parent: QWidget | None, *what: object) -> bool:
        """Answer a question over the panel."""
        text = " ".join(map(str, what))
        self.asked.append(text)
        if self.answer is None:
            pytest.fail(f"Nobody expects a question: {text}")
        return self.answer


@dataclass
class Hands:
    """A mouse over the scans, and a keyboard.

    Attributes
    ----------
    panel : TrackingPanel
        In a window that is shown.
    qtbot
        Sends the events.
    """

    panel: TrackingPanel
    qtbot: Any

    @property
    def canvas(self) -> QWidget:
        """The widget that napari draws on."""
        widgets = self.panel.window().findChildren(QWidget)
        (canvas,) = (widget for widget in widgets if type(widget).__name__.startswith("CanvasBackend"))
        return canvas

    def scroll(self, scan_id: str, point_mm: Point) -> None:
        """Show the slice through a point of a scan."""
        self.panel.viewer.dims.set_point(0, self._world(scan_id, point_mm)[0])
        self.qtbot.wait(60)  # the other scans follow

    def spot(self, scan_id: str, point_mm: Point) -> QPoint:
        """Pixel of the canvas where a point of a scan is drawn in its cell of the grid."""
        scans = [cell.scan.id for cell in self.panel.desk.bridge.cells]
        viewer, world = self.panel.viewer, self._world(scan_id, point_mm)
        shape, camera = viewer.canvas.grid.actual_shape(viewer.layers), viewer.scene.camera
        cell = divmod(scans.index(scan_id), shape[1])
        size = viewer.canvas.viewbox_size(viewer.layers)
        y, x = (
            place * (size[i] + GAP) + size[i] / 2 + (world[i + 1] - camera.center[i + 1]) * camera.zoom
            for i, place in enumerate(cell)
        )
        return QPoint(round(x), round(y))

    def click(self, scan_id: str, point_mm: Point, modifier: Qt.KeyboardModifier = NONE) -> None:
        """Scroll to a point of a scan, and click it."""
        self.scroll(scan_id, point_mm)
        self.qtbot.mouseClick(self.canvas, LEFT, modifier, self.spot(scan_id, point_mm))
        self.qtbot.wait(20)

    def drag(self, scan_id: str, start_mm: Point, end_mm: Point, key: Qt.Key | None = None) -> None:
        """Scroll to a point of a scan, and drag from there to another one of the same slice.

        A *key* is pressed before the button is let go.
        """
        self.scroll(scan_id, start_mm)
        start, end = self.spot(scan_id, start_mm), self.spot(scan_id, end_mm)
        self.qtbot.mouseMove(self.canvas, start)
        self.qtbot.wait(30)
        self.qtbot.mousePress(self.canvas, LEFT, pos=start)
        for part in (0.3, 0.7, 1.0):
            self.qtbot.mouseMove(self.canvas, start + (end - start) * part)
            self.qtbot.wait(30)
        if key is not None:
            self.press(key)
        self.qtbot.mouseRelease(self.canvas, LEFT, pos=end)
        self.qtbot.wait(50)

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
        """Press a key over the scans."""
        self.qtbot.keyClick(self.canvas, key, modifier)

    def _world(self, scan_id: str, point_mm: Point) -> Point:
        cell = next(cell for cell in self.panel.desk.bridge.cells if cell.scan.id == scan_id)
        return cell.to_world(point_mm)


@pytest.fixture(scope="module", autouse=True)
def what_came_before_is_no_garbage() -> None:
    """Spare the searches for garbage, of which every test makes some, what has been imported by now."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_widget_is_left_behind(qapp: QApplication) -> Iterator[None]:
    """Windows that nobody closes; napari's own go when it closes its viewer."""
    before = set(QApplication.topLevelWidgets())
    yield
    gc.collect()
    QApplication.processEvents()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    left = [widget for widget in QApplication.topLevelWidgets() if widget not in before]
    ours = [widget for widget in left if not type(widget).__module__.startswith("napari.")]
    if ours:
        pytest.fail(f"Widgets are left behind: {ours}")


@pytest.fixture
def preferred() -> Preferences:
    """The defaults, but that nothing is saved by itself."""
    return Preferences(autosave=False)


@pytest.fixture(autouse=True)
def not_the_users_preferences(preferred, monkeypatch) -> None:
    """What is preferred, instead."""
    monkeypatch.setattr(desk, "preferences", lambda: preferred)
    monkeypatch.setattr(panel_module, "preferences", lambda: preferred)


@pytest.fixture(autouse=True)
def reader(monkeypatch) -> Reader:
    """Whoever is asked, and has seen an outline as soon as it is there."""
    monkeypatch.setattr(reviewing, "SEEN_S", 0.0)
    reader = Reader()
    monkeypatch.setattr(panel_module, "ask_to_discard", reader)
    monkeypatch.setattr(panel_module, "ask_to_resume", reader)
    return reader


@pytest.fixture
def fake_methods(monkeypatch) -> None:
    entries = {
        methods.REGISTRATIONS: [Entry("deformable", FakeRegistration)],
        methods.SEGMENTERS: [Entry("region", FakeSegmenter)],
    }
    FakeSegmenter.asked.clear()
    monkeypatch.setattr(methods, "entry_points", lambda group: entries[group])


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Shut: what runs waits, where it aligns or outlines the next time."""
    GATE.reached.clear()
    GATE.open.clear()
    yield GATE
    GATE.open.set()


@pytest.fixture
def viewer(request, monkeypatch):
    """What napari gives to a plugin: its public API, and layers may be changed from the GUI thread only.

    It has a window where a test asks for ``window``, which is shown where a test asks for ``hands``. All
    others do with the model: napari draws nothing for them, which is most of a window's time.
    """
    monkeypatch.setenv("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "1")
    if "window" not in request.fixturenames:
        return PublicOnlyProxy(ViewerModel())
    viewer = request.getfixturevalue("make_napari_viewer_proxy")(show="hands" in request.fixturenames)
    viewer.window.resize(1300, 800)
    return viewer


@pytest.fixture
def window(viewer):
    """napari's own, around the viewer."""
    return viewer.window


@pytest.fixture
def panel(viewer, fake_methods, request) -> Iterator[TrackingPanel]:
    """The panel before any study, as napari docks it where there is a window."""
    if "window" in request.fixturenames:
        _, panel = viewer.window.add_plugin_dock_widget("napari-longiseg", "Lesion tracking")
    else:
        panel = TrackingPanel(viewer)
    yield panel
    with suppress(RuntimeError):  # the test has closed the window with all that is in it
        panel.close_desk()
        panel.deleteLater()


@pytest.fixture
def load(viewer) -> Callable[..., None]:
    """Put a study into the viewer as the reader does."""

    def load(study) -> None:
        for data, options, kind in study_layers(study):
            viewer.add_layer(Layer.create(data, options, kind))

    return load


@pytest.fixture
def opened(panel, load, study, quiet) -> TrackingPanel:
    """The panel with the phantom study, without its lesions; its scans are linked."""
    load(study.with_lesions(()))
    quiet(panel)
    return panel


@pytest.fixture
def with_lesions(panel, load, study, quiet) -> TrackingPanel:
    """The panel with the phantom study and its two lesions; its scans are linked."""
    load(study)
    quiet(panel)
    return panel


@pytest.fixture
def hands(panel, window, qtbot) -> Hands:
    """The reader's, over a window that is shown."""
    return Hands(panel, qtbot)


@pytest.fixture
def asked() -> list[VoiRequest]:
    """What the segmenter was asked to outline."""
    return FakeSegmenter.asked


@pytest.fixture
def idle(qtbot) -> Callable[[TrackingPanel], None]:
    """Wait until the panel has nothing to do that a reader waits for."""

    def done(panel: TrackingPanel) -> bool:
        return not panel.runner.busy and not panel.desk.bridge.showing

    return lambda panel: qtbot.waitUntil(lambda: done(panel), timeout=15000)


@pytest.fixture
def quiet(qtbot) -> Callable[[TrackingPanel], None]:
    """Wait until the panel has opened its study, and nothing runs in the background, either."""

    def done(panel: TrackingPanel) -> bool:
        known = panel.session.study is not None and not panel.desk.bridge.placing.links.empty
        return known and not panel.runner._agenda.jobs and not panel.desk.bridge.showing

    return lambda panel: qtbot.waitUntil(lambda: done(panel), timeout=15000)
