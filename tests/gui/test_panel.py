from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from napari.qt.threading import create_worker  # noqa: F401 - imported before the clock runs
from qtpy.QtCore import Qt

from napari_longiseg._qt.panel import TrackingPanel
from napari_longiseg.core.lesion import Presence

NEAR = (0.0, 0.0, 0.0)


def cell_text(panel, row: int, column: int) -> str:
    return panel.model.data(panel.model.index(row, column), Qt.ItemDataRole.DisplayRole)


def test_an_empty_panel_says_what_to_do(panel):
    assert "Open all scans of one patient" in panel.progress.line.text()
    assert panel.table.empty_text == panel.progress.line.text()
    assert not panel.lesion_bar.track_all.isEnabled()
    assert not panel.click_bar.isEnabled()
    assert panel.study_bar.text.text() == "No study is open."
    for needs_study in (panel.study_bar.windows, panel.study_bar.aligned, panel.study_bar.save):
        assert not needs_study.isEnabled()


def test_the_sample_study_is_in_the_open_menu(panel, qtbot):
    (sample,) = (entry for entry in panel.study_bar.open_button.menu().actions() if "Sample" in entry.text())
    panel.study_bar.open_requested.disconnect()
    with qtbot.waitSignal(panel.study_bar.open_requested) as asked:
        sample.trigger()
    assert (asked.args[0] / "study.json").is_file()


def test_layers_loaded_before_the_panel_are_taken_up(viewer, load, study, fake_methods, idle):
    load(study)
    panel = TrackingPanel(viewer)
    idle(panel)
    assert panel.session.study is study
    assert [
        layer.data is scan.image for layer, scan in zip(list(viewer.layers)[::4], study.scans, strict=True)
    ]
    assert len(viewer.layers) == 12
    assert panel.study_bar.text.text() == "P01 · 3 scans · 2024-01-10 to 2024-05-10"
    panel.close_desk()
    panel.deleteLater()


def test_layers_loaded_after_it_too(with_lesions, viewer):
    assert len(viewer.layers) == 12
    assert with_lesions.model.rowCount() == 2
    assert cell_text(with_lesions, 1, 0) == "far"
    assert with_lesions.session.selected is None


def test_track_all_and_lesions_that_are_gone(with_lesions, qtbot, idle):
    qtbot.mouseClick(with_lesions.lesion_bar.track_all, Qt.MouseButton.LeftButton)
    assert cell_text(with_lesions, 0, 1) == "…"
    idle(with_lesions)
    assert cell_text(with_lesions, 1, 3).endswith("not found")
    finding = with_lesions.session.finding(2, "T2")
    assert finding.presence is Presence.NOT_FOUND
    assert len(with_lesions.session.findings) == 6


def test_add_rename_and_remove(opened, qtbot):
    qtbot.mouseClick(opened.lesion_bar.add, Qt.MouseButton.LeftButton)
    assert cell_text(opened, 0, 0) == "Lesion 1"
    assert opened.model.setData(opened.model.index(0, 0), " liver ", Qt.ItemDataRole.EditRole)
    assert opened.session.lesion(1).name == "liver"
    assert not opened.model.setData(opened.model.index(0, 1), "x", Qt.ItemDataRole.EditRole)
    qtbot.mouseClick(opened.lesion_bar.track, Qt.MouseButton.LeftButton)
    assert "Click a lesion" in opened.progress.line.text()
    qtbot.mouseClick(opened.lesion_bar.remove, Qt.MouseButton.LeftButton)
    assert opened.model.rowCount() == 0
    assert not opened.lesion_bar.remove.isEnabled()


def test_choosing_a_row_selects_the_lesion_and_shows_it(with_lesions, viewer, qtbot):
    table = with_lesions.table
    place = table.visualRect(table.index_of(2, "T0")).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert with_lesions.session.selected == 2
    assert viewer.dims.point[0] == pytest.approx(10.0, abs=1.0)
    with_lesions.session.select(1)
    assert table.selectionModel().selectedRows()[0].row() == 0


def test_cancel_is_at_once_and_late_results_are_dropped(with_lesions, gate, qtbot):
    panel = with_lesions
    panel.lesion_bar.track_all.click()
    assert gate.reached.wait(5)
    qtbot.mouseClick(panel.progress.cancel_button, Qt.MouseButton.LeftButton)
    assert not panel.runner.busy
    assert not panel.progress.cancel_button.isEnabled()
    assert panel.progress.line.text().startswith("Cancelled.")
    before = len(panel.session.findings)
    gate.open.set()
    qtbot.wait(300)
    assert len(panel.session.findings) == before
    assert panel.lesion_bar.track_all.isEnabled()


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        ("ours", "The engine needs more memory than there is."),
        ("runtime", "Stopped by an unexpected RuntimeError: CUDA out of memory"),
    ],
)
def test_errors_are_one_sentence_and_the_panel_goes_on(with_lesions, idle, trouble, sentence):
    panel = with_lesions
    panel.options.segmenter._form["trouble"].value = trouble
    panel.lesion_bar.track_all.click()
    idle(panel)
    assert panel.progress.line.text().startswith(sentence)
    panel.options.segmenter._form["trouble"].value = "none"
    panel.lesion_bar.track_all.click()
    idle(panel)
    assert len(panel.session.findings) == 6


def test_options_that_cannot_be_used(with_lesions):
    with_lesions.options._options["max_distance_mm"].value = -1.0
    with_lesions.lesion_bar.track_all.click()
    assert "must be positive" in with_lesions.progress.line.text()
    assert not with_lesions.runner.busy


def test_a_lesion_removed_during_the_run_stays_away(with_lesions, gate, idle):
    with_lesions.lesion_bar.track_all.click()
    assert gate.reached.wait(5)
    with_lesions.session.remove_lesion(1)
    gate.open.set()
    idle(with_lesions)
    assert {finding.lesion for finding in with_lesions.session.findings} == {2}


def test_another_study_ends_the_run(with_lesions, gate, load, study, qtbot):
    with_lesions.lesion_bar.track_all.click()
    assert gate.reached.wait(5)
    load(type(study)("P02", study.scans[:2], study.lesions))
    qtbot.waitUntil(lambda: with_lesions.session.study.patient == "P02")
    assert not with_lesions.runner.busy
    gate.open.set()
    qtbot.wait(200)
    assert with_lesions.session.findings == ()


def test_layers_removed_during_a_run(viewer, with_lesions, gate, idle):
    with_lesions.lesion_bar.track_all.click()
    assert gate.reached.wait(5)
    viewer.layers.remove(with_lesions.desk.bridge.cells[2].image)
    gate.open.set()
    idle(with_lesions)
    assert len(with_lesions.session.findings) == 6
    assert len(viewer.layers) == 8


def test_files_opened_one_after_another_are_dates_of_one_patient(panel, viewer, load, study, qtbot, idle):
    def single(number: int):
        scan = dataclasses.replace(study.scans[number], id="T0", date=None)
        return type(study)(f"day{number}", (scan,))

    load(single(0))
    qtbot.waitUntil(lambda: panel.session.study is not None)
    load(single(1))
    qtbot.waitUntil(lambda: len(panel.session.study.scans) == 2)
    assert [scan.id for scan in panel.session.study.scans] == ["day0", "day1"]
    idle(panel)
    assert len(viewer.layers) == 8
    panel.session.add_lesion()
    load(single(2))
    qtbot.waitUntil(lambda: "stays beside the study" in panel.progress.line.text())
    assert len(panel.session.study.scans) == 2
    assert len(panel.session.lesions) == 1


def test_an_image_beside_the_study_does_not_replace_it(with_lesions, viewer, load, study, make_scan, qtbot):
    other = make_scan("other", study.scans[0].grid, [])
    load(type(study)("other", (other,)))
    qtbot.wait(50)
    assert with_lesions.session.study is study


def test_windows_and_alignment(with_lesions):
    bar = with_lesions.study_bar
    assert bar.windows.currentText() == "Soft tissue"
    bar.windows.setCurrentText("Bone")
    bar.windows.textActivated.emit("Bone")
    assert tuple(with_lesions.desk.bridge.cells[2].image.contrast_limits) == (-450.0, 1050.0)
    bar.aligned.setChecked(False)
    for cell in with_lesions.desk.bridge.cells:
        np.testing.assert_allclose(cell.image.translate, cell.scan.grid.origin_mm)


def test_the_3d_view_is_not_mirrored(opened, viewer):
    """With x to the right, y up and z towards the viewer, (x, y, z) of LPS must be right-handed."""
    towards_axis = {"right": 1, "left": -1, "up": 1, "down": -1, "towards": 1, "away": -1}
    z, y, x = (towards_axis[str(axis)] for axis in viewer.scene.camera.orientation)
    assert np.linalg.det(np.diag([x, y, z])) == pytest.approx(1.0)


def test_opening_a_study_that_is_not_there(panel, idle, tmp_path):
    panel.study_bar.open_requested.emit(tmp_path / "nothing")
    idle(panel)
    assert "There is no file or folder" in panel.progress.line.text()
    assert panel.session.study is None


def test_export(with_lesions, idle, tmp_path):
    with_lesions.desk.prompting.track([1])
    idle(with_lesions)
    with_lesions.desk.export(tmp_path / "out")
    idle(with_lesions)
    assert with_lesions.progress.line.text() == (
        f"Results are in {tmp_path / 'out'}. 6 of 6 rows were not reviewed."
    )
    assert {path.name for path in (tmp_path / "out").rglob("*")} == {
        "masks", "T0.nii.gz", "T1.nii.gz", "T2.nii.gz", "lesions.csv", "run.json"
    }  # fmt: skip
    rows = (tmp_path / "out" / "lesions.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * 3
    assert rows[-1].endswith("Not tracked yet.")


def test_export_waits_for_its_turn(with_lesions, gate, idle, tmp_path):
    with_lesions.lesion_bar.track_all.click()
    assert gate.reached.wait(5)
    with_lesions.desk.export(tmp_path / "out")
    assert "before you export" in with_lesions.progress.line.text()
    gate.open.set()
    idle(with_lesions)
    assert not (tmp_path / "out").exists()


def test_study_files_through_napari_and_the_open_button(panel, viewer, study, idle, tmp_path, qtbot):
    from napari_longiseg.io.images import write_image

    for scan in study.scans:
        write_image(tmp_path / f"{scan.id}.nii.gz", scan.image, scan.grid)
    viewer.open(str(tmp_path / "T0.nii.gz"), plugin="napari-longiseg")
    qtbot.waitUntil(lambda: panel.session.study is not None)
    assert [scan.id for scan in panel.session.study.scans] == ["T0"]
    panel.study_bar.open_requested.emit(tmp_path)
    idle(panel)
    assert len(panel.session.study.scans) == 3
    assert len(viewer.layers) == 12
    np.testing.assert_array_equal(viewer.layers[4].data, study.scans[1].image)


def test_the_sample_study(panel, viewer, qtbot, idle):
    viewer.open_sample("napari-longiseg", "synthetic-study")
    qtbot.waitUntil(lambda: panel.session.study is not None)
    idle(panel)
    assert len(panel.session.study.scans) >= 3
    assert panel.session.lesions[0].clicks
    assert len(viewer.layers) == 4 * len(panel.session.study.scans)
