"""Opening: files that napari is given, layers that are there already, sessions."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialogButtonBox, QFileDialog, QMessageBox

from napari.layers import Image, Labels
from napari_longiseg._napari.layers.windows import WINDOWS
from napari_longiseg._qt import questions
from napari_longiseg._qt.layers_dialog import DATE, LAYER, NOTE, SCAN, SIZES, LayersDialog
from napari_longiseg._qt.study_bar import StudyBar

SHAPE = (4, 6, 8)


def image(name: str, units: str = "mm", **options) -> Image:
    data = (np.arange(np.prod(SHAPE)).reshape(SHAPE) - 1000).astype(np.int16)
    return Image(data, **{"name": name, "scale": (2.5, 0.7, 0.7), "units": (units,) * 3, **options})


@pytest.fixture
def show(qtbot):
    """A dialog over some layers, and what it has emitted."""

    def show(*layers) -> tuple[LayersDialog, list]:
        dialog, chosen = LayersDialog(layers), []
        qtbot.addWidget(dialog)
        dialog.study_chosen.connect(lambda study, used: chosen.append((study, used)))
        dialog.show()
        return dialog, chosen

    return show


def press_ok(dialog: LayersDialog) -> None:
    dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).click()


def can_go_on(dialog: LayersDialog) -> bool:
    return dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()


def texts(dialog: LayersDialog, column: int) -> list[str]:
    return [dialog.table.item(row, column).text() for row in range(dialog.table.rowCount())]


# ---- layers that are open


def test_open_layers_become_a_study_in_two_clicks(show):
    layers = image("CT 2024-01-10"), image("CT 2024-03-10")
    dialog, chosen = show(*layers, Labels(np.zeros(SHAPE, np.uint8)))
    assert texts(dialog, SCAN) == ["T0", "T1"]
    assert texts(dialog, SIZES[0]) == ["2.5", "2.5"]
    assert texts(dialog, NOTE) == ["", ""]
    assert not dialog.confirmed.isVisible()
    press_ok(dialog)
    ((study, used),) = chosen
    assert used == list(layers)
    assert [scan.date for scan in study.scans] == [dt.date(2024, 1, 10), dt.date(2024, 3, 10)]
    assert [scan.image is layer.data for scan, layer in zip(study.scans, layers, strict=True)] == [True, True]
    assert not dialog.isVisible()


def test_pixels_must_be_confirmed(show):
    dialog, chosen = show(image("a"), image("b", "pixel"))
    assert dialog.confirmed.isVisible()
    assert "The layer says pixel" in texts(dialog, NOTE)[1]
    assert not can_go_on(dialog)
    dialog.table.item(1, SIZES[0]).setText("5")
    dialog.confirmed.setChecked(True)
    press_ok(dialog)
    assert chosen[0][0].scans[1].grid.spacing_mm == (5.0, 0.7, 0.7)


def test_without_the_layer_in_question_nothing_is_asked(show):
    dialog, chosen = show(image("a"), image("b", "pixel"))
    dialog.table.item(1, LAYER).setCheckState(Qt.CheckState.Unchecked)
    assert not dialog.confirmed.isVisible()
    press_ok(dialog)
    assert [scan.id for scan in chosen[0][0].scans] == ["T0"]


def test_the_order_can_be_changed_and_ids_stay_in_theirs(show):
    later, earlier = image("later"), image("earlier")
    dialog, chosen = show(later, earlier)
    dialog.down.click()  # nothing is selected
    dialog.table.setCurrentCell(1, LAYER)
    dialog.up.click()
    dialog.up.click()
    assert texts(dialog, LAYER) == ["earlier", "later"]
    press_ok(dialog)
    assert [scan.id for scan in chosen[0][0].scans] == ["T0", "T1"]
    assert chosen[0][1] == [earlier, later]


def test_what_cannot_be_a_scan_says_why_and_cannot_be_ticked(show):
    dialog, _ = show(Image(np.zeros((6, 8)), name="flat"))
    assert "flat is 2-D" in texts(dialog, NOTE)[0]
    assert not dialog.table.item(0, LAYER).flags() & Qt.ItemFlag.ItemIsUserCheckable
    assert not can_go_on(dialog)


@pytest.mark.parametrize(
    ("column", "text", "problem"),
    [
        (DATE, "10.3.2024", "is no date; write it as 2024-03-10"),
        (SIZES[1], "wide", "2.5 x wide x 0.7 is no size"),
        (SIZES[1], "-1", "spacing must be positive"),
        (SIZES[1], "nan", "spacing must be positive"),
        (SCAN, "T1", "more than one scan called T1"),
        (SCAN, "", "needs an id"),
    ],
)
def test_mistakes_are_said_and_the_dialog_stays(show, column, text, problem):
    dialog, chosen = show(image("a"), image("b"))
    dialog.table.item(0, column).setText(text)
    press_ok(dialog)
    assert problem in dialog.problem.text()
    assert dialog.isVisible()
    assert chosen == []


# ---- the study bar


@pytest.fixture
def bar(qtbot) -> StudyBar:
    bar = StudyBar(WINDOWS)
    qtbot.addWidget(bar)
    return bar


def entry(bar: StudyBar, text: str):
    return next(action for action in bar.open_button.menu().actions() if text in action.text())


def test_open_layers_are_asked_for(bar, qtbot):
    with qtbot.waitSignal(bar.layers_requested):
        entry(bar, "Use open layers").trigger()


def test_a_session_is_opened(bar, qtbot, monkeypatch, tmp_path):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    with qtbot.waitSignal(bar.session_requested) as asked:
        entry(bar, "Open session").trigger()
    assert asked.args == [tmp_path]


@pytest.mark.parametrize("name", ["mine", "mine.longiseg.zarr"])
def test_a_session_is_saved_once_a_study_is_open(bar, qtbot, monkeypatch, study, name):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (f"/somewhere/{name}", ""))
    assert not entry(bar, "Save session").isEnabled()
    bar.show_study(study, "Lung")
    with qtbot.waitSignal(bar.save_requested) as asked:
        entry(bar, "Save session").trigger()
    assert asked.args == [Path("/somewhere/mine.longiseg.zarr")]


def test_dialogs_that_are_cancelled_ask_for_nothing(bar, qtbot, monkeypatch, study):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    bar.show_study(study, "Lung")
    with qtbot.assertNotEmitted(bar.session_requested), qtbot.assertNotEmitted(bar.save_requested):
        entry(bar, "Open session").trigger()
        entry(bar, "Save session").trigger()


def test_the_window_in_use_is_shown(bar, study):
    bar.show_study(study, "Lung")
    assert bar.windows.currentText() == "Lung"
    bar.show_window("Brain")
    assert bar.windows.currentText() == "Brain"
    bar.show_window("")
    assert bar.windows.currentText() == ""


# ---- questions


@pytest.mark.parametrize(
    ("ask", "what", "go_on"),
    [
        (lambda: questions.ask_to_discard(None, "3 findings are lost."), "3 findings are lost.", "Discard"),
        (lambda: questions.ask_to_resume(None, 2, 5), "2 lesions and 5 findings", "Go on"),
        (lambda: questions.ask_to_merge(None, "They do not touch."), "They do not touch.", "Merge"),
        (lambda: questions.ask_to_replace(None, "a.zarr holds b."), "a.zarr holds b.", "Replace"),
    ],
)
@pytest.mark.parametrize("answer", [True, False])
def test_questions(qtbot, monkeypatch, ask, what, go_on, answer):
    def click(box: QMessageBox) -> int:
        assert what in box.text()
        wanted = go_on if answer else "Cancel"
        next(button for button in box.buttons() if wanted in button.text()).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", click)
    assert ask() is answer
