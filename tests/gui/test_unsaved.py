"""Work that is not saved: asked about before it is lost, and offered after an interruption."""

from __future__ import annotations

from napari_longiseg._napari.preferences import Preferences


def test_another_study_over_unsaved_work_is_asked_about_once(with_lesions, reader, load, study, qtbot):
    with_lesions.session.rename(1, "node")
    reader.answer = False
    load(type(study)("P02", study.scans[:2], study.lesions))
    qtbot.wait(100)
    assert reader.asked == ["Study P01 has 2 lesions, not saved."]
    assert with_lesions.session.study is study
    assert with_lesions.session.lesion(1).name == "node"


def test_all_images_deleted_by_hand_are_asked_about(with_lesions, reader, viewer, qtbot, idle):
    with_lesions.session.rename(1, "node")
    reader.answer = False
    viewer.layers.selection = [cell.image for cell in with_lesions.desk.bridge.cells]
    viewer.layers.remove_selected()
    qtbot.waitUntil(lambda: bool(reader.asked))
    idle(with_lesions)
    assert len(viewer.layers) == 12
    assert len(reader.asked) == 1
    assert with_lesions.session.lesion(1).name == "node"


def test_an_interrupted_session_is_offered_and_restored(with_lesions, reader, study, monkeypatch, quiet):
    panel = with_lesions
    monkeypatch.setattr(panel.desk.saving, "_preferences", lambda: Preferences(autosave_s=0))
    panel.session.rename(1, "node")
    panel.desk.saving.look()
    quiet(panel)
    reader.answer = True
    panel.session.open(study)
    quiet(panel)
    assert reader.asked == ["2 0"], "lesions and findings"
    assert panel.session.lesion(1).name == "node"


def test_a_wrong_place_for_a_session_is_said(with_lesions, tmp_path):
    wrong = tmp_path / "mine.longiseg.zarr"
    wrong.write_text("a letter")
    with_lesions.study_bar.save_requested.emit(wrong)
    assert "is something else than a session" in with_lesions.progress.line.text()
    assert wrong.read_text() == "a letter"
