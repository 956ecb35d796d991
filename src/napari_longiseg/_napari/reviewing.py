"""What a reader does with findings: from one to the next, accept, correct, undo."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from dataclasses import replace

from psygnal import Signal

from napari_longiseg._napari.next_place import hidden_text, next_place
from napari_longiseg._napari.prompting import Prompting
from napari_longiseg._napari.telling import told
from napari_longiseg.core.errors import InputError
from napari_longiseg.core.lesion import Finding
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.state import Key
from napari_longiseg.session import Session, review

SEEN_S = 0.4
"""So long an outline must be on the screen before a key can mean it: until then it was meant for the ring."""


class Reviewing:
    """Knows which lesion on which scan is under review, and carries out what the reader makes of it.

    No outline is accepted that was not seen: an accepted or corrected point leads on at once, and its
    outline, when it has come, is one more thing to look at.

    Parameters
    ----------
    session : Session
        Is changed.
    prompting : Prompting
        Has outlined what is accepted as a point, or reset.
    hidden : callable
        Ids of the scans of the study that are not shown.

    Attributes
    ----------
    may_merge : callable
        Asks the reader whether two outlines, described in a sentence, are one lesion all the same; by default
        they are not.

    Signals
    -------
    current_changed(object)
        The (lesion id, scan id) under review, or None.
    went(int, str)
        The reader wants to see this lesion on this scan.
    noticed(str), failed(str)
        One sentence about what was done, or cannot be.
    """

    current_changed = Signal(object)
    went = Signal(int, str)
    noticed = Signal(str)
    failed = Signal(str)

    def __init__(
        self,
        session: Session,
        prompting: Prompting,
        hidden: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._session = session
        self._prompting = prompting
        self._hidden = hidden
        self._current: Key | None = None
        self._came = -math.inf
        self.may_merge: Callable[[str], bool] = lambda _: False
        session.findings_changed.connect(self._on_finding)
        session.selection_changed.connect(self._on_selection)
        session.restored.connect(self._on_restored)
        prompting.touched.connect(self.touch)

    def close(self) -> None:
        """Stop watching the session."""
        self._session.findings_changed.disconnect(self._on_finding)
        self._session.selection_changed.disconnect(self._on_selection)
        self._session.restored.disconnect(self._on_restored)

    @property
    def current(self) -> Key | None:
        """The lesion and the scan under review."""
        return self._current

    @property
    def known(self) -> Finding | Proposal | None:
        """What is known there."""
        return self._session.state.known(self._current) if self._current else None

    def touch(self, lesion_id: int, scan_id: str) -> None:
        """Work on this lesion on this scan from now on."""
        if self._current != (lesion_id, scan_id):
            self._came = -math.inf
        self._current = lesion_id, scan_id
        if self._prompting.splitting != self._current:
            self._prompting.splitting = None
        self._session.select(lesion_id)
        self.current_changed.emit(self._current)

    def go(self, lesion_id: int, scan_id: str) -> None:
        """Work on this lesion on this scan, and show it."""
        self.touch(lesion_id, scan_id)
        if scan_id in self._hidden():
            self.failed.emit(hidden_text(scan_id))
        else:
            self.went.emit(lesion_id, scan_id)

    def go_there(self) -> None:
        """Show the lesion under review."""
        if self._current:
            self.went.emit(*self._current)

    def step(self, by: int) -> None:
        """Go to the lesion so many rows further, round and round."""
        ids = [lesion.id for lesion in self._session.lesions]
        if not ids:
            self.failed.emit("There is no lesion yet: click one on any scan.")
            return
        selected = self._session.selected
        at = (ids.index(selected) + by) % len(ids) if selected in ids else (0 if by > 0 else -1)
        lesion = self._session.lesion(ids[at])
        scan = self._current[1] if self._current else lesion.source_scan
        if self._session.point_on(lesion.id, scan or "") is None:
            scan = lesion.source_scan
        if scan is None:
            self._session.select(lesion.id)
        else:
            self.go(lesion.id, scan)

    # ---- review

    def accept(self) -> None:
        """Accept the proposed point, which is outlined then, or the finding; then go to the next one.

        That is what is left of the same lesion, if anything.
        """
        if self._current is None and review.next_unreviewed(self._session, None) is not None:
            self.next_unreviewed()
            return
        with told(self.failed.emit):
            key, known = self._reviewed()
            if key[1] in self._hidden():
                raise InputError(hidden_text(key[1]))
            if isinstance(known, Proposal):
                self._verify(known)
            elif known.is_reviewed:
                pass  # what the reader has painted this moment was seen
            elif key in self._prompting.waiting:
                self.noticed.emit(f"Lesion {key[0]} is just outlined anew on {key[1]}: look at it then.")
            elif time.monotonic() - self._came < SEEN_S:
                self.noticed.emit(f"Lesion {key[0]} has just been outlined on {key[1]}: look at it first.")
                return
            else:
                review.accept(self._session, *key)
            self._go_on(finish=True)

    def accept_there(self, lesion_id: int, scan_id: str) -> None:
        """Accept what is known elsewhere, once it was seen: go there, where that is not under review."""
        if self._current == (lesion_id, scan_id):
            self.accept()
        else:
            self.go(lesion_id, scan_id)
            self.noticed.emit(f"Look at lesion {lesion_id} on {scan_id}, then accept it.")

    def next_unreviewed(self) -> None:
        """Go to the next lesion and scan that nobody has looked at."""
        self._go_on(finish=False)

    def reset(self) -> None:
        """Forget what the reader did to the finding, and find it again."""
        with told(self.failed.emit):
            key, _ = self._reviewed()
            review.reset(self._session, *key)
            self._prompting.find_again(*key)

    def resolve(self) -> None:
        """The lesion is gone on this scan."""
        with told(self.failed.emit):
            review.resolve(self._session, *self._there())
            self._go_on(finish=True)

    def not_evaluable(self) -> None:
        """Nobody can say on this scan."""
        with told(self.failed.emit):
            review.not_evaluable(self._session, *self._there())
            self._go_on(finish=True)

    def mark_new(self) -> None:
        """The lesion appears on this scan first."""
        with told(self.failed.emit):
            review.mark_new(self._session, *self._reviewed()[0])

    def merge_into(self, keeper: int) -> None:
        """The lesion has become one with another on this scan, after asking where they do not touch."""
        with told(self.failed.emit):
            lesion_id, scan_id = self._reviewed()[0]
            gap = review.gap_mm(self._session, keeper, lesion_id, scan_id)
            both = f"The outlines of lesions {lesion_id} and {keeper} do not touch on {scan_id}"
            if gap and not self.may_merge(f"{both}: {gap:.0f} mm lie between them."):
                return
            review.merge(self._session, keeper, lesion_id, scan_id)
            self.touch(keeper, scan_id)
            self.noticed.emit(f"Lesion {lesion_id} is merged into {keeper} on {scan_id}; U takes it back.")

    def split(self) -> None:
        """The next click says which part of the outline is a lesion of its own."""
        with told(self.failed.emit):
            key, known = self._reviewed()
            if not isinstance(known, Finding) or known.mask is None:
                msg = f"Lesion {key[0]} has no outline on {key[1]} that could be split."
                raise InputError(msg)
            self._prompting.splitting = key
            self.noticed.emit(f"Click the part of lesion {key[0]} on {key[1]} that is another lesion.")

    def merge_candidates(self) -> list[int]:
        """Other lesions with an outline on the scan under review."""
        if self._current is None:
            return []
        lesion_id, scan_id = self._current
        found = self._session.findings_on(scan_id)
        return [f.lesion for f in found if f.mask is not None and f.lesion != lesion_id]

    # ---- undo

    def undo(self) -> None:
        """Take back the newest step."""
        label = self._session.undo()
        self.noticed.emit(f"Undone: {label}." if label else "There is nothing to undo.")

    def redo(self) -> None:
        """Do the step again that was undone last."""
        label = self._session.redo()
        self.noticed.emit(f"Done again: {label}." if label else "There is nothing to do again.")

    # ---- helpers

    def _there(self) -> Key:
        if self._current is None:
            msg = "Choose a lesion on a scan in the table first, or click one."
            raise InputError(msg)
        return self._current

    def _reviewed(self) -> tuple[Key, Finding | Proposal]:
        key, known = self._there(), self.known
        if known is None:
            waiting = key in self._prompting.waiting
            how = "it is being looked for." if waiting else "Track looks for it."
            msg = f"Nothing is known of lesion {key[0]} on {key[1]} yet: {how}"
            raise InputError(msg)
        return key, known

    def _verify(self, proposal: Proposal) -> None:
        key = proposal.lesion, proposal.scan
        if not proposal.verified:
            with self._session.action(f"Accept the point of lesion {key[0]} on {key[1]}"):
                self._session.set_known(replace(proposal, verified=True))
        elif key in self._prompting.waiting:
            return
        self._prompting.outline([key])

    def _go_on(self, finish: bool) -> None:
        place = next_place(
            self._session,
            self._current,
            finish=finish,
            hidden=self._hidden(),
            waiting=self._prompting.waiting,
        )
        if place.key is not None:
            self.go(*place.key)
        if place.sentence:
            self.noticed.emit(place.sentence)

    def _on_finding(self, lesion_id: int, scan_id: str) -> None:
        if (lesion_id, scan_id) == self._current:
            self._came = time.monotonic()

    def _on_selection(self, lesion_id: int | None) -> None:
        """Another lesion is selected: its scan under review is the same, where it is known there."""
        if self._current is not None and self._current[0] == lesion_id:
            return
        scan = None
        if lesion_id is not None:
            before = self._current[1] if self._current else None
            known = before is not None and self._session.state.known((lesion_id, before)) is not None
            scan = before if known else self._session.lesion(lesion_id).source_scan
        self._current = (lesion_id, scan) if lesion_id is not None and scan is not None else None
        self.current_changed.emit(self._current)

    def _on_restored(self) -> None:
        if self._current is not None and self._current[0] not in self._session.state.lesions:
            self._current = None
        self.current_changed.emit(self._current)
        self._prompting.resume()
