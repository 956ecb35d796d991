"""Verified tracking from the first click to the last word, by clicks, keys, buttons and menu."""

from __future__ import annotations

import numpy as np
import pytest
from napari.qt.threading import create_worker  # noqa: F401 - imported before the clock runs
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QInputDialog

from napari_longiseg._qt import panel as panel_module
from napari_longiseg.core.lesion import Origin, Presence, Review

NEAR, FAR = (0.0, 0.0, 0.0), (10.0, 20.0, -20.0)
SCANS = ("T0", "T1", "T2")


@pytest.fixture
def proposed(opened, idle):
    """A lesion clicked on T0: outlined there, proposed on T1 and T2."""
    opened.desk.router.clicked.emit("T0", NEAR, True)
    idle(opened)
    return opened


@pytest.fixture
def outlined(opened, idle):
    """Two lesions outlined on all scans where they are, nothing reviewed; the first one is under review."""
    opened.click_bar.straight.setChecked(True)
    for point in (NEAR, FAR):
        opened.session.select(None)
        opened.desk.router.clicked.emit("T0", point, True)
        idle(opened)
    opened.desk.reviewing.go(1, "T1")
    return opened


# ---- verified tracking


def test_the_first_click_outlines_its_scan_and_proposes_the_others(proposed, asked, qtbot):
    session = proposed.session
    assert session.finding(1, "T0").mask is not None
    assert [(p.scan, p.uncertainty_mm, p.verified) for p in session.proposals] == [
        ("T1", 4.0, False),
        ("T2", 4.0, False),
    ]
    assert len(asked) == 1, "nothing is outlined that nobody has accepted"
    hollow = proposed.desk.bridge.cells[1].clicks
    qtbot.waitUntil(lambda: len(hollow.data) > 1)  # drawn one scan per turn
    assert (hollow.face_color[:, 3] == 0).all()
    assert proposed.review_bar.state.text().startswith("Lesion 1 on T0: not reviewed yet")


def test_one_key_accepts_outlines_and_points(proposed, press, idle):
    """Y accepts the outline on T0, then each point, then what was outlined there."""
    session = proposed.session
    for _ in range(3):
        press("Y")
        idle(proposed)
    assert all(session.finding(1, scan).mask is not None for scan in SCANS)
    assert [session.finding(1, scan).review for scan in SCANS] == [
        Review.ACCEPTED,
        Review.PROPOSED,
        Review.PROPOSED,
    ]
    for _ in range(2):
        press("Y")
    assert [session.finding(1, scan).review for scan in SCANS] == 3 * [Review.ACCEPTED]
    press("Y")
    assert proposed.progress.line.text() == "All that was found is reviewed."


def test_a_proposal_moved_to_where_nothing_is_stays_where_it_was(proposed, idle):
    before = proposed.session.proposal(1, "T1")
    proposed.desk.router.moved.emit("T1", 1, (0.0, 22.0, 22.0))
    idle(proposed)
    assert "Nothing was marked" in proposed.progress.line.text()
    assert proposed.session.proposal(1, "T1") is before
    assert proposed.session.lesion(1).point_on("T1") is None


def test_straight_away_all_scans_are_outlined_at_the_click(opened, idle):
    opened.click_bar.straight.click()
    opened.desk.router.clicked.emit("T1", NEAR, True)
    idle(opened)
    assert all(opened.session.finding(1, scan).mask is not None for scan in SCANS)
    assert opened.session.proposals == ()


def test_straight_away_shows_where_it_looks_first(opened, gate, idle):
    known: list[str] = []
    session = opened.session

    def note(*key) -> None:
        known.append(type(session.state.known(key)).__name__)

    session.findings_changed.connect(note)
    opened.click_bar.straight.setChecked(True)
    opened.desk.router.clicked.emit("T1", NEAR, True)
    gate.open.set()
    idle(opened)
    session.findings_changed.disconnect(note)
    assert known == ["Finding", "Proposal", "Proposal", "Finding", "Finding"]


def test_a_second_click_and_a_negative_one_concern_their_scan_alone(proposed, idle, asked):
    before = proposed.session.proposals
    proposed.desk.router.clicked.emit("T0", (0.0, 3.0, 0.0), True)
    idle(proposed)
    proposed.desk.router.clicked.emit("T0", (0.0, -4.0, 0.0), False)
    idle(proposed)
    assert [click.positive for click in proposed.session.lesion(1).clicks] == [True, True, False]
    assert {click.scan for click in proposed.session.lesion(1).clicks} == {"T0"}
    assert len(asked) == 3
    assert proposed.session.proposals == before


def test_q_makes_clicks_negative(proposed, press):
    press("Q")
    assert proposed.click_bar.negative.isChecked()
    press("Q")
    assert not proposed.click_bar.negative.isChecked()


def test_a_box_starts_a_lesion_and_its_outline_stays_inside(opened, idle):
    opened.desk.router.box_drawn.emit("T1", (-4.3, -4.2, -4.1), (4.1, 4.2, 4.3))
    idle(opened)
    session = opened.session
    box = session.lesion(1).box_on("T1")
    mask = session.finding(1, "T1").mask
    grid = session.scan("T1").grid
    voxels = grid.to_mm(np.argwhere(mask.on(grid.shape)))
    assert (voxels > np.subtract(box.low_mm, grid.spacing_mm)).all(), "the voxels at the rim belong to it"
    assert (voxels < np.add(box.high_mm, grid.spacing_mm)).all()
    assert {proposal.scan for proposal in session.proposals} == {"T0", "T2"}


# ---- the review bar and the menus


def test_accept_goes_on_to_the_next_and_the_count_falls(outlined, qtbot):
    assert outlined.model.unreviewed == 6
    qtbot.mouseClick(outlined.review_bar.accept, Qt.MouseButton.LeftButton)
    assert outlined.session.finding(1, "T1").review is Review.ACCEPTED
    assert outlined.desk.reviewing.current == (1, "T2")
    assert outlined.model.unreviewed == 5
    qtbot.mouseClick(outlined.review_bar.next, Qt.MouseButton.LeftButton)
    assert outlined.desk.reviewing.current == (2, "T0")


@pytest.mark.parametrize(
    ("button", "presence"),
    [("resolved", Presence.RESOLVED), ("not_evaluable", Presence.NOT_EVALUABLE)],
)
def test_what_a_reader_says_replaces_the_outline(outlined, qtbot, button, presence):
    qtbot.mouseClick(getattr(outlined.review_bar, button), Qt.MouseButton.LeftButton)
    finding = outlined.session.finding(1, "T1")
    assert (finding.presence, finding.review, finding.mask) == (presence, Review.ACCEPTED, None)
    assert not (outlined.desk.bridge.cells[1].labels.data == 1).any()
    outlined.desk.reviewing.undo()
    assert (outlined.desk.bridge.cells[1].labels.data == 1).any()


def test_a_lesion_cannot_be_gone_where_it_starts(outlined, qtbot):
    outlined.desk.reviewing.go(1, "T0")
    qtbot.mouseClick(outlined.review_bar.resolved, Qt.MouseButton.LeftButton)
    assert "cannot be gone there" in outlined.progress.line.text()
    assert outlined.session.finding(1, "T0").mask is not None


def test_reset_forgets_corrections_and_finds_it_again(outlined, qtbot, idle):
    panel = outlined
    panel.desk.router.clicked.emit("T1", (0.0, 3.0, 0.0), True)
    idle(panel)
    assert len(panel.session.lesion(1).clicks) == 2
    qtbot.mouseClick(panel.review_bar.reset, Qt.MouseButton.LeftButton)
    idle(panel)
    assert [click.scan for click in panel.session.lesion(1).clicks] == ["T0"]
    assert panel.session.state.known((1, "T1")) is not None


def test_new_here_was_not_there_before(opened, qtbot, idle):
    opened.click_bar.straight.setChecked(True)
    opened.desk.router.clicked.emit("T1", NEAR, True)
    idle(opened)
    qtbot.mouseClick(opened.review_bar.new, Qt.MouseButton.LeftButton)
    assert opened.session.finding(1, "T1").origin is Origin.NEW
    assert opened.session.finding(1, "T0").presence is Presence.NOT_FOUND
    assert not opened.desk.bridge.cells[0].labels.data.any()


def test_merge_asks_with_which_and_shows_one_outline(outlined, qtbot, monkeypatch):
    offered = []

    def choose(parent, title, text, names, *_):
        offered.extend(names)
        return names[0], True

    asked = []
    monkeypatch.setattr(QInputDialog, "getItem", choose)
    monkeypatch.setattr(panel_module, "ask_to_merge", lambda _, what: not asked.append(what))
    qtbot.mouseClick(outlined.review_bar.merge, Qt.MouseButton.LeftButton)
    assert offered == ["Lesion 2"]
    assert "do not touch on T1" in asked[0]
    assert outlined.session.finding(1, "T1").merged_into == 2
    assert outlined.desk.reviewing.current == (2, "T1")
    assert not (outlined.desk.bridge.cells[1].labels.data == 1).any()


def test_split_takes_the_next_click(outlined, qtbot):
    session = outlined.session
    qtbot.mouseClick(outlined.review_bar.split, Qt.MouseButton.LeftButton)
    assert "Click the part of lesion 1 on T1" in outlined.progress.line.text()
    whole = session.finding(1, "T1").measurements.volume_ml
    outlined.desk.router.clicked.emit("T1", (0.0, 5.0, 0.0), True)
    assert len(session.lesions) == 3
    parts = [session.finding(i, "T1").measurements.volume_ml for i in (1, 3)]
    assert sum(parts) == pytest.approx(whole)
    assert session.finding(3, "T1").split_from == 1
    assert outlined.desk.prompting.splitting is None


def test_the_menu_of_a_cell_does_it_there(outlined):
    table = outlined.table
    for entry, presence in (
        ("Mark as not evaluable", Presence.NOT_EVALUABLE),
        ("Mark as resolved", Presence.RESOLVED),
    ):
        menu = table.menu_at(table.index_of(2, "T1"))
        next(action for action in menu.actions() if action.text() == entry).trigger()
        assert outlined.session.finding(2, "T1").presence is presence
    assert outlined.session.selected == 2


def test_the_menu_of_a_name_removes_the_lesion(outlined):
    menu = outlined.table.menu_at(outlined.table.index_of(2))
    next(action for action in menu.actions() if action.text() == "Remove").trigger()
    assert [lesion.id for lesion in outlined.session.lesions] == [1]
    assert outlined.model.rowCount() == 1


def test_keys_go_from_lesion_to_lesion(outlined, press):
    for key, lesion in (("J", 2), ("J", 1), ("K", 2)):
        press(key)
        assert outlined.session.selected == lesion
    press("N")
    assert outlined.session.selected == 3
    press("Shift-Y")
    assert outlined.desk.reviewing.current == (1, "T0")
