"""The outlines of a session, painted into the label layers of its cells."""

from __future__ import annotations

from napari_longiseg._napari.view.cell import Cell
from napari_longiseg.core.geometry import Box
from napari_longiseg.session import Session


class LabelView:
    """Paints findings, and remembers where, so that nothing is left of them when they change.

    Parameters
    ----------
    session : Session
        What is shown.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._painted: dict[tuple[int, str], Box] = {}

    def forget(self) -> None:
        """All cells are new."""
        self._painted.clear()

    def paint(self, cell: Cell, lesion_id: int) -> None:
        """Paint one lesion's box anew, together with where it was before."""
        finding = self._session.finding(lesion_id, cell.scan.id)
        before = self._painted.pop((lesion_id, cell.scan.id), None)
        now = finding.mask.box if finding is not None and finding.mask is not None else None
        if now is not None:
            self._painted[lesion_id, cell.scan.id] = now
        cell.paint(
            self._session.findings_on(cell.scan.id), *{box for box in (before, now) if box is not None}
        )

    def fill(self, cell: Cell) -> None:
        """Paint all lesions into an empty label layer."""
        findings = self._session.findings_on(cell.scan.id)
        boxes = {(f.lesion, f.scan): f.mask.box for f in findings if f.mask is not None}
        self._painted |= boxes
        cell.paint(findings, *boxes.values())
