"""The dock panel "Lesion tracking"."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path

import napari.viewer
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QFileDialog, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_longiseg._napari.check_layers import View
from napari_longiseg._napari.colours import lesion_hex
from napari_longiseg._napari.desk import Desk
from napari_longiseg._napari.windows import WINDOWS, window_name
from napari_longiseg._qt.click_bar import ClickBar
from napari_longiseg._qt.lesion_model import LesionModel
from napari_longiseg._qt.lesion_table import LesionTable
from napari_longiseg._qt.options_box import OptionsBox
from napari_longiseg._qt.progress_box import ProgressBox
from napari_longiseg._qt.registration_box import RegistrationBox
from napari_longiseg._qt.study_bar import StudyBar
from napari_longiseg._qt.texts import next_step
from napari_longiseg.core.scan import Study


def _close(desk: Desk, *_: object) -> None:
    """Let go of the viewer when napari has destroyed the panel."""
    with suppress(RuntimeError):  # the application itself is going down, Qt's objects with it
        desk.close()


class TrackingPanel(QWidget):
    """Shows a session and passes on what the reader wants; the desk does it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        napari passes its own.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.options = OptionsBox()
        self.desk = Desk(viewer, self.options.settings)
        self.session, self.runner = self.desk.session, self.desk.runner
        self.study_bar = StudyBar(WINDOWS)
        self.model = LesionModel(self.session, lambda: self.runner.waiting, lesion_hex, self)
        self.table = LesionTable(self.model)
        self.click_bar = ClickBar()
        self.add_button = QPushButton("Add lesion")
        self.remove_button = QPushButton("Remove")
        self.track_button = QPushButton("Track")
        self.track_all_button = QPushButton("Track all")
        self.export_button = QPushButton("Export…")
        self.progress = ProgressBox()
        self.registration = RegistrationBox()
        self._lay_out()
        self._connect()
        self._on_study(None)
        self._on_busy(False)
        self.desk.adopt()

    def changeEvent(self, event: QEvent) -> None:
        """Stop when the user closes the dock: napari then takes the panel out of it, and forgets it."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange and self.parent() is None and hasattr(self, "model"):
            self.close_desk()

    def close_desk(self) -> None:
        """Stop the work and let go of the viewer; the session stays with the scans' layers."""
        self.session.study_changed.disconnect(self._on_study)
        self.session.lesions_changed.disconnect(self._update_buttons)
        self.session.selection_changed.disconnect(self._on_selection)
        self.desk.check_view.changed.disconnect(self._on_check)
        self.model.close()
        self.desk.close()

    # ---- build

    def _lay_out(self) -> None:
        self.add_button.setToolTip("Start another lesion; then click it on any scan")
        self.remove_button.setToolTip("Remove the selected lesion from all scans")
        self.track_button.setToolTip("Find the selected lesion on all scans again")
        self.track_all_button.setToolTip("Find every lesion of the table on all scans")
        self.export_button.setToolTip("Write masks, lesions.csv and run.json into a folder")
        buttons = QGridLayout()
        buttons.addWidget(self.add_button, 0, 0)
        buttons.addWidget(self.remove_button, 0, 1)
        buttons.addWidget(self.export_button, 0, 2)
        buttons.addWidget(self.track_button, 1, 0)
        buttons.addWidget(self.track_all_button, 1, 1, 1, 2)
        disclaimer = QLabel("Research use only. Not for diagnosis or treatment.")
        column = QVBoxLayout(self)
        column.addWidget(self.study_bar)
        column.addWidget(self.click_bar)
        column.addWidget(self.table, 1)
        column.addLayout(buttons)
        column.addWidget(self.progress)
        column.addWidget(self.registration)
        column.addWidget(self.options)
        column.addWidget(disclaimer)
        self.setMinimumWidth(380)

    def _connect(self) -> None:
        session, runner, desk = self.session, self.runner, self.desk
        session.study_changed.connect(self._on_study)
        session.lesions_changed.connect(self._update_buttons)
        session.selection_changed.connect(self._on_selection)
        runner.busy_changed.connect(self._on_busy)
        runner.waiting_changed.connect(self.model.refresh)
        runner.stage_changed.connect(self.progress.set_stage)
        runner.failed.connect(self.progress.complain)
        runner.succeeded.connect(self.progress.say)
        runner.doubted.connect(self.progress.complain)
        desk.noticed.connect(self.progress.say)
        desk.failed.connect(self.progress.complain)
        desk.check_view.changed.connect(self._on_check)
        self.registration.check_requested.connect(desk.check)
        self.registration.view_chosen.connect(desk.check_view.show)
        self.registration.square_chosen.connect(desk.check_view.set_square)
        self.study_bar.open_requested.connect(runner.open)
        self.study_bar.window_chosen.connect(desk.bridge.set_window)
        self.study_bar.aligned_changed.connect(desk.bridge.set_aligned)
        self.table.lesion_selected.connect(session.select)
        self.table.finding_selected.connect(desk.bridge.go_to)
        self.click_bar.place.toggled.connect(self._on_place)
        self.click_bar.negative.toggled.connect(self._on_negative)
        self.click_bar.box.toggled.connect(self._on_box)
        self.add_button.clicked.connect(self._on_add)
        self.remove_button.clicked.connect(self._on_remove)
        self.track_button.clicked.connect(self._on_track)
        self.track_all_button.clicked.connect(self._on_track_all)
        self.export_button.clicked.connect(self._on_export)
        self.progress.cancel_requested.connect(self._on_cancel)
        self.destroyed.connect(partial(_close, desk))

    # ---- what the session and the runner say

    def _on_study(self, study: Study | None) -> None:
        self.study_bar.show_study(study, window_name(study.scans) if study else "")
        self.click_bar.place.setChecked(study is not None)
        self.table.empty_text = next_step(study)
        self.progress.say(next_step(study))
        self.registration.show_study(study)
        self._update_buttons()

    def _on_selection(self, lesion_id: int | None) -> None:
        self.table.show_selected(lesion_id)
        if lesion_id is not None and self.desk.check_view.view is View.OFF:
            self.registration.propose(self.session.lesion(lesion_id).source_scan)
        self._update_buttons()

    def _on_busy(self, busy: bool) -> None:
        self.progress.set_busy(busy)
        self.registration.set_busy(busy)
        self._update_buttons()

    def _on_check(self) -> None:
        self.registration.show_check(self.desk.check_view.check, self.desk.check_view.view)

    def _update_buttons(self) -> None:
        study, selected = self.session.study is not None, self.session.selected is not None
        self.click_bar.setEnabled(study)
        self.add_button.setEnabled(study)
        self.remove_button.setEnabled(selected)
        self.track_button.setEnabled(selected)
        self.track_all_button.setEnabled(bool(self.session.lesions))
        self.export_button.setEnabled(bool(self.session.lesions) and not self.runner.busy)

    # ---- what the reader wants

    def _on_place(self, on: bool) -> None:
        self.desk.router.enabled = on

    def _on_negative(self, on: bool) -> None:
        self.desk.negative = on

    def _on_box(self, on: bool) -> None:
        self.desk.router.box = on

    def _on_add(self) -> None:
        lesion = self.session.add_lesion()
        self.click_bar.place.setChecked(True)
        self.progress.say(f"Click lesion {lesion.id} on any scan.")

    def _on_remove(self) -> None:
        if self.session.selected is not None:
            self.session.remove_lesion(self.session.selected)

    def _on_track(self) -> None:
        if self.session.selected is not None:
            self.desk.track([self.session.selected])

    def _on_track_all(self) -> None:
        self.desk.track([lesion.id for lesion in self.session.lesions])

    def _on_export(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Write masks, lesions.csv and run.json into")
        if name:
            self.export_to(Path(name))

    def export_to(self, folder: Path) -> None:
        """Write masks, table and record into a folder."""
        self.desk.export(folder)

    def _on_cancel(self) -> None:
        self.runner.cancel()
        self.progress.say("Cancelled. Start it again whenever you like.")
