"""The panel over a viewer, with methods that are quick and under the test's control."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication, QWidget

from napari.layers import Layer
from napari_longiseg._napari import desk, reviewing
from napari_longiseg._napari.layers.scans import study_layers
from napari_longiseg._napari.preferences import Preferences
from napari_longiseg._qt import panel as panel_module
from napari_longiseg._qt.panel import TrackingPanel
from napari_longiseg.core import methods
from napari_longiseg.core.errors import RegistrationError, SegmentationError
from napari_longiseg.registration.base import MapReport
from napari_longiseg.registration.identity import IdentityMap
from napari_longiseg.segmentation.base import SegmenterInfo, VoiRequest, VoiResult


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
        default=SegmenterInfo("longinet", ("click",), (40.0, 40.0, 40.0)), init=False, repr=False
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
        methods.SEGMENTERS: [Entry("longinet", FakeSegmenter)],
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
def viewer(monkeypatch):
    """What napari gives to a plugin: its public API; layers may be changed from the GUI thread only.

    Without a window, which would take most of the time; the tests in ``window`` have one.
    """
    monkeypatch.setenv("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "1")
    return PublicOnlyProxy(ViewerModel())


@pytest.fixture
def panel(viewer, fake_methods) -> Iterator[TrackingPanel]:
    """The panel, before any study."""
    panel = TrackingPanel(viewer)
    yield panel
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
