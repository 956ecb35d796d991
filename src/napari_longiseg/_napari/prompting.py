"""What clicks, moved points, boxes and the brush do: prompts of the session, and work for the engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from psygnal import Signal

from napari_longiseg._napari.aim import aim
from napari_longiseg._napari.telling import told
from napari_longiseg._napari.work.job import Priority
from napari_longiseg._napari.work.runner import Runner
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.lesion import BoxPrompt, Click, LesionMask, Review
from napari_longiseg.core.state import Key
from napari_longiseg.session import Session, review
from napari_longiseg.session.history import Step
from napari_longiseg.session.review import Cut
from napari_longiseg.tracking.setup import TrackSettings


@dataclass(frozen=True, eq=False)
class _Placed:
    """A prompt that may yet turn out to hit nothing."""

    step: Step
    lesion: int
    click: Click | None = None


class Prompting:
    """Turns what a reader does in the viewer into prompts, and has outlined what follows from them.

    The first prompt of a lesion brings its outline there and proposals for all other scans; any further one
    concerns its own scan alone.

    Parameters
    ----------
    session : Session
        Is changed.
    runner : Runner
        Does the work.
    settings : callable
        How to track, asked at each prompt; None where that cannot be done now, which was said.

    Attributes
    ----------
    negative : bool
        Clicks are negative even without Shift.
    straight : bool
        All scans are outlined at once, without waiting for the reader to accept the proposed points.
    splitting : tuple of (int, str) or None
        The next click on this lesion and scan says which part of the outline is a lesion of its own.

    Signals
    -------
    noticed(str), failed(str)
        One sentence about what was done, or cannot be.
    touched(int, str)
        The lesion and scan that the reader works on now.
    """

    noticed = Signal(str)
    failed = Signal(str)
    touched = Signal(int, str)

    def __init__(
        self, session: Session, runner: Runner, settings: Callable[[], TrackSettings | None]
    ) -> None:
        self._session = session
        self._runner = runner
        self._settings = settings
        self._placed: _Placed | None = None
        self.negative = False
        self.straight = False
        self.splitting: Key | None = None
        runner.refused.connect(self._on_refused)

    @property
    def waiting(self) -> Collection[Key]:
        """(lesion id, scan id) of all that is being looked for."""
        return self._runner.waiting

    # ---- prompts

    def click(self, scan_id: str, point_mm: Point, positive: bool) -> None:
        """A click in the viewer: a prompt of the lesion that is meant, or of a new one, or its choice."""
        session = self._session
        if self.splitting is not None:
            self._split(scan_id, point_mm)
            return
        positive = positive and not self.negative
        selected = session.selected
        if not positive and (selected is None or session.lesion(selected).source_scan is None):
            self.failed.emit("A lesion starts with a positive click; make a negative one after it.")
            return
        meant = aim(session, scan_id, point_mm, positive)
        if meant.lesion is not None and not meant.adds:
            self._choose(meant.lesion, scan_id)
            return
        click = Click(scan_id, point_mm, positive)
        with told(self.failed.emit):
            lesion_id, step = self._add_click(meant.lesion, click)
            self._placed = _Placed(step, lesion_id, click)
            kind = "Click" if positive else "Negative click"
            self._outline(lesion_id, scan_id, f"{kind} for lesion {lesion_id} on {scan_id}.")

    def move(self, scan_id: str, lesion_id: int, point_mm: Point) -> None:
        """A lesion's point was dragged elsewhere; that finding alone is made anew."""
        with told(self.failed.emit):
            with self._session.action(f"Move the point of lesion {lesion_id} on {scan_id}") as step:
                review.move_point(self._session, lesion_id, scan_id, point_mm)
            self._placed = _Placed(step, lesion_id)
            self._outline(lesion_id, scan_id, f"Moved the point of lesion {lesion_id} on {scan_id}.")

    def box(self, scan_id: str, low_mm: Point, high_mm: Point) -> None:
        """A box was drawn around the selected lesion, or around a new one."""
        session = self._session
        with told(self.failed.emit):
            with session.action(f"Box on {scan_id}") as step:
                lesion_id = session.selected or session.add_lesion().id
                review.set_box(session, lesion_id, BoxPrompt(scan_id, low_mm, high_mm))
            self._placed = _Placed(step, lesion_id)
            self._outline(lesion_id, scan_id, f"Box around lesion {lesion_id} on {scan_id}.")

    def paint(self, scan_id: str, masks: Mapping[int, LesionMask]) -> None:
        """Outlines were painted by hand: they are measured as they are now."""
        session = self._session
        with told(self.failed.emit):
            review.redraw(session, scan_id, masks)
            names = " and ".join(f"lesion {lesion_id}" for lesion_id in sorted(masks))
            self.noticed.emit(f"Painted {names} on {scan_id}; Track looks for it where nothing is known yet.")
            self.touched.emit(max(masks, key=lambda i: (i == session.selected, i)), scan_id)

    # ---- work

    def track(self, lesion_ids: Iterable[int]) -> None:
        """Outline lesions on all scans, but for what is accepted or edited."""
        ready = [i for i in lesion_ids if self._session.lesion(i).source_scan is not None]
        if not ready:
            self.failed.emit("Click a lesion on one of the scans first.")
            return
        if settings := self._settings():
            self._runner.propose(ready, settings, straight=True)

    def find_again(self, lesion_id: int, scan_id: str) -> None:
        """Find what is known of a lesion on a scan anew: by the prompts there, else carried over."""
        if self._session.lesion(lesion_id).point_on(scan_id) is not None:
            self.outline([(lesion_id, scan_id)])
        else:
            self._propose(lesion_id, None)

    def outline(self, keys: Iterable[Key]) -> None:
        """Outline lesions on scans where a reader has accepted the proposed point, or has a prompt."""
        if settings := self._settings():
            self._runner.outline(keys, settings)

    def resume(self) -> None:
        """Ask anew for what an undone or repeated step has left without an answer."""
        session, waiting = self._session, self.waiting
        accepted = [(p.lesion, p.scan) for p in session.proposals if p.verified]
        prompted = [
            (lesion.id, scan)
            for lesion in session.lesions
            for scan in {click.scan for click in lesion.clicks} | {box.scan for box in lesion.boxes}
            if scan != lesion.source_scan
            and lesion.point_on(scan) is not None
            and session.finding(lesion.id, scan) is None
        ]
        if keys := [key for key in accepted + prompted if key not in waiting]:
            self.outline(keys)
        given = {lesion.id: lesion.prompts for lesion in session.study.lesions} if session.study else {}
        for lesion in session.lesions:
            source = lesion.source_scan
            if lesion.prompts == given.get(lesion.id):
                continue  # the study's own, which the reader has not touched: they wait for Track
            known = source is None or session.finding(lesion.id, source) is not None
            if not known and (lesion.id, source) not in waiting:
                self._propose(lesion.id, None)

    # ---- helpers

    def _add_click(self, lesion_id: int | None, click: Click) -> tuple[int, Step]:
        session = self._session
        name = "a new lesion" if lesion_id is None else f"lesion {lesion_id}"
        with session.action(f"Click for {name} on {click.scan}") as step:
            found = session.add_lesion().id if lesion_id is None else lesion_id
            session.add_click(found, click)
        return found, step

    def _outline(self, lesion_id: int, scan_id: str, sentence: str) -> None:
        """Find what a new prompt asks for: the lesion everywhere at its first prompt, else on its scan."""
        lesion, finding = self._session.lesion(lesion_id), self._session.finding(lesion_id, scan_id)
        if finding is not None and finding.review is Review.EDITED:
            sentence += " It is outlined anew there, without what was painted; undo brings that back."
        self.noticed.emit(sentence)
        self.touched.emit(lesion_id, scan_id)
        prompts = len([click for click in lesion.clicks if click.positive]) + len(lesion.boxes)
        if lesion.source_scan == scan_id and prompts == 1 and finding is None:
            self._propose(lesion_id, scan_id)
        else:
            self.outline([(lesion_id, scan_id)])

    def _propose(self, lesion_id: int, clicked_on: str | None) -> None:
        if settings := self._settings():
            self._runner.propose([lesion_id], settings, self.straight, clicked_on)

    def _choose(self, lesion_id: int, scan_id: str) -> None:
        """Select the lesion that was clicked, and look for it where that was not done yet."""
        session = self._session
        session.select(lesion_id)
        self.noticed.emit(f"That is {session.lesion(lesion_id).name or f'lesion {lesion_id}'}, selected now.")
        self.touched.emit(lesion_id, scan_id)
        key = lesion_id, scan_id
        if session.state.known(key) is None and key not in self._runner.waiting:
            self._propose(lesion_id, None)

    def _split(self, scan_id: str, point_mm: Point) -> None:
        key, self.splitting = self.splitting, None
        if key is None or key[1] != scan_id:
            self.failed.emit("Nothing was split: click inside the outline that is to be split.")
            return
        with told(self.failed.emit):
            cut = review.cut(self._session, key[0], scan_id, point_mm)
            if cut.is_large:
                label, done = f"Splitting lesion {key[0]} on {scan_id}", partial(self._on_parts, cut)
                self._runner.run(label, lambda _: iter([cut.parts()]), done, Priority.CLICK)
            else:
                self._on_parts(cut, cut.parts())

    def _on_parts(self, cut: Cut, parts: Any) -> None:  # noqa: ANN401 - as it comes from the engine
        with told(self.failed.emit):
            new, whole = review.split(self._session, cut, parts), cut.whole
            where = f"from {whole.lesion} on {whole.scan}"
            self.noticed.emit(f"Lesion {new} is split {where}; Track looks for it on the other scans.")
            self.touched.emit(new, whole.scan)

    def _on_refused(self, lesion_id: int, why: str) -> None:
        """Take back the prompt that hit nothing, and a lesion that was made for it."""
        placed, self._placed = self._placed, None
        session = self._session
        if placed is None or placed.lesion != lesion_id:
            self.failed.emit(why)
            return
        if not session.withdraw(placed.step) and placed.click is not None:
            with session.action("Take back a click that hit nothing"):
                session.remove_click(lesion_id, placed.click)
                lesion = session.lesion(lesion_id)
                if lesion.source_scan is None and not lesion.name:
                    session.remove_lesion(lesion_id)
        self.failed.emit(f"{why} Nothing was marked: click inside the lesion.")
