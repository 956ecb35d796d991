"""Read a study or a session for napari, which waits for its readers in the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from napari_longiseg._napari.layers.adopt import Left, read_left
from napari_longiseg._napari.work.tasks import prepare
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Study
from napari_longiseg.io.manifest import load_study

T = TypeVar("T")

TICK_S = 0.02
"""The window is drawn again this often while it waits."""


def load_in_thread(path: Path) -> Study:
    """Load a study in a thread, keeping the window drawn but deaf until it is there.

    SimpleITK reads for seconds and would leave the window grey. Input waits: a second study opened from
    within would arrive in the middle of the first.

    Raises
    ------
    InputError
        As :func:`napari_longiseg.io.manifest.load_study`.
    """
    return _waited(_loaded, path)


def resume_in_thread(path: Path) -> tuple[Study, Left]:
    """Read a session likewise: its study, and where the work on it was left.

    Raises
    ------
    InputError
        As :func:`napari_longiseg.io.session_store.read_session`.
    """
    return _waited(_resumed, path)


def _loaded(path: Path) -> Study:
    study = load_study(path)
    prepare(study, silent)
    return study


def _resumed(path: Path) -> tuple[Study, Left]:
    study, left = read_left(path)
    prepare(study, silent)
    return study, left


def _waited(read: Callable[[Path], T], path: Path) -> T:
    with ThreadPoolExecutor(1, thread_name_prefix="longiseg-reader") as pool:
        reading = pool.submit(read, path)
        _keep_drawing(reading)
        return reading.result()


def _keep_drawing(loading: Future[Any]) -> None:
    from qtpy.QtCore import QCoreApplication, QEventLoop, QThread

    app = QCoreApplication.instance()
    if app is None or QThread.currentThread() is not app.thread():
        return
    while not loading.done():
        app.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        try:
            loading.exception(TICK_S)
        except TimeoutError:
            continue
