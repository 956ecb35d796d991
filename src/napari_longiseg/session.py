"""The one mutable object: the study, its lesions, clicks and findings. Everything else observes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from psygnal import Signal

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.lesion import Click, Finding, Lesion
from napari_longiseg.core.scan import Scan, Study


class Session:
    """What a reader works on.

    All changes are made from one thread, the GUI's where there is one.

    Signals
    -------
    study_changed(Study or None)
        Another study was opened, or the study was closed.
    lesions_changed()
        A lesion was added, removed, renamed or clicked.
    selection_changed(int or None)
        Another lesion is selected.
    findings_changed(int, str)
        The finding of (lesion id, scan id) was set or removed.
    """

    study_changed = Signal(object)
    lesions_changed = Signal()
    selection_changed = Signal(object)
    findings_changed = Signal(int, str)

    def __init__(self) -> None:
        self._study: Study | None = None
        self._lesions: dict[int, Lesion] = {}
        self._findings: dict[tuple[int, str], Finding] = {}
        self._selected: int | None = None

    @property
    def study(self) -> Study | None:
        """The scans; lesions live in :attr:`lesions`."""
        return self._study

    @property
    def lesions(self) -> tuple[Lesion, ...]:
        """All lesions by id."""
        return tuple(self._lesions[i] for i in sorted(self._lesions))

    @property
    def selected(self) -> int | None:
        """Id of the lesion that clicks go to."""
        return self._selected

    def open(self, study: Study | None) -> None:
        """Work on this study from now on, with its lesions, no findings, and no lesion selected.

        With none selected the first click makes a lesion of its own, instead of adding to one that the
        reader may not have looked at.
        """
        self._study = study
        self._lesions = {lesion.id: lesion for lesion in study.lesions} if study else {}
        self._findings = {}
        self._selected = None
        self.study_changed.emit(study)
        self.lesions_changed.emit()
        self.selection_changed.emit(None)

    def announce(self) -> None:
        """Tell everything anew, for those who begin to watch a session that is at work already."""
        self.study_changed.emit(self._study)
        self.lesions_changed.emit()
        self.selection_changed.emit(self._selected)
        for lesion_id, scan_id in tuple(self._findings):
            self.findings_changed.emit(lesion_id, scan_id)

    def lesion(self, lesion_id: int) -> Lesion:
        """One lesion.

        Raises
        ------
        InputError
            When there is none with this id.
        """
        if lesion_id not in self._lesions:
            msg = f"There is no lesion {lesion_id}."
            raise InputError(msg)
        return self._lesions[lesion_id]

    def study_with(self, lesion_ids: Iterable[int]) -> Study:
        """The scans with some of the lesions, as they are now; what a tracking run works on.

        Raises
        ------
        InputError
            When no study is open, or there is no such lesion.
        """
        return self._opened().with_lesions(tuple(self.lesion(i) for i in sorted(set(lesion_ids))))

    def point_on(self, lesion_id: int, scan_id: str) -> Point | None:
        """Where a lesion is, or was looked for, on a scan; its first positive click before it is tracked."""
        finding = self.finding(lesion_id, scan_id)
        if finding is not None and finding.point_mm is not None:
            return finding.point_mm
        clicks = self.lesion(lesion_id).clicks_on(scan_id)
        return next((click.point_mm for click in clicks if click.positive), None)

    def add_lesion(self, name: str = "") -> Lesion:
        """Add a lesion with the next free id and select it."""
        lesion = Lesion(max(self._lesions, default=0) + 1, name)
        self._lesions[lesion.id] = lesion
        self.lesions_changed.emit()
        self.select(lesion.id)
        return lesion

    def rename(self, lesion_id: int, name: str) -> None:
        """Give a lesion another name."""
        self._lesions[lesion_id] = replace(self.lesion(lesion_id), name=name)
        self.lesions_changed.emit()

    def remove_lesion(self, lesion_id: int) -> None:
        """Remove a lesion with its clicks and findings; if it was selected, none is then."""
        self.lesion(lesion_id)
        del self._lesions[lesion_id]
        self.clear_findings(lesion_id)
        if self._selected == lesion_id:
            self.select(None)
        self.lesions_changed.emit()

    def select(self, lesion_id: int | None) -> None:
        """Send clicks to this lesion from now on."""
        if lesion_id is not None:
            self.lesion(lesion_id)
        if lesion_id != self._selected:
            self._selected = lesion_id
            self.selection_changed.emit(lesion_id)

    def add_click(self, lesion_id: int, click: Click) -> None:
        """Add a click to a lesion.

        Raises
        ------
        InputError
            When it lies outside its scan.
        """
        scan = self.scan(click.scan)
        if not scan.grid.contains(click.point_mm):
            msg = f"That click lies outside scan {scan.id}."
            raise InputError(msg)
        lesion = self.lesion(lesion_id)
        self._lesions[lesion_id] = replace(lesion, clicks=(*lesion.clicks, click))
        self.lesions_changed.emit()

    def remove_click(self, lesion_id: int, click: Click) -> None:
        """Take a click back; the findings stay."""
        lesion = self.lesion(lesion_id)
        self._lesions[lesion_id] = replace(lesion, clicks=tuple(c for c in lesion.clicks if c != click))
        self.lesions_changed.emit()

    def scan(self, scan_id: str) -> Scan:
        """One scan of the study."""
        return self._opened().scan(scan_id)

    def finding(self, lesion_id: int, scan_id: str) -> Finding | None:
        """What is known of a lesion on a scan."""
        return self._findings.get((lesion_id, scan_id))

    def findings_on(self, scan_id: str) -> tuple[Finding, ...]:
        """All findings of one scan by lesion id."""
        keys = sorted(key for key in self._findings if key[1] == scan_id)
        return tuple(self._findings[key] for key in keys)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings."""
        return tuple(self._findings.values())

    def set_finding(self, finding: Finding) -> None:
        """Put a finding in the place of the one before it.

        Raises
        ------
        InputError
            When there is no such lesion or scan.
        """
        self.lesion(finding.lesion)
        self.scan(finding.scan)
        self._findings[finding.lesion, finding.scan] = finding
        self.findings_changed.emit(finding.lesion, finding.scan)

    def clear_findings(self, lesion_id: int) -> None:
        """Forget all findings of a lesion."""
        for key in [key for key in self._findings if key[0] == lesion_id]:
            del self._findings[key]
            self.findings_changed.emit(*key)

    def _opened(self) -> Study:
        if self._study is None:
            msg = "No study is open."
            raise InputError(msg)
        return self._study
