"""The one mutable object: the study, its lesions, clicks and findings. Everything else observes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from psygnal import Signal

from napari_longiseg.core.lesion import Click, Finding, Lesion
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Study
from napari_longiseg.core.state import State
from napari_longiseg.session.history import History, Step
from napari_longiseg.session.known import Known


class Session(Known):
    """What a reader works on.

    All changes are made from one thread, the GUI's where there is one. What a reader does is a step of undo
    (:meth:`action`); what a method brings (:meth:`set_known` outside of any action) is none, and stays when
    steps that have nothing to do with it are undone.

    Signals
    -------
    study_changed(Study or None)
        Another study was opened, or the study was closed.
    lesions_changed()
        A lesion was added, removed, renamed or clicked.
    selection_changed(int or None)
        Another lesion is selected.
    findings_changed(int, str)
        What is known of (lesion id, scan id) has changed: its finding or its proposal.
    history_changed()
        Other steps can be undone or done again.
    restored()
        A step was undone or done again; the other signals came before.
    """

    study_changed = Signal(object)
    lesions_changed = Signal()
    selection_changed = Signal(object)
    findings_changed = Signal(int, str)
    history_changed = Signal()
    restored = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._selected: int | None = None
        self._history = History()
        self._step: Step | None = None

    # ---- studies and selection

    @property
    def selected(self) -> int | None:
        """Id of the lesion that clicks go to."""
        return self._selected

    def open(self, study: Study | None, state: State | None = None, past: Sequence[str] = ()) -> None:
        """Work on this study from now on, with its lesions, no findings, and no lesion selected.

        With none selected the first click makes a lesion of its own, instead of adding to one that the
        reader may not have looked at.

        Parameters
        ----------
        study : Study or None
            None closes the study.
        state : State, optional
            What was known when it was closed the last time; by default the study's own lesions.
        past : sequence of str, optional
            What was done before that, in order; none of it can be undone any more.
        """
        self.select(None)  # first, or views would take the selection along, to a lesion with the same id
        self._study = study
        lesions = {lesion.id: lesion for lesion in study.lesions} if study else {}
        self._state = State(lesions) if state is None or study is None else state
        self._history.clear(past)
        self.announce()
        self.history_changed.emit()

    def announce(self) -> None:
        """Tell everything anew, for those who begin to watch a session that is at work already."""
        self.study_changed.emit(self._study)
        self.lesions_changed.emit()
        self.selection_changed.emit(self._selected)
        for key in State().differences(self._state):
            self.findings_changed.emit(*key)

    def select(self, lesion_id: int | None) -> None:
        """Send clicks to this lesion from now on."""
        if lesion_id is not None:
            self.lesion(lesion_id)
        if lesion_id != self._selected:
            self._selected = lesion_id
            self.selection_changed.emit(lesion_id)

    # ---- undo

    @property
    def history(self) -> History:
        """What can be undone and done again; change it through the session only."""
        return self._history

    @contextmanager
    def action(self, label: str) -> Iterator[Step]:
        """All changes inside are one step of undo; where an error leaves it, none of them has happened.

        Actions inside of others belong to the outermost.
        """
        if self._step is not None:
            yield self._step
            return
        step = self._step = Step(label, self._state, self._state)
        selected = self._selected
        try:
            yield step
        except BaseException:
            self._step = None
            self._show(step.before)
            self.select(selected)
            raise
        self._step = None
        step.after = self._state
        if step.after is not step.before:
            self._history.add(step)
            self.history_changed.emit()

    def undo(self) -> str:
        """Take back the newest step, and say what it was; empty where there is none."""
        step = self._history.undo()
        return self._restore(step.before, step.label) if step else ""

    def redo(self) -> str:
        """Do the step again that was undone last, and say what it was; empty where there is none."""
        step = self._history.redo()
        return self._restore(step.after, step.label) if step else ""

    def withdraw(self, step: Step) -> bool:
        """Make a step not to have happened, where nothing was done since; else say no."""
        if not self._history.withdraw(step):
            return False
        self._show(step.before)
        self.history_changed.emit()
        return True

    # ---- changes

    @property
    def next_id(self) -> int:
        """Of the next lesion."""
        return max(self._state.lesions, default=0) + 1

    def add_lesion(self, name: str = "") -> Lesion:
        """Add a lesion with the next free id and select it."""
        lesion = Lesion(self.next_id, name)
        with self.action(f"Add lesion {lesion.id}"):
            self.set_lesion(lesion)
        self.select(lesion.id)
        return lesion

    def rename(self, lesion_id: int, name: str) -> None:
        """Give a lesion another name."""
        with self.action(f"Rename lesion {lesion_id}"):
            self.set_lesion(replace(self.lesion(lesion_id), name=name))

    def remove_lesion(self, lesion_id: int) -> None:
        """Remove a lesion with its clicks and findings; if it was selected, none is then.

        What was merged into it is to be looked at again.
        """
        self.lesion(lesion_id)
        with self.action(f"Remove lesion {lesion_id}"):
            self._show(self._state.without_lesion(lesion_id))

    def add_click(self, lesion_id: int, click: Click) -> None:
        """Add a click to a lesion.

        Raises
        ------
        InputError
            When it lies outside its scan.
        """
        self.check_inside(click.scan, click.point_mm)
        lesion = self.lesion(lesion_id)
        with self.action(f"Click for lesion {lesion_id} on {click.scan}"):
            self.set_lesion(replace(lesion, clicks=(*lesion.clicks, click)))

    def remove_click(self, lesion_id: int, click: Click) -> None:
        """Take a click back; the findings stay."""
        lesion = self.lesion(lesion_id)
        with self.action(f"Remove a click of lesion {lesion_id} on {click.scan}"):
            self.set_lesion(replace(lesion, clicks=tuple(c for c in lesion.clicks if c != click)))

    def set_lesion(self, lesion: Lesion) -> None:
        """Put a lesion in the place of the one with its id, or add it."""
        with self.action(f"Change lesion {lesion.id}"):
            self._show(self._state.with_lesion(lesion))

    def set_known(self, known: Finding | Proposal) -> None:
        """Put a finding or a proposal in the place of what was known of the lesion on the scan.

        Within an action it is a reader's. Otherwise a method has brought it for the lesion as it is now: then
        it holds for all steps of the history at which the lesion had the same prompts, and the same was
        known of it there.

        Raises
        ------
        InputError
            When there is no such lesion or scan.
        """
        lesion = self.lesion(known.lesion)
        self.scan(known.scan)
        if self._step is None:
            key = known.lesion, known.scan
            before = self._state.known(key)

            def amended(state: State) -> State:
                then = state.lesions.get(lesion.id)
                same = then is not None and then.prompts == lesion.prompts and state.known(key) is before
                return state.with_known(known) if same else state

            self._history.amend(amended)
        self._show(self._state.with_known(known))

    def forget(self, lesion_id: int, scan_id: str) -> None:
        """Know nothing of a lesion on a scan any more."""
        with self.action(f"Forget lesion {lesion_id} on {scan_id}"):
            self._show(self._state.without_known((lesion_id, scan_id)))

    # ---- helpers

    def _restore(self, state: State, label: str) -> str:
        self._show(state)
        self.history_changed.emit()
        self.restored.emit()
        return label

    def _show(self, state: State) -> None:
        """Work with another state, and tell what is different."""
        before, self._state = self._state, state
        if self._selected is not None and self._selected not in state.lesions:
            self.select(None)
        if state.lesions != before.lesions:
            self.lesions_changed.emit()
        for key in sorted(before.differences(state)):
            self.findings_changed.emit(*key)
