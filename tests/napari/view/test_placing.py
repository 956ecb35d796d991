"""What is displayed elsewhere or anew takes its turn: napari needs long for each scan."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from napari_longiseg._napari.view.bridge import LayerBridge
from napari_longiseg._napari.view.cell import Cell
from napari_longiseg._napari.view.drawing import STRONG_LINE_PIXELS
from napari_longiseg.core.lesion import Click
from napari_longiseg.core.proposal import Proposal

PLACES = {"T0": (0.0, 0.0, 0.0), "T1": (9.0, 4.0, -3.0), "T2": (-6.0, 2.0, 5.0)}


@pytest.fixture
def turns() -> list[Callable[[], None]]:
    """Calls that wait for their turn of the event loop."""
    return []


@pytest.fixture
def run(turns) -> Callable[[], None]:
    """Let all that waits have its turn."""

    def run() -> None:
        while turns:
            turns.pop(0)()

    return run


@pytest.fixture
def gradual(viewer, session, study, turns, run) -> Iterator[LayerBridge]:
    """The phantom study without its lesions, shown."""
    bridge = LayerBridge(viewer, session, turns.append, turns.append)
    session.open(study.with_lesions(()))
    run()
    yield bridge
    bridge.close()


@pytest.fixture
def known(gradual, session, run) -> LayerBridge:
    """A lesion is known on all scans, and not selected."""
    lesion = session.add_lesion()
    session.add_click(lesion.id, Click("T0", PLACES["T0"]))
    for scan in ("T1", "T2"):
        session.set_known(Proposal(lesion.id, scan, PLACES[scan], "T0"))
    session.select(None)
    run()
    return gradual


def moved(bridge: LayerBridge) -> list[str]:
    """Ids of the scans whose images are displayed where they are meant to be."""
    return [cell.scan.id for cell in bridge.cells if cell.is_placed]


def test_scans_move_one_after_the_other_and_the_slice_is_that_of_the_lesion(known, session, viewer, turns):
    viewer.dims.set_point(0, 12.0)
    session.select(1)
    assert moved(known) == ["T0"]
    counts = []
    while turns:
        turns.pop(0)()
        counts.append(len(moved(known)))
    assert set(np.diff([1, *counts])) == {0, 1}
    assert moved(known) == ["T0", "T1", "T2"]
    for cell in known.cells:
        np.testing.assert_allclose(cell.to_world(PLACES[cell.scan.id]), PLACES["T0"], atol=1e-9)
    assert viewer.dims.point[0] == pytest.approx(PLACES["T0"][0], abs=viewer.dims.range[0].step / 2)


def test_a_scan_moves_to_where_it_is_meant_to_be_last(known, session, run):
    session.select(1)
    session.select(None)
    session.select(1)
    run()
    assert moved(known) == ["T0", "T1", "T2"]


def test_napari_turns_to_slices_that_it_counts(known, session, viewer, run):
    session.select(1)
    run()
    start, _, step = viewer.dims.range[0]
    count = (viewer.dims.point[0] - start) / step
    assert count == pytest.approx(round(count))


def test_one_layer_of_a_scan_tells_of_all(known, run, viewer):
    cell, told, drawn = known.cells[0], [], []
    for layer in cell.layers:
        layer.events.translate.connect(lambda event: told.append(event.source))
        layer.events.set_data.connect(lambda event: drawn.append(event.source))
    known.placing.shift({"T0": (300.0, 0.0, 0.0)})
    run()
    assert told == [cell.image]
    assert set(drawn) == set(cell.layers)
    assert cell.is_placed
    assert viewer.dims.range[0].stop == pytest.approx(max(layer.extent.world[1][0] for layer in cell.layers))


def test_what_comes_at_once_is_drawn_once(known, session, run, monkeypatch):
    drawn: list[str] = []
    monkeypatch.setattr(Cell, "show_markers", lambda cell, _: drawn.append(cell.scan.id))
    other = session.add_lesion()
    session.add_click(other.id, Click("T0", PLACES["T0"]))
    for scan in ("T1", "T2"):
        session.set_known(Proposal(other.id, scan, PLACES[scan], "T0"))
    run()
    assert sorted(drawn) == ["T0", "T1", "T2"]


def test_all_markers_keep_their_size_on_the_screen_when_they_are_drawn_one_scan_per_turn(
    known, viewer, run, turns
):
    viewer.scene.camera.zoom = 8.0
    turns.pop(0)()
    viewer.scene.camera.zoom = 40.0  # while the others still wait
    run()
    widths = [cell.clicks.border_width * cell.scan.grid.spacing_mm[2] * 40.0 for cell in known.cells]
    np.testing.assert_allclose(np.concatenate(widths), STRONG_LINE_PIXELS)
