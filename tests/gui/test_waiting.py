"""napari waits for its readers in the GUI thread; the files are read elsewhere."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from qtpy.QtCore import QTimer

from napari_longiseg._napari import waiting
from napari_longiseg.core.errors import InputError


def test_the_window_lives_while_another_thread_reads(qapp, monkeypatch, study):
    seen, ticks = [], []

    def slow(path):
        seen.append(threading.current_thread())
        time.sleep(0.4)
        return study

    monkeypatch.setattr(waiting, "load_study", slow)
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    timer.start(20)
    assert waiting.load_in_thread(Path("study.json")) is study
    timer.stop()
    assert seen[0] is not threading.main_thread()
    assert len(ticks) >= 5


def test_errors_arrive_as_they_are(qapp, tmp_path):
    with pytest.raises(InputError, match="no file or folder"):
        waiting.load_in_thread(tmp_path / "nowhere.json")
