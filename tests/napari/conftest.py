"""A session shown in a viewer model: layers without a window."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_longiseg._napari import desk as desk_module
from napari_longiseg._napari.desk import Desk
from napari_longiseg._napari.preferences import Preferences
from napari_longiseg._napari.view.bridge import LayerBridge
from napari_longiseg.core.geometry import Box, as_shape
from napari_longiseg.core.lesion import Finding, LesionMask, Origin, Presence
from napari_longiseg.core.scan import Study
from napari_longiseg.session import Session
from napari_longiseg.tracking.findings import with_mask
from napari_longiseg.tracking.setup import MethodChoice, TrackSettings


@pytest.fixture
def viewer() -> ViewerModel:
    """With a canvas so wide that scans stand in one row."""
    viewer = ViewerModel()
    viewer.canvas.size = (400, 1600)
    return viewer


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def deferred() -> list[Callable[[], None]]:
    """Calls that the bridge has put off until napari is done."""
    return []


@pytest.fixture
def bridge(viewer, session, deferred) -> Iterator[LayerBridge]:
    bridge = LayerBridge(viewer, session, deferred.append)
    yield bridge
    bridge.close()


@pytest.fixture
def shown(bridge, session, study) -> LayerBridge:
    """The phantom study, shown."""
    session.open(study)
    return bridge


@pytest.fixture
def desk(qtbot, viewer, aligned, monkeypatch) -> Iterator[Desk]:
    """A desk without a study, whose methods are quick; nothing is saved by itself."""
    monkeypatch.setattr(desk_module, "preferences", lambda: Preferences(autosave=False))
    desk = Desk(viewer, lambda: TrackSettings(MethodChoice("kept"), MethodChoice("threshold")))
    yield desk
    desk.close()


@pytest.fixture
def at_work(desk, study, idle) -> Desk:
    """The desk with the phantom study, without its lesions."""
    desk.session.open(study.with_lesions(()))
    idle()
    return desk


@pytest.fixture
def idle(desk, qtbot) -> Callable[[], None]:
    """Wait until the study is shown, and there is nothing to do, not in the background either."""

    def done() -> bool:
        study = desk.session.study
        shown = study is None or len(desk.bridge.cells) == len(study.scans)
        return shown and not desk.bridge.showing and not desk.runner._agenda.jobs

    def idle() -> None:
        qtbot.wait(5)  # what was put off is begun
        qtbot.waitUntil(done, timeout=20_000)

    return idle


@pytest.fixture
def make_finding() -> Callable[..., Finding]:
    """A present finding: a box of voxels around a point."""

    def make(study: Study, lesion: int, scan_id: str, point, half: int = 3, source: str = "T0") -> Finding:
        scan = study.scan(scan_id)
        start = np.subtract(scan.grid.nearest_voxel(point), half)
        box = Box(as_shape(start), as_shape(start + 2 * half + 1)).clipped(scan.grid.shape)
        origin = Origin.SOURCE if scan_id == source else Origin.PROPAGATED
        draft = Finding(lesion, scan_id, Presence.PRESENT, origin, source)
        return with_mask(draft, LesionMask(box, np.ones(box.shape, dtype=bool)), scan)

    return make
