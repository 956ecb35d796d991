from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import pytest

from napari_longiseg._napari.runner import Runner
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


def test_scans_of_a_closed_study_are_let_go(study, session, track, aligned):
    """Maps in memory may hold on to their scans: hundreds of megabytes each."""
    copies = tuple(replace(scan) for scan in study.scans)
    held = [weakref.ref(scan) for scan in copies]
    runner = track(session, replace(study, scans=copies))
    assert any(scan() is not None for scan in held)
    del copies
    session.open(study)
    gc.collect()
    assert [scan() for scan in held] == [None] * 3
    runner.close()
