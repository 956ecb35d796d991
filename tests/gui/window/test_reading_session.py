"""A reader at work: a study of four dates and twelve lesions, from opening to the exported table.

Counts what each lesion costs in clicks and keys. Real mouse and key events in a window that is shown.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from qtpy.QtCore import Qt

from napari_longiseg._napari.preferences import STRAIGHT, Preferences
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.lesion import Presence, Review
from napari_longiseg.core.scan import Study
from napari_longiseg.training.synth import SynthOptions, make_study, write_study

LESIONS = (
    "lung:grow:14", "lung:stable:12", "lung:shrink:14", "lung:grow:12", "lung:stable:16", "lung:shrink:18",
    "liver:grow:22", "liver:stable:20", "liver:shrink:24", "lung:vanish:12", "liver:grow:18", "lung:grow:16",
)  # fmt: skip
OPTIONS = SynthOptions(seed=4, dates=4, shape=(80, 112, 112), spacing_mm=(3.4, 3.2, 3.2), lesions=LESIONS)


@pytest.fixture(scope="module")
def patient(tmp_path_factory) -> tuple[Study, str]:
    """The study with its lesions' true places on the first scan, and a folder without them."""
    synthetic = make_study(OPTIONS)
    folder = tmp_path_factory.mktemp("reading") / "patient"
    write_study(replace(synthetic, study=synthetic.study.with_lesions(())), folder)
    return synthetic.study, folder


@dataclass
class Counted:
    """A reader's hands; clicks and keys count for the lesion under review."""

    hands: Any
    clicks: Counter[int] = field(default_factory=Counter)
    keys: Counter[int] = field(default_factory=Counter)

    def click(self, scan_id: str, point_mm: Point) -> None:
        """Scroll to a place of a scan, and click it there; a new lesion is the one under review by then."""
        self.hands.click(scan_id, point_mm)
        self.clicks[self._lesion] += 1

    def press(self, key: Qt.Key) -> None:
        """Press a key in the viewer."""
        self.keys[self._lesion] += 1
        self.hands.press(key)

    @property
    def _lesion(self) -> int:
        return self.hands.panel.session.selected or 0


@pytest.fixture
def preferred() -> Preferences:
    """Outline straight away by an affine registration."""
    return Preferences(mode=STRAIGHT, registration="affine", autosave=False)


@pytest.fixture
def fake_methods() -> None:
    """None: the methods are the real ones."""


@pytest.fixture
def rest(panel, qtbot) -> Callable[[], None]:
    """Wait until nothing is being computed that a reader waits for."""

    def resting() -> bool:
        return panel.session.study is not None and not panel.runner.busy and not panel.desk.bridge.showing

    return lambda: qtbot.waitUntil(resting, timeout=120_000)


@pytest.fixture
def counted(panel, hands, rest, patient) -> Counted:
    """The study opened in the panel."""
    panel.study_bar.open_requested.emit(patient[1])
    rest()
    return Counted(hands)


def test_a_click_and_a_key_per_scan(panel, counted, rest, patient, tmp_path, capsys):
    truth, _ = patient
    session = panel.session
    for lesion in truth.lesions:
        session.select(None)
        counted.click("T0", lesion.clicks[0].point_mm)
    rest()
    assert len(session.lesions) == len(LESIONS)
    assert len(session.findings) == 4 * len(LESIONS)

    panel.desk.reviewing.go(1, "T0")
    for _ in range(4 * len(LESIONS)):
        if panel.desk.reviewing.current == (2, "T1") and 2 not in corrected(session):
            correct(counted, session, rest)
        counted.press(Qt.Key.Key_Y)
    assert all(finding.review is not Review.PROPOSED for finding in session.findings)

    panel.desk.export(tmp_path / "results")
    rest()
    with (tmp_path / "results" / "lesions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * len(LESIONS)
    assert {row["review"] for row in rows} <= {"accepted", "edited"}

    with capsys.disabled():
        clicks, keys = counted.clicks.total(), counted.keys.total()
        present = sum(finding.presence is Presence.PRESENT for finding in session.findings)
        print(f"\n{len(LESIONS)} lesions on 4 dates, {present} outlines: {clicks} clicks and {keys} keys")
    for lesion in session.lesions:
        extra = 1 if lesion.id == 2 else 0  # the correction
        assert counted.clicks[lesion.id] <= 1 + extra
        assert counted.keys[lesion.id] <= 4 + extra


def corrected(session) -> set[int]:
    """Lesions that were clicked on a second scan."""
    return {lesion.id for lesion in session.lesions if len({click.scan for click in lesion.clicks}) > 1}


def correct(counted: Counted, session, rest) -> None:
    """Click a lesion where it was found on the second scan; that finding alone is made anew."""
    before = {finding.scan: finding for finding in session.findings if finding.lesion == 2}
    counted.click("T1", before["T1"].point_mm)
    rest()
    after = {finding.scan: finding for finding in session.findings if finding.lesion == 2}
    assert after["T1"] is not before["T1"]
    assert all(after[scan] is before[scan] for scan in ("T0", "T2", "T3"))
