"""What a session knows, and how to ask for it."""

from __future__ import annotations

from collections.abc import Iterable

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Point
from napari_longiseg.core.lesion import Finding, Lesion
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.core.state import State


class Known:
    """A study, and what is known of its lesions at this moment. Nothing here changes it."""

    def __init__(self) -> None:
        self._study: Study | None = None
        self._state = State()

    @property
    def study(self) -> Study | None:
        """The scans; lesions live in :attr:`lesions`."""
        return self._study

    @property
    def state(self) -> State:
        """All that is known of the lesions, as a value."""
        return self._state

    @property
    def lesions(self) -> tuple[Lesion, ...]:
        """All lesions by id."""
        return tuple(self._state.lesions[i] for i in sorted(self._state.lesions))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings."""
        return tuple(self._state.findings.values())

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """Where lesions are expected that were not outlined yet."""
        return tuple(self._state.proposals.values())

    def scan(self, scan_id: str) -> Scan:
        """One scan of the study."""
        return self._opened().scan(scan_id)

    def check_inside(self, scan_id: str, point_mm: Point) -> None:
        """Refuse a point (LPS mm, order z, y, x) that is not on a scan.

        Raises
        ------
        InputError
            When it lies outside, or there is no such scan.
        """
        if not self.scan(scan_id).grid.contains(point_mm):
            msg = f"That point lies outside scan {scan_id}: choose one inside."
            raise InputError(msg)

    def lesion(self, lesion_id: int) -> Lesion:
        """One lesion.

        Raises
        ------
        InputError
            When there is none with this id.
        """
        if lesion_id not in self._state.lesions:
            msg = f"There is no lesion {lesion_id}."
            raise InputError(msg)
        return self._state.lesions[lesion_id]

    def finding(self, lesion_id: int, scan_id: str) -> Finding | None:
        """What was found of a lesion on a scan."""
        return self._state.findings.get((lesion_id, scan_id))

    def found(self, lesion_id: int, scan_id: str) -> Finding:
        """What was found of a lesion on a scan, for those who need it.

        Raises
        ------
        InputError
            When there is no such lesion or scan, or nothing was found there yet; a proposal is no finding.
        """
        self.lesion(lesion_id)
        self.scan(scan_id)
        finding = self.finding(lesion_id, scan_id)
        if finding is None:
            msg = f"Lesion {lesion_id} is not outlined on {scan_id} yet: outline it there first."
            raise InputError(msg)
        return finding

    def proposal(self, lesion_id: int, scan_id: str) -> Proposal | None:
        """Where a lesion is expected on a scan, until something is found there."""
        return self._state.proposals.get((lesion_id, scan_id))

    def findings_on(self, scan_id: str) -> tuple[Finding, ...]:
        """All findings of one scan by lesion id."""
        keys = sorted(key for key in self._state.findings if key[1] == scan_id)
        return tuple(self._state.findings[key] for key in keys)

    def proposals_on(self, scan_id: str) -> tuple[Proposal, ...]:
        """All proposals of one scan by lesion id."""
        keys = sorted(key for key in self._state.proposals if key[1] == scan_id)
        return tuple(self._state.proposals[key] for key in keys)

    def point_on(self, lesion_id: int, scan_id: str) -> Point | None:
        """Where a lesion is on a scan, is expected, or was looked for; where a reader pointed otherwise."""
        known = self._state.known((lesion_id, scan_id))
        if known is not None and known.point_mm is not None:
            return known.point_mm
        return self.lesion(lesion_id).point_on(scan_id)

    def study_with(self, lesion_ids: Iterable[int]) -> Study:
        """The scans with some of the lesions, as they are now; what a tracking run works on.

        Raises
        ------
        InputError
            When no study is open, or there is no such lesion.
        """
        return self._opened().with_lesions(tuple(self.lesion(i) for i in sorted(set(lesion_ids))))

    def _opened(self) -> Study:
        if self._study is None:
            msg = "No study is open."
            raise InputError(msg)
        return self._study
