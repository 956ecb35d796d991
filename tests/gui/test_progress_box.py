from __future__ import annotations

import pytest

from napari_longiseg._napari.work.job import Stage
from napari_longiseg._qt.progress_box import ERROR_STYLE, ProgressBox, stage_text


@pytest.mark.parametrize(
    ("stage", "text"),
    [
        (Stage("Aligning T0 to T2", 0.5, "CPU", 10.0), "Aligning T0 to T2 · CPU · 4 s"),
        (Stage("Saving", 0.0, "", 14.5), "Saving · 0 s"),
    ],
)
def test_a_stage_says_what_runs_where_and_since_when(stage, text):
    assert stage_text(stage, now=14.2) == text


def test_the_seconds_go_on_without_reports(qtbot, monkeypatch):
    now = [10.0]
    monkeypatch.setattr("napari_longiseg._qt.progress_box.time.monotonic", lambda: now[0])
    box = ProgressBox()
    qtbot.addWidget(box)
    box.resize(600, 120)
    box.set_stage(Stage("Aligning", 0.25, "GPU", 8.0))
    assert box.bar.text() == "Aligning · GPU · 2 s · 25 %"
    now[0] = 13.0
    qtbot.waitUntil(lambda: box.bar.text() == "Aligning · GPU · 5 s · 25 %")
    with qtbot.waitSignal(box.cancel_requested):
        box.cancel_button.click()
    box.set_stage(None)
    assert not box.bar.isTextVisible()
    assert not box.cancel_button.isEnabled()


def test_an_error_stays_until_something_new_begins(qtbot):
    box = ProgressBox()
    qtbot.addWidget(box)
    box.complain("The scans do not overlap.")
    box.set_stage(None)
    assert (box.line.text(), box.line.styleSheet()) == ("The scans do not overlap.", ERROR_STYLE)
    box.set_busy(True)
    assert box.line.text() == ""
    assert box.cancel_button.isEnabled()


def test_a_long_stage_is_cut_in_its_middle_and_told_whole_by_the_tooltip(qtbot):
    box = ProgressBox()
    qtbot.addWidget(box)
    box.resize(300, 120)
    box.show()
    text = "Aligning 2024-01-10 thorax abdomen to 2024-05-09 thorax abdomen"
    box.set_stage(Stage(text, 0.25, "GPU", 0.0))
    assert "…" in box.bar.text()
    assert box.bar.text().endswith("25 %")
    assert box.bar.toolTip().startswith(text)
