"""The registration check in the panel: from the button to pixels, and away again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from napari.qt.threading import create_worker  # noqa: F401 - imported before the clock runs
from qtpy.QtCore import Qt

from napari_longiseg._napari.check.layers import View
from napari_longiseg._qt.progress_box import ERROR_STYLE
from napari_longiseg._qt.registration_box import RegistrationBox
from napari_longiseg._qt.texts import view_hint
from napari_longiseg.registration.base import MapReport
from napari_longiseg.registration.check import check_registration
from napari_longiseg.registration.identity import IdentityMap


def set_trouble(panel, trouble: str) -> None:
    panel.options.registration._form["trouble"].value = trouble


class TestBox:
    """The widget alone."""

    @pytest.fixture
    def box(self, qtbot) -> RegistrationBox:
        box = RegistrationBox()
        qtbot.addWidget(box)
        return box

    @pytest.fixture
    def check(self, study):
        return check_registration(IdentityMap(), *study.scans[:2])

    def test_without_a_study_there_is_nothing_to_check(self, box):
        assert not box.check_button.isEnabled()
        assert box._shown.isHidden()

    def test_a_scan_and_the_next_one_are_offered(self, box, study, qtbot):
        box.show_study(study)
        for scan, offered in ((None, ["T0", "T1"]), ("T1", ["T1", "T2"]), ("T2", ["T2", "T1"])):
            box.propose(scan)
            with qtbot.waitSignal(box.check_requested) as request:
                qtbot.mouseClick(box.check_button, Qt.MouseButton.LeftButton)
            assert request.args == offered

    def test_a_scan_does_not_lie_on_itself_nor_while_something_runs(self, box, study):
        box.show_study(study)
        box.target.setCurrentText("T0")
        assert not box.check_button.isEnabled()
        box.target.setCurrentText("T2")
        assert box.check_button.isEnabled()
        box.set_busy(True)
        assert not box.check_button.isEnabled()
        box.show_study(replace(study, scans=study.scans[:1]))
        box.set_busy(False)
        assert not box.check_button.isEnabled()

    @pytest.mark.parametrize("view", View)
    def test_one_view_is_chosen_at_a_time(self, box, check, view, qtbot):
        box.show_check(check, View.OVERLAY)
        with qtbot.waitSignal(box.view_chosen) as chosen:
            box.views[view].click()
        assert chosen.args == [view]
        box.show_check(check, view)
        assert [v for v, button in box.views.items() if button.isChecked()] == [view]
        assert box.square.isHidden() is (view is not View.CHECKERBOARD)
        assert box.hint.text() == view_hint(check, view)

    def test_squares(self, box, qtbot):
        with qtbot.waitSignal(box.square_chosen) as chosen:
            box.square.setValue(45)
        assert chosen.args == [45]

    def test_what_the_map_says_and_what_to_doubt(self, box, check):
        box.show_check(check, View.UNCERTAINTY)
        assert box.summary.text() == f"T0 on T1: {check.report.summary}"
        assert box.hint.text() == "This registration cannot tell how far off it is."
        assert box.doubt.isHidden()
        doubted = replace(check, report=MapReport("", "The scans hardly fit."))
        box.show_check(doubted, View.OVERLAY)
        assert box.doubt.text() == "The scans hardly fit."
        assert box.doubt.styleSheet() == ERROR_STYLE
        box.show_check(None, View.OFF)
        assert box._shown.isHidden()


def test_from_the_button_to_the_layers_and_off(with_lesions, viewer, qtbot, idle):
    box, before = with_lesions.registration, list(viewer.layers)
    with_lesions.session.select(1)
    set_trouble(with_lesions, "doubt")
    qtbot.mouseClick(box.check_button, Qt.MouseButton.LeftButton)
    idle(with_lesions)
    assert with_lesions.desk.check_view.view is View.OVERLAY
    assert len(viewer.layers) == 15
    assert box.views[View.OVERLAY].isChecked()
    assert box.summary.text().startswith("T0 on T1 by deformable: Local correlation 0.41 in the mean. Tissue")
    assert box.doubt.text() == "The scans hardly fit."
    box.views[View.CHECKERBOARD].click()
    board = with_lesions.desk.bridge.cells[1].extra
    squares = board.data
    box.square.setValue(15)
    assert (np.isnan(board.data) != np.isnan(squares)).any()
    viewer.layers.remove(board)
    qtbot.waitUntil(lambda: box.views[View.OFF].isChecked())
    assert list(viewer.layers) == before


def test_cancel_and_refusal_show_nothing(with_lesions, viewer, gate, qtbot, idle):
    panel = with_lesions
    panel.registration.check_button.click()
    assert gate.reached.wait(5)
    panel.desk.check("T0", "T1")
    assert "before you check a pair" in panel.progress.line.text()
    qtbot.mouseClick(panel.progress.cancel_button, Qt.MouseButton.LeftButton)
    assert not panel.runner.busy
    gate.open.set()
    qtbot.wait(200)
    set_trouble(panel, "refusal")
    panel.registration.check_button.click()
    idle(panel)
    assert panel.progress.line.text() == "T0 and T1 do not show the same patient."
    assert panel.desk.check_view.check is None
    assert len(viewer.layers) == 12


def test_a_doubt_is_told_after_tracking_too(with_lesions, idle):
    set_trouble(with_lesions, "doubt")
    with_lesions.lesion_bar.track_all.click()
    idle(with_lesions)
    line = with_lesions.progress.line
    assert line.text() == (
        "Tracked 2 lesions: outlined 5 times of 6. "
        "The alignment of T0 to T1 is doubtful: The scans hardly fit. So is 1 other pair."
    )
    assert line.styleSheet() == ERROR_STYLE


def test_another_study_ends_what_runs_and_what_is_shown(with_lesions, viewer, study, gate, idle, qtbot):
    panel, box = with_lesions, with_lesions.registration
    gate.open.set()
    box.check_button.click()
    idle(panel)
    gate.reached.clear()
    gate.open.clear()
    box.target.setCurrentText("T2")
    box.check_button.click()
    assert gate.reached.wait(5)
    panel.session.open(type(study)("P02", study.scans[:2], study.lesions))
    assert not panel.runner.busy
    gate.open.set()
    qtbot.wait(200)
    assert panel.desk.check_view.check is None
    assert box._shown.isHidden()
    assert [box.source.itemText(i) for i in range(box.source.count())] == ["T0", "T1"]
    idle(panel)
    assert len(viewer.layers) == 8
