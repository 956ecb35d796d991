"""The dock panel "Lesion tracking"."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from weakref import WeakSet

import napari.viewer
from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtWidgets import QLabel, QSplitter, QVBoxLayout, QWidget

from napari_longiseg._napari.check.layers import View
from napari_longiseg._napari.desk import Desk
from napari_longiseg._napari.keys import bind_keys
from napari_longiseg._napari.layers.colours import colour_of, lesion_hex
from napari_longiseg._napari.layers.windows import WINDOWS, window_name
from napari_longiseg._napari.preferences import Preferences, preferences
from napari_longiseg._qt.charts.box import ChartBox
from napari_longiseg._qt.click_bar import ClickBar
from napari_longiseg._qt.folds import Folds
from napari_longiseg._qt.help_overlay import HelpOverlay
from napari_longiseg._qt.key_passing import pass_keys
from napari_longiseg._qt.lesion_bar import LesionBar
from napari_longiseg._qt.matrix.matrix import LesionMatrix
from napari_longiseg._qt.matrix.model import LesionModel
from napari_longiseg._qt.methods.options_box import OptionsBox
from napari_longiseg._qt.progress_box import ProgressBox
from napari_longiseg._qt.questions import ask_to_discard, ask_to_merge, ask_to_replace, ask_to_resume
from napari_longiseg._qt.registration_box import RegistrationBox
from napari_longiseg._qt.review_bar import ReviewBar
from napari_longiseg._qt.study_bar import StudyBar
from napari_longiseg._qt.texts import lesion_text, next_step
from napari_longiseg._qt.wishes import Wishes
from napari_longiseg.core.scan import Study
from napari_longiseg.core.state import State
from napari_longiseg.session import Session

WIDTH = 480
"""Pixels of the dock at first."""
_AT_WORK: WeakSet[TrackingPanel] = WeakSet()
"""Panels that have not been closed: only one works in a viewer at a time."""


def _close(desk: Desk, release_keys: Callable[[], None], *_: object) -> None:
    """Let go of the viewer when napari has destroyed the panel."""
    with suppress(RuntimeError):  # the application itself is going down, Qt's objects with it
        release_keys()
        desk.close()


class TrackingPanel(QWidget):
    """Shows a session and passes on what the reader wants; the desk does it.

    A second panel in the same viewer takes the work over from the first.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        napari passes its own.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewer: napari.viewer.Viewer = viewer
        for other in [panel for panel in _AT_WORK if panel.viewer == viewer]:
            other.hand_over()
        _AT_WORK.add(self)
        self.options = OptionsBox()
        self.desk: Desk = Desk(viewer, self.options.settings)
        self.session: Session = self.desk.session
        self.runner = self.desk.runner
        self.study_bar = StudyBar(WINDOWS)
        self.click_bar = ClickBar()
        self.model = LesionModel(self.session, lambda: self.runner.waiting, self._colour, self)
        self.matrix = LesionMatrix(self.model)
        self.table = self.matrix.table
        self.lesion_bar = LesionBar()
        self.review_bar = ReviewBar()
        self.charts = ChartBox(self.session, self._colour)
        self.progress = ProgressBox()
        self.registration = RegistrationBox()
        self.help = HelpOverlay(self)
        self.wishes = Wishes(self.desk, self, self.study_bar, self.click_bar, self.help)
        self._lay_out()
        self._connect()
        pass_keys(self)
        self._release_keys = bind_keys(viewer, self.wishes.keys)
        self.destroyed.connect(partial(_close, self.desk, self._release_keys))
        self._on_preferences(preferences())
        self._on_study(None)
        self._on_busy(False)
        self.desk.opening.adopt()

    def changeEvent(self, event: QEvent) -> None:
        """End when the user closes the dock: napari then takes the panel out of it, and forgets it."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.close_desk()
            self.deleteLater()  # Qt's connections would keep it for ever

    def close_desk(self) -> None:
        """Stop the work and let go of the viewer; the session stays with the scans' layers.

        A study that is just brought up is brought up first; one that is still being read is not opened.
        """
        if self not in _AT_WORK:
            return
        _AT_WORK.discard(self)
        self.desk.bridge.finish()
        session = self.session
        session.study_changed.disconnect(self._on_study)
        session.lesions_changed.disconnect(self._update)
        session.selection_changed.disconnect(self._on_selection)
        session.findings_changed.disconnect(self._on_finding)
        self.desk.check_view.changed.disconnect(self._on_check)
        self._release_keys()
        self.model.close()
        self.charts.close_session()
        self.desk.close()

    def hand_over(self) -> None:
        """Another panel works in this window now."""
        self.close_desk()
        self.setEnabled(False)
        self.progress.say("Another panel goes on with this work; close this one.")

    # ---- build

    def _lay_out(self) -> None:
        top = QWidget()
        upper = QVBoxLayout(top)
        upper.setContentsMargins(0, 0, 0, 0)
        for widget in (self.matrix, self.lesion_bar, self.review_bar):
            upper.addWidget(widget)
        self.splitter = splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(top)
        splitter.addWidget(Folds(self.charts, self.registration, self.options))
        splitter.setStretchFactor(0, 1)
        splitter.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.addWidget(self.study_bar)
        column.addWidget(self.click_bar)
        column.addWidget(splitter, 1)
        column.addWidget(self.progress)
        column.addWidget(QLabel("Research use only. Not for diagnosis or treatment."))
        self.setMinimumWidth(390)

    def sizeHint(self) -> QSize:
        """Wide enough for names and three dates of the matrix; the reader makes room for more."""
        return QSize(WIDTH, super().sizeHint().height())

    def _connect(self) -> None:
        self._watch()
        desk, wishes = self.desk, self.wishes
        prompting, reviewing = desk.prompting, desk.reviewing
        desk.opening.may_lose = lambda what: ask_to_discard(self, what)
        reviewing.may_merge = lambda what: ask_to_merge(self, what)
        desk.saving.may_replace = lambda what: ask_to_replace(self, what)
        self.registration.check_requested.connect(desk.check)
        self.registration.view_chosen.connect(desk.check_view.show)
        self.registration.square_chosen.connect(desk.check_view.set_square)
        bar = self.study_bar
        bar.open_requested.connect(desk.opening.open)
        bar.session_requested.connect(desk.opening.open)
        bar.save_requested.connect(desk.saving.save_as)
        bar.layers_requested.connect(wishes.use_layers)
        bar.window_chosen.connect(desk.bridge.set_window)
        bar.aligned_changed.connect(partial(setattr, desk.linked, "enabled"))
        self.table.lesion_selected.connect(self.session.select)
        self.table.finding_selected.connect(reviewing.go)
        self.table.name_clicked.connect(reviewing.go_there)
        self.table.recolour_requested.connect(wishes.recolour)
        self.table.action_requested.connect(wishes.act)
        clicks = self.click_bar
        clicks.place.toggled.connect(partial(setattr, desk.router, "enabled"))
        clicks.box.toggled.connect(partial(setattr, desk.router, "box"))
        desk.router.box_changed.connect(self._on_box)
        clicks.negative.toggled.connect(partial(setattr, prompting, "negative"))
        clicks.straight.toggled.connect(partial(setattr, prompting, "straight"))
        self.lesion_bar.add_requested.connect(wishes.add)
        self.lesion_bar.remove_requested.connect(wishes.remove)
        self.lesion_bar.track_requested.connect(wishes.track)
        self.lesion_bar.track_all_requested.connect(wishes.track_all)
        self.lesion_bar.export_requested.connect(wishes.export)
        review = self.review_bar
        review.accept_requested.connect(reviewing.accept)
        review.reset_requested.connect(reviewing.reset)
        review.resolved_requested.connect(reviewing.resolve)
        review.not_evaluable_requested.connect(reviewing.not_evaluable)
        review.new_requested.connect(reviewing.mark_new)
        review.merge_requested.connect(wishes.merge)
        review.split_requested.connect(reviewing.split)
        review.next_requested.connect(reviewing.next_unreviewed)
        self.progress.cancel_requested.connect(wishes.cancel)

    def _watch(self) -> None:
        """Show what the session, the runner and the desk say."""
        session, runner, desk = self.session, self.runner, self.desk
        session.study_changed.connect(self._on_study)
        session.lesions_changed.connect(self._update)
        session.selection_changed.connect(self._on_selection)
        session.findings_changed.connect(self._on_finding)
        runner.busy_changed.connect(self._on_busy)
        runner.waiting_changed.connect(self.model.refresh)
        runner.stage_changed.connect(self.progress.set_stage)
        runner.failed.connect(self.progress.complain)
        runner.succeeded.connect(self.progress.say)
        runner.doubted.connect(self.progress.complain)
        desk.noticed.connect(self.progress.say)
        desk.failed.connect(self.progress.complain)
        desk.preferences_changed.connect(self._on_preferences)
        desk.check_view.changed.connect(self._on_check)
        desk.reviewing.current_changed.connect(self._show_review)
        desk.reviewing.current_changed.connect(self.table.show_reviewed)
        desk.saving.interrupted.connect(self._on_interrupted)
        self.model.unreviewed_changed.connect(self._show_review)
        self.charts.saved.connect(self.progress.say)
        self.charts.failed.connect(self.progress.complain)

    # ---- what the session, the runner and the desk say

    def _on_study(self, study: Study | None) -> None:
        self.study_bar.show_study(study, window_name(study.scans) if study else "")
        self.click_bar.place.setChecked(study is not None)
        self.table.empty_text = next_step(study)
        self.progress.say(next_step(study))
        self.registration.show_study(study)
        self._update()

    def _on_selection(self, lesion_id: int | None) -> None:
        self.table.show_selected(lesion_id)
        if lesion_id is not None and self.desk.check_view.view is View.OFF:
            self.registration.propose(self.session.lesion(lesion_id).source_scan)
        self._update()

    def _on_finding(self, lesion_id: int, scan_id: str) -> None:
        if (lesion_id, scan_id) == self.desk.reviewing.current:
            self._show_review()

    def _on_busy(self, busy: bool) -> None:
        self.progress.set_busy(busy)
        self.registration.set_busy(busy)
        self._update()

    def _on_check(self) -> None:
        self.registration.show_check(self.desk.check_view.check, self.desk.check_view.view)

    def _on_box(self, on: bool) -> None:
        self.click_bar.box.setChecked(on)

    def _on_preferences(self, chosen: Preferences) -> None:
        chosen.use_model_folder()
        self.options.use(chosen)
        self.click_bar.straight.setChecked(chosen.straight)
        self.model.set_date_colours(chosen.colours_of_dates)
        self.desk.bridge.set_date_colours(chosen.colours_of_dates)

    def _on_interrupted(self, state: State) -> None:
        if ask_to_resume(self, len(state.lesions), len(state.findings)):
            self.desk.opening.open_state(state)

    def _show_review(self, *_: object) -> None:
        current = self.desk.reviewing.current
        if current is None:
            self.review_bar.show_state("", "", None, None, self.model.unreviewed)
            return
        name = lesion_text(self.session.lesion(current[0]))
        finding, proposal = self.session.finding(*current), self.session.proposal(*current)
        self.review_bar.show_state(name, current[1], finding, proposal, self.model.unreviewed)

    def _update(self) -> None:
        study, selected = self.session.study is not None, self.session.selected is not None
        self.click_bar.setEnabled(study)
        bar = self.lesion_bar
        bar.add.setEnabled(study)
        bar.remove.setEnabled(selected)
        bar.track.setEnabled(selected)
        bar.track_all.setEnabled(bool(self.session.lesions))
        bar.export.setEnabled(bool(self.session.lesions) and not self.runner.busy)
        self._show_review()

    def _colour(self, lesion_id: int) -> str:
        known = self.session.state.lesions.get(lesion_id)
        return colour_of(known) if known is not None else lesion_hex(lesion_id)
