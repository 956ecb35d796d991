from __future__ import annotations

import gc
import json
import weakref
from dataclasses import replace

import pytest

from napari_longiseg._napari.runner import Runner
from napari_longiseg.core.landmark import Landmark
from napari_longiseg.core.lesion import Presence
from napari_longiseg.session import Session
from napari_longiseg.tracking.setup import MethodChoice, TrackSettings

SETTINGS = TrackSettings(MethodChoice("kept"), MethodChoice("threshold"))


@pytest.fixture
def track(qtbot):
    """Open a study as a panel does, and track its first lesion."""

    def track(session: Session, study) -> Runner:
        runner = Runner(session)
        session.open(study)
        with qtbot.waitSignal(runner.succeeded, timeout=20_000):
            runner.track([1], SETTINGS)
        return runner

    return track


def test_a_panel_opened_anew_need_not_align_again(study, session, track, aligned, cache_folder):
    track(session, study).close()
    assert sorted(aligned) == [("T0", "T1"), ("T0", "T2")]
    assert len(list((cache_folder / "registrations").iterdir())) == 2
    later = Session()
    track(later, study).close()
    assert len(aligned) == 2
    assert later.finding(1, "T2").presence is Presence.PRESENT


def test_the_record_of_a_study_says_how_its_scans_were_aligned(
    study, session, track, aligned, tmp_path, qtbot
):
    def record(runner: Runner, name: str) -> dict:
        with qtbot.waitSignal(runner.succeeded, timeout=20_000):
            runner.export(tmp_path / name, SETTINGS)
        return json.loads((tmp_path / name / "run.json").read_text())

    runner = track(session, study)
    pairs = record(runner, "tracked")["registrations"]
    assert [(p["source"], p["target"], p["kept"]) for p in pairs] == [
        ("T0", "T1", False),
        ("T0", "T2", False),
    ]
    session.open(study)
    again = record(runner, "opened anew")
    assert (again["registrations"], again["seconds"]) == ([], {})
    runner.close()
    later = Session()
    pairs = record(track(later, study), "later")["registrations"]
    assert [p["kept"] for p in pairs] == [True, True]


def test_the_record_names_the_settings_that_were_used_not_those_chosen_since(
    study, session, track, aligned, tmp_path, qtbot
):
    runner = track(session, study)
    with qtbot.waitSignal(runner.succeeded, timeout=20_000):
        runner.export(tmp_path, replace(SETTINGS, registration=MethodChoice("identity")))
    parameters = json.loads((tmp_path / "run.json").read_text())["parameters"]
    assert parameters["registration"]["name"] == "kept"
    runner.close()


def test_scans_of_a_closed_study_are_let_go(study, session, track, aligned, qtbot):
    """Maps in memory may hold on to their scans: hundreds of megabytes each."""
    copies = tuple(replace(scan) for scan in study.scans)
    held = [weakref.ref(scan) for scan in copies]
    runner = track(session, replace(study, scans=copies))
    assert any(scan() is not None for scan in held)
    del copies
    session.open(study)

    def let_go() -> None:
        gc.collect()
        assert [scan() for scan in held] == [None] * 3

    qtbot.waitUntil(let_go)  # the thread may be on its way back from the job
    runner.close()


def test_a_pair_is_aligned_once_for_checking_and_for_tracking(study, session, aligned, qtbot):
    runner, checks = Runner(session), []
    runner.checked.connect(checks.append)
    session.open(study)
    with qtbot.waitSignal(runner.succeeded, timeout=20_000) as done:
        runner.check("T0", "T1", SETTINGS)
    assert done.args == ["T0 lies on T1 now: choose how to look at it."]
    assert [(check.source, check.target) for check in checks] == [study.scans[:2]]
    with qtbot.waitSignal(runner.succeeded, timeout=20_000):
        runner.track([1], SETTINGS)
    assert aligned == [("T0", "T1"), ("T0", "T2")]
    runner.close()


def test_a_check_needs_a_study(session, qtbot):
    runner = Runner(session)
    with qtbot.waitSignal(runner.failed) as failed:
        runner.check("T0", "T1", SETTINGS)
    assert failed.args == ["No study is open."]
    assert not runner.busy
    runner.close()


def test_landmarks_that_correct_tracking_are_seen_in_the_check(study, session, aligned, qtbot):
    runner, checks = Runner(session), []
    runner.checked.connect(checks.append)
    places = (Landmark("T0", "carina", (0.0, 0.0, 0.0)), Landmark("T1", "carina", (0.0, 6.0, 0.0)))
    session.open(replace(study, landmarks=places))
    with qtbot.waitSignal(runner.succeeded, timeout=20_000):
        runner.check("T0", "T1", SETTINGS)
    (check,) = checks
    assert "Corrected at 1 place" in check.report.summary
    at = check.grid.nearest_voxel((0.0, 10.0, 0.0))
    assert check.warped[at] == pytest.approx(140, abs=25), "the source's lesion, 6 mm behind its place there"
    runner.close()
