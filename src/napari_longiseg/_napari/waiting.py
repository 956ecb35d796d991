"""Read a study for napari, which waits for its readers in the GUI thread."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from napari_longiseg._napari.tasks import prepare
from napari_longiseg.core.progress import silent
from napari_longiseg.core.scan import Study
from napari_longiseg.io.manifest import load_study

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
    with ThreadPoolExecutor(1, thread_name_prefix="longiseg-reader") as pool:
        loading = pool.submit(_loaded, path)
        _keep_drawing(loading)
        return loading.result()


def _loaded(path: Path) -> Study:
    study = load_study(path)
    prepare(study, silent)
    return study


def _keep_drawing(loading: Future[Study]) -> None:
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
