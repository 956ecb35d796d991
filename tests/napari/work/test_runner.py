from __future__ import annotations

import gc
import json
import weakref
from dataclasses import replace

import pytest

from napari_longiseg._napari.work.runner import Runner
from napari_longiseg.core.landmark import Landmark
from napari_longiseg.core.lesion import Click, Finding, Presence, Review
from napari_longiseg.core.proposal import Proposal
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
            runner.propose([1], SETTINGS, straight=True)
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
        runner.propose([1], SETTINGS, straight=True)
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


def test_proposals_come_first_and_are_outlined_when_that_is_asked_for(study, session, aligned, qtbot):
    runner = Runner(session)
    session.open(study)
    with qtbot.waitSignal(runner.succeeded, timeout=20_000) as done:
        runner.propose([1], SETTINGS, straight=False, clicked_on="T0")
        assert runner.waiting == {(1, "T0"), (1, "T1"), (1, "T2")}
    assert done.args == ["near is proposed on T1 and T2: look there, then accept or move the point."]
    assert session.finding(1, "T0").presence is Presence.PRESENT
    assert [proposal.scan for proposal in session.proposals] == ["T1", "T2"]
    with qtbot.waitSignal(runner.succeeded, timeout=20_000) as done:
        runner.outline([(1, "T1")], SETTINGS)
        assert runner.waiting == {(1, "T1")}
    assert done.args == ["near is outlined on T1."]
    assert [proposal.scan for proposal in session.proposals] == ["T2"]
    assert runner.waiting == frozenset()
    runner.close()


def test_straight_away_all_are_outlined_but_for_what_a_reader_has_decided(study, session, aligned, qtbot):
    runner, brought = Runner(session), []
    session.open(study)
    with qtbot.waitSignal(runner.succeeded, timeout=20_000):
        runner.propose([1], SETTINGS, straight=True)
    accepted = replace(session.finding(1, "T1"), review=Review.ACCEPTED)
    session.set_known(accepted)
    session.findings_changed.connect(lambda *key: brought.append((key, session.state.known(key))))
    with qtbot.waitSignal(runner.succeeded, timeout=20_000):
        runner.propose([1], SETTINGS, straight=True)
        assert (1, "T1") not in runner.waiting
    assert session.finding(1, "T1") is accepted
    kinds = [type(known) for key, known in brought if key == (1, "T2")]
    assert kinds == [Proposal, Finding]
    runner.close()


def test_a_click_that_hits_nothing_is_refused_and_changes_nothing(study, session, aligned, qtbot):
    runner = Runner(session)
    session.open(study)
    session.add_click(session.add_lesion().id, Click("T0", (0.0, 20.0, 20.0)))
    with qtbot.waitSignal(runner.refused, timeout=20_000) as refused:
        runner.propose([3], SETTINGS, straight=False, clicked_on="T0")
    assert refused.args[0] == 3
    assert not runner.busy
    assert session.findings == session.proposals == ()
    runner.close()


def test_work_in_the_background_is_shown_but_nobody_waits_for_it(session, qtbot):
    runner, stages, results = Runner(session), [], []
    runner.stage_changed.connect(stages.append)
    job = runner.run("Saving", lambda progress: iter(["saved"]), results.append)
    assert not runner.busy
    with qtbot.waitSignal(runner.stage_changed, check_params_cb=lambda stage: stage is None):
        pass
    assert results == ["saved"]
    assert stages[0].text == "Saving"
    assert not job.cancelled
    runner.close()
