from __future__ import annotations

import pytest
from napari.qt.threading import create_worker  # noqa: F401 - imported before the clock runs
from qtpy.QtCore import Qt

from napari_longiseg.core.lesion import Click

NEAR = (0.0, 0.0, 0.0)
BESIDE = (0.0, 20.0, 20.0)


def cell_text(panel, row: int, column: int) -> str:
    return panel.model.data(panel.model.index(row, column), Qt.ItemDataRole.DisplayRole)


@pytest.fixture
def straight(opened):
    """The panel that outlines all scans at the first click."""
    opened.click_bar.straight.setChecked(True)
    return opened


def test_a_click_on_the_second_scan_fills_first_and_third(straight, idle):
    panel = straight
    panel.desk.router.clicked.emit("T1", NEAR, True)
    assert panel.session.lesions[0].clicks == (Click("T1", NEAR),)
    assert panel.runner.busy
    idle(panel)
    for cell in panel.desk.bridge.cells:
        assert (cell.labels.data == 1).sum() > 100
    assert " ml" in cell_text(panel, 0, 1)
    assert "mm" in cell_text(panel, 0, 3)
    assert panel.progress.line.text().startswith("Lesion 1: outlined on 3 of 3 scans.")
    assert panel.table.selectionModel().selectedRows()[0].row() == 0


def test_a_click_that_hits_nothing_is_taken_back(opened, idle):
    panel = opened
    panel.desk.router.clicked.emit("T1", BESIDE, True)
    idle(panel)
    assert "Nothing was marked" in panel.progress.line.text()
    assert panel.session.lesions == ()
    assert panel.session.history.undo_label == ""
    panel.desk.router.clicked.emit("T1", NEAR, True)
    idle(panel)
    assert len(panel.session.findings) == 1


def test_a_correction_that_hits_nothing_leaves_the_finding(opened, idle):
    panel = opened
    panel.desk.router.clicked.emit("T1", NEAR, True)
    idle(panel)
    before = panel.session.proposal(1, "T0")
    panel.desk.router.clicked.emit("T0", (0.0, 24.0, 24.0), True)
    idle(panel)
    assert "Nothing was marked" in panel.progress.line.text()
    assert panel.session.proposal(1, "T0") is before
    assert len(panel.session.lesion(1).clicks) == 1


def test_a_click_on_an_outline_selects_its_lesion(straight, idle):
    panel = straight
    panel.desk.router.clicked.emit("T1", NEAR, True)
    idle(panel)
    panel.session.select(None)
    panel.desk.router.clicked.emit("T2", (0.0, 2.0, 1.0), True)
    assert panel.session.selected == 1
    assert not panel.runner.busy
    assert len(panel.session.lesion(1).clicks) == 1
    assert panel.progress.line.text() == "That is lesion 1, selected now."


def test_a_click_on_the_click_of_an_untracked_lesion_tracks_it(with_lesions, idle):
    with_lesions.desk.router.clicked.emit("T0", (1.0, 1.0, 1.0), True)
    assert with_lesions.session.selected == 1
    assert len(with_lesions.session.lesions) == 2
    idle(with_lesions)
    assert {finding.lesion for finding in with_lesions.session.findings} == {1}


def test_a_second_click_waits_for_the_running_job(straight, gate, idle):
    panel = straight
    panel.desk.router.clicked.emit("T0", NEAR, True)
    assert gate.reached.wait(5)
    panel.session.add_lesion()
    panel.desk.router.clicked.emit("T0", (10.0, 20.0, -20.0), True)
    assert {lesion for lesion, _ in panel.runner.waiting} == {1, 2}
    gate.open.set()
    idle(panel)
    assert len(panel.session.findings) == 6


def test_the_switch_makes_clicks_negative(opened, gate, idle):
    opened.desk.router.clicked.emit("T0", NEAR, True)
    assert opened.progress.line.text() == "Click for lesion 1 on T0."
    opened.click_bar.negative.setChecked(True)
    opened.desk.router.clicked.emit("T0", (0.0, 9.0, 0.0), True)
    assert [click.positive for click in opened.session.lesion(1).clicks] == [True, False]
    gate.open.set()
    idle(opened)
    assert not opened.session.finding(1, "T0").mask.on((24, 64, 64))[12, 39, 32]


def test_a_lesion_cannot_start_with_a_negative_click(opened):
    opened.desk.router.clicked.emit("T0", NEAR, False)
    assert opened.session.lesions == ()
    assert "starts with a positive click" in opened.progress.line.text()


def test_a_click_outside(opened):
    opened.desk.router.missed.emit("That click lies outside scan T1.")
    assert opened.progress.line.text() == "That click lies outside scan T1."


def test_a_lesion_tracked_later_settles_with_those_before(opened, idle):
    session = opened.session
    for scan in ("T0", "T1"):
        lesion = session.add_lesion()
        session.add_click(lesion.id, Click(scan, NEAR))
        opened.desk.prompting.track([lesion.id])
        idle(opened)
    assert session.finding(1, "T0").mask is not None
    assert session.finding(1, "T1").merged_into == 2
    assert session.finding(2, "T1").mask is not None
