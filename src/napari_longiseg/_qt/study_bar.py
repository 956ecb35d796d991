"""Which study is open, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QWidget,
)
from superqt import QElidingLabel

from napari_longiseg._qt.texts import study_text
from napari_longiseg.core.errors import InputError
from napari_longiseg.core.scan import Study
from napari_longiseg.io.sample import sample_folder

FILES = "Studies and CT images (*.json *.nii *.nii.gz *.nrrd *.mha *.mhd)"
SESSION = ".longiseg.zarr"
PREFERENCES = "Devices, methods and files: napari's File > Preferences"


class StudyBar(QWidget):
    """Opens studies, opens and saves sessions, and chooses the CT window.

    Signals
    -------
    open_requested(object)
        Path of a study's file or folder.
    layers_requested()
        Layers that are in the viewer already are to be a study.
    session_requested(object)
        Path of a session to go on with.
    save_requested(object)
        Path to save the session at; it ends with ``.longiseg.zarr``.
    window_chosen(str)
        Name of a CT window.
    aligned_changed(bool)
        Whether the selected lesion is to be at the same place in all cells.
    """

    open_requested = Signal(object)
    layers_requested = Signal()
    session_requested = Signal(object)
    save_requested = Signal(object)
    window_chosen = Signal(str)
    aligned_changed = Signal(bool)

    def __init__(self, windows: Iterable[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QElidingLabel(study_text(None))
        self.open_button = QPushButton("Open…")
        self.windows = QComboBox()
        self.windows.addItems(list(windows))
        self.windows.setToolTip("CT window: which densities are shown from black to white, on all scans")
        self.aligned = QCheckBox("Align on lesion")
        self.aligned.setChecked(True)
        self.aligned.setToolTip(
            "Show the selected lesion at the same place and slice in all cells.\n"
            "Only the display moves; off, each scan stays at its own patient coordinates."
        )
        self._lay_out()
        self.windows.textActivated.connect(self.window_chosen)
        self.aligned.toggled.connect(self.aligned_changed)

    def show_study(self, study: Study | None, window: str) -> None:
        """Say which study is open."""
        self.text.setText(study_text(study))
        self.text.setToolTip(study_text(study))
        for needs_study in (self.save, self.windows, self.aligned):
            needs_study.setEnabled(study is not None)
        self.show_window(window)

    def show_window(self, window: str) -> None:
        """Say which CT window is in use; an empty name for one of the reader's own."""
        self.windows.setCurrentIndex(self.windows.findText(window))

    def _lay_out(self) -> None:
        menu = QMenu(self.open_button)
        menu.addAction("Study file or CT image…", self._on_file)
        menu.addAction("Study folder or DICOM folder…", self._on_folder)
        menu.addAction("Use open layers…", self.layers_requested.emit)
        with suppress(InputError):  # an installation may lack it
            menu.addAction("Sample study", partial(self.open_requested.emit, sample_folder()))
        menu.addSeparator()
        menu.addAction("Open session…", self._on_session)
        self.save = menu.addAction("Save session…", self._on_save)
        self.save.setEnabled(False)
        menu.addSeparator()
        menu.addAction(PREFERENCES).setEnabled(False)
        self.open_button.setMenu(menu)
        self.open_button.setToolTip(
            "Open all scans of one patient: a study.json, a folder, one image file, or a session of yours"
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.open_button)
        row.addWidget(self.text, 1)
        row.addWidget(self.windows)
        row.addWidget(self.aligned)

    def _on_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a study", "", FILES)
        if name:
            self.open_requested.emit(Path(name))

    def _on_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Open a study or DICOM folder")
        if name:
            self.open_requested.emit(Path(name))

    def _on_session(self) -> None:
        name = QFileDialog.getExistingDirectory(self, f"Open a session: a folder called …{SESSION}")
        if name:
            self.session_requested.emit(Path(name))

    def _on_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Save the session", f"session{SESSION}", f"Sessions (*{SESSION})"
        )
        if name:
            self.save_requested.emit(Path(name if name.endswith(SESSION) else name + SESSION))
