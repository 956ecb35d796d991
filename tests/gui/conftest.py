"""The panel in a real napari window, with methods that are quick and under the test's control."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from napari.layers import Layer

from napari_longiseg._napari.layers import study_layers
from napari_longiseg._qt.panel import TrackingPanel
from napari_longiseg.core import methods
from napari_longiseg.core.errors import RegistrationError, SegmentationError
from napari_longiseg.registration.base import MapReport
from napari_longiseg.registration.identity import IdentityMap
from napari_longiseg.segmentation.base import SegmenterInfo, VoiRequest, VoiResult


class Gate:
    """Stops the fake registration in its thread until the test lets it go on."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        self.open.set()


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
        GATE.reached.set()
        progress(f"Aligning {source.id} to {target.id}", 0.5)
        GATE.open.wait(10)
        progress(f"Aligned {source.id} to {target.id}", 1.0)
        if self.trouble == "refusal":
            msg = f"{source.id} and {target.id} do not show the same patient."
            raise RegistrationError(msg)
        return ReportingMap("The scans hardly fit." if self.trouble == "doubt" else "")


@dataclass(frozen=True)
class FakeSegmenter:
    """A threshold, or trouble."""

    trouble: Literal["none", "ours", "runtime"] = "none"
    info: SegmenterInfo = field(
        default=SegmenterInfo("region", ("click",), (40.0, 40.0, 40.0)), init=False, repr=False
    )

    def segment(self, requests: Sequence[VoiRequest]) -> Iterator[VoiResult]:
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


@pytest.fixture
def fake_methods(monkeypatch) -> None:
    entries = {
        methods.REGISTRATIONS: [Entry("deformable", FakeRegistration)],
        methods.SEGMENTERS: [Entry("region", FakeSegmenter)],
    }
    monkeypatch.setattr(methods, "entry_points", lambda group: entries[group])


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Shut: a run waits in its first alignment."""
    GATE.reached.clear()
    GATE.open.clear()
    yield GATE
    GATE.open.set()


@pytest.fixture
def viewer(make_napari_viewer_proxy, monkeypatch):
    """A napari window that is not shown; attributes of layers may be set from the GUI thread only."""
    monkeypatch.setenv("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "1")
    return make_napari_viewer_proxy()


@pytest.fixture
def panel(viewer, fake_methods) -> Iterator[TrackingPanel]:
    """The panel as napari docks it, before any study."""
    _, panel = viewer.window.add_plugin_dock_widget("napari-longiseg", "Lesion tracking")
    yield panel
    panel.close_desk()


@pytest.fixture
def load(viewer) -> Callable[..., None]:
    """Put a study into the viewer as the reader does."""

    def load(study) -> None:
        for data, options, kind in study_layers(study):
            viewer.add_layer(Layer.create(data, options, kind))

    return load


@pytest.fixture
def opened(panel, load, study, qtbot) -> TrackingPanel:
    """The panel with the phantom study, without its lesions."""
    load(study.with_lesions(()))
    qtbot.waitUntil(lambda: panel.session.study is not None)
    return panel


@pytest.fixture
def with_lesions(panel, load, study, qtbot) -> TrackingPanel:
    """The panel with the phantom study and its two lesions."""
    load(study)
    qtbot.waitUntil(lambda: panel.session.study is not None)
    return panel


@pytest.fixture
def idle(qtbot) -> Callable[[TrackingPanel], None]:
    """Wait until the panel has nothing to do."""
    return lambda panel: qtbot.waitUntil(lambda: not panel.runner.busy, timeout=15000)
