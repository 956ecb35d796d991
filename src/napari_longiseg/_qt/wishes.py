"""What a reader asks for in the panel, by button, menu or key, passed on to the desk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QFileDialog, QInputDialog, QWidget

from napari_longiseg._napari.desk import Desk
from napari_longiseg._napari.layers.colours import colour_of
from napari_longiseg._napari.layers.windows import next_window
from napari_longiseg._napari.telling import told
from napari_longiseg._qt.click_bar import ClickBar
from napari_longiseg._qt.help_overlay import HelpOverlay
from napari_longiseg._qt.layers_dialog import LayersDialog
from napari_longiseg._qt.matrix.actions import Action
from napari_longiseg._qt.study_bar import StudyBar
from napari_longiseg._qt.texts import lesion_text
from napari_longiseg.session import review


class Wishes:
    """Answers the widgets of a panel, asking back where more must be known.

    Parameters
    ----------
    desk : Desk
        Does it.
    over : QWidget
        The panel, over which dialogs appear.
    study_bar, click_bar, help_overlay
        Widgets of the panel that keys change.
    """

    def __init__(
        self, desk: Desk, over: QWidget, study_bar: StudyBar, click_bar: ClickBar, help_overlay: HelpOverlay
    ) -> None:
        self._desk = desk
        self._session = desk.session
        self._over = over
        self._study_bar = study_bar
        self._click_bar = click_bar
        self._help = help_overlay

    @property
    def keys(self) -> Mapping[str, Callable[[], None]]:
        """What the keys do, by the name of their action."""
        reviewing = self._desk.reviewing
        return {
            "next_lesion": lambda: reviewing.step(1),
            "previous_lesion": lambda: reviewing.step(-1),
            "new_lesion": self.add,
            "accept": reviewing.accept,
            "next_unreviewed": reviewing.next_unreviewed,
            "polarity": self._click_bar.negative.toggle,
            "undo": reviewing.undo,
            "redo": reviewing.redo,
            "go_to_lesion": reviewing.go_there,
            "go_to_cursor": self.go_to_cursor,
            "next_outlines": self._desk.bridge.next_outlines,
            "next_window": self.next_window,
            "help": self._help.toggle,
        }

    # ---- lesions

    def add(self) -> None:
        """Start another lesion."""
        if self._session.study is None:
            self._desk.failed.emit("Open a study first.")
            return
        lesion = self._session.add_lesion()
        self._click_bar.place.setChecked(True)
        self._desk.noticed.emit(f"Click lesion {lesion.id} on any scan.")

    def remove(self) -> None:
        """Remove the selected lesion; that can be undone."""
        if self._session.selected is not None:
            lesion_id = self._session.selected
            self._session.remove_lesion(lesion_id)
            self._desk.noticed.emit(f"Lesion {lesion_id} is removed; U brings it back.")

    def track(self) -> None:
        """Outline the selected lesion everywhere."""
        if self._session.selected is not None:
            self._desk.prompting.track([self._session.selected])

    def track_all(self) -> None:
        """Outline all lesions everywhere."""
        self._desk.prompting.track([lesion.id for lesion in self._session.lesions])

    def recolour(self, lesion_id: int) -> None:
        """Let the reader choose a lesion's colour."""
        lesion = self._session.lesion(lesion_id)
        chosen = QColorDialog.getColor(
            QColor(colour_of(lesion)), self._over, f"Colour of {lesion_text(lesion)}"
        )
        if chosen.isValid():
            with told(self._desk.failed.emit):
                review.recolour(self._session, lesion_id, chosen.name())

    def merge(self) -> None:
        """Let the reader choose the lesion that the one under review has become one with."""
        names = {lesion_text(self._session.lesion(i)): i for i in self._desk.reviewing.merge_candidates()}
        if not names:
            self._desk.failed.emit("There is no other outlined lesion on this scan to merge with.")
            return
        name, ok = QInputDialog.getItem(self._over, "Merge", "It has merged into", list(names), 0, False)
        if ok and name in names:
            self._desk.reviewing.merge_into(names[name])

    def act(self, action: str, lesion_id: int, scan_id: str) -> None:
        """What was chosen in a menu of the matrix."""
        reviewing = self._desk.reviewing
        on_lesion = {Action.RECOLOUR: self.recolour, Action.REMOVE: self._session.remove_lesion}
        wish = Action(action)
        if wish in on_lesion:
            on_lesion[wish](lesion_id)
            return
        if wish is Action.TRACK:
            self._desk.prompting.track([lesion_id])
            return
        if wish is Action.GO:
            reviewing.go(lesion_id, scan_id)
            return
        if wish is Action.ACCEPT:
            reviewing.accept_there(lesion_id, scan_id)
            return
        on_scan: dict[Action, Callable[[], None]] = {
            Action.RESET: reviewing.reset,
            Action.RESOLVED: reviewing.resolve,
            Action.NOT_EVALUABLE: reviewing.not_evaluable,
            Action.NEW: reviewing.mark_new,
            Action.MERGE: self.merge,
            Action.SPLIT: reviewing.split,
        }
        reviewing.touch(lesion_id, scan_id)
        on_scan[wish]()

    # ---- the view

    def go_to_cursor(self) -> None:
        """Centre all scans on what is under the mouse."""
        if not self._desk.linked.centre_on_cursor():
            self._desk.failed.emit("There is no scan under the mouse.")

    def next_window(self) -> None:
        """Show all scans in the next CT window."""
        bar = self._study_bar
        name = next_window(bar.windows.currentText())
        self._desk.bridge.set_window(name)
        bar.show_window(name)

    # ---- files

    def use_layers(self) -> None:
        """Make a study of layers that are open."""
        dialog = LayersDialog(self._desk.opening.layers, self._over)
        dialog.study_chosen.connect(self._desk.opening.use_layers)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def export(self) -> None:
        """Let the reader choose where results go."""
        name = QFileDialog.getExistingDirectory(self._over, "Write masks, lesions.csv and run.json into")
        if name:
            self._desk.export(Path(name))

    def cancel(self) -> None:
        """Stop what runs."""
        self._desk.runner.cancel()
        self._desk.noticed.emit("Cancelled. Start it again whenever you like.")
