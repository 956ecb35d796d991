"""The panel in napari's dock: closed, opened again, twice, and gone with its window."""

from __future__ import annotations

from napari.qt.threading import create_worker  # noqa: F401 - imported before the clock runs
from qtpy.QtCore import Qt

from napari_longiseg._qt.panel import TrackingPanel

NEAR = (0.0, 0.0, 0.0)


def test_a_panel_opened_again_goes_on_where_the_first_one_was_closed(opened, viewer, idle):
    opened.click_bar.straight.setChecked(True)
    opened.desk.router.clicked.emit("T1", NEAR, True)
    idle(opened)
    viewer.window.remove_dock_widget(opened.parent())
    assert not opened.desk.router.enabled
    _, again = viewer.window.add_plugin_dock_widget("napari-longiseg", "Lesion tracking")
    assert again.session is opened.session
    idle(again)
    assert len(viewer.layers) == 12
    assert " ml" in again.model.index(0, 3).data()
    for cell in again.desk.bridge.cells:
        assert (cell.labels.data == 1).sum() > 100
    again.desk.router.clicked.emit("T2", (1.0, 1.0, 1.0), True)
    assert len(again.session.lesion(1).clicks) == 2
    idle(again)
    again.close_desk()


def test_a_panel_closed_while_a_study_comes_up_leaves_it_whole(panel, viewer, study, idle):
    panel.session.open(study.with_lesions(()))
    panel.session.add_lesion("node")
    assert panel.desk.bridge.showing
    viewer.window.remove_dock_widget(panel.parent())
    assert len(viewer.layers) == 12
    _, again = viewer.window.add_plugin_dock_widget("napari-longiseg", "Lesion tracking")
    idle(again)
    assert again.session is panel.session
    assert [lesion.name for lesion in again.session.lesions] == ["node"]
    assert len(again.desk.bridge.cells) == 3
    again.close_desk()


def test_closing_during_a_run(viewer, with_lesions, gate, qtbot):
    with_lesions.lesion_bar.track_all.click()
    assert gate.reached.wait(5)
    viewer.window.remove_dock_widget("all")
    with_lesions.close_desk()
    gate.open.set()
    qtbot.wait(300)
    assert with_lesions.session.findings == ()
    assert viewer.mouse_drag_callbacks == viewer.mouse_drag_callbacks[:1]


def test_a_second_panel_takes_over(opened, hands, viewer, idle):
    opened.session.add_lesion("node")
    second = TrackingPanel(viewer)
    viewer.window.add_dock_widget(second, name="again")
    idle(second)
    assert not opened.isEnabled()
    assert "Another panel goes on" in opened.progress.line.text()
    assert second.session is opened.session
    assert len(viewer.layers) == 12
    hands.panel = second
    hands.click("T0", NEAR)
    assert len(second.session.lesion(1).clicks) == 1, "one panel alone hears it"
    idle(second)
    assert second.session.finding(1, "T0").mask is not None
    assert opened.model.rowCount() == 1
    hands.press(Qt.Key.Key_N)
    assert len(second.session.lesions) == 2, "one panel alone has the key"
    second.close_desk()


def test_the_viewer_closed_during_a_run(viewer, with_lesions, gate, qtbot):
    with_lesions.lesion_bar.track_all.click()
    assert gate.reached.wait(5)
    viewer.close()
    gate.open.set()
    qtbot.wait(200)
    assert with_lesions.session.findings == ()
    assert not with_lesions.desk.router.enabled
