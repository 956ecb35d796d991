"""The lesion under review on one scan, and what a reader can say of it."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from superqt import QElidingLabel

from napari_longiseg._qt.texts import PRESENCE, REVIEW, doubt_text, volume_text
from napari_longiseg.core.lesion import Finding, Presence
from napari_longiseg.core.proposal import Proposal

WIDTHS = (5, 4, 4, 4)
"""Of the columns of buttons, by their longest words; the dock is narrow."""
DOUBT_STYLE = "color: #e69f00; font-weight: bold;"
"""Readable on napari's dark and light backgrounds."""


class ReviewBar(QWidget):
    """Tells what is known of a lesion on a scan, and passes on what the reader makes of it.

    Attributes
    ----------
    state, doubt : QLabel
        What is known, and why it should be looked at twice.
    accept, reset, resolved, not_evaluable, new, merge, split, next : QPushButton
        Enabled where that makes sense.

    Signals
    -------
    accept_requested(), reset_requested(), resolved_requested(), not_evaluable_requested(), new_requested(),
    merge_requested(), split_requested(), next_requested()
        A button was pressed.
    """

    accept_requested = Signal()
    reset_requested = Signal()
    resolved_requested = Signal()
    not_evaluable_requested = Signal()
    new_requested = Signal()
    merge_requested = Signal()
    split_requested = Signal()
    next_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = QLabel()
        self.doubt = QElidingLabel()
        self.accept = QPushButton("Accept")
        self.reset = QPushButton("Reset")
        self.resolved = QPushButton("Resolved")
        self.new = QPushButton("New here")
        self.merge = QPushButton("Merge…")
        self.split = QPushButton("Split…")
        self.not_evaluable = QPushButton("Not evaluable")
        self.next = QPushButton("Next")
        self._explain()
        self._lay_out()
        self._connect()
        self.show_state("", "", None, None, 0)

    def show_state(
        self,
        lesion_text: str,
        scan_id: str,
        finding: Finding | None,
        proposal: Proposal | None,
        unreviewed: int,
    ) -> None:
        """Show what is known, and enable what can be said of it.

        Parameters
        ----------
        lesion_text : str
            What the lesion is called; empty where none is under review.
        scan_id : str
            The scan under review; empty where there is none.
        finding, proposal
            What is known of the lesion there; at most one of the two.
        unreviewed : int
            Number of findings and proposals of all lesions that are still to be looked at.
        """
        under_review = bool(lesion_text and scan_id)
        outlined = finding is not None and finding.mask is not None
        presence = None if finding is None else finding.presence
        self.state.setText(review_text(lesion_text, scan_id, finding, proposal))
        doubt = doubt_text(finding or proposal)
        self.doubt.setText(doubt)
        self.doubt.setToolTip(doubt)
        fresh = finding is not None and not finding.is_reviewed
        self.accept.setEnabled(fresh or proposal is not None)
        self.reset.setEnabled(finding is not None or proposal is not None)
        self.resolved.setEnabled(under_review and presence is not Presence.RESOLVED)
        self.not_evaluable.setEnabled(under_review and not (presence is Presence.NOT_EVALUABLE and not fresh))
        for button in (self.new, self.merge, self.split):
            button.setEnabled(outlined)
        self.next.setEnabled(unreviewed > 0)
        self.next.setText(f"Next ({unreviewed})" if unreviewed else "Next")

    # ---- build

    def _explain(self) -> None:
        self.accept.setToolTip(
            "Agree with the outline, or that the lesion is gone; or outline it at the proposed point (Y)"
        )
        self.reset.setToolTip("Forget your clicks, box and painting for this lesion on this scan")
        self.resolved.setToolTip("The lesion is gone on this scan")
        self.new.setToolTip("The lesion appears on this scan first; on earlier ones it was not there")
        self.merge.setToolTip("The lesion has become one with another on this scan: choose that one next")
        self.split.setToolTip("Part of this outline is another lesion: click that part next")
        self.not_evaluable.setToolTip("Nobody can tell anything of the lesion on this scan")
        self.next.setToolTip("Go to the next lesion and scan that nobody has looked at (Shift-Y)")

    def _lay_out(self) -> None:
        self.state.setWordWrap(True)
        self.doubt.setStyleSheet(DOUBT_STYLE)
        self.doubt.setMinimumHeight(self.doubt.fontMetrics().height() + 2)  # its line stays, or buttons jump
        grid = QGridLayout()
        rows = (
            (self.accept, self.next, self.resolved, self.new),
            (self.not_evaluable, self.reset, self.merge, self.split),
        )
        for row, buttons in enumerate(rows):
            for column, button in enumerate(buttons):
                button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
                grid.addWidget(button, row, column)
        for column, width in enumerate(WIDTHS):
            grid.setColumnStretch(column, width)
        below = QVBoxLayout(self)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(self.state)
        below.addWidget(self.doubt)
        below.addLayout(grid)

    def _connect(self) -> None:
        self.accept.clicked.connect(self.accept_requested)
        self.reset.clicked.connect(self.reset_requested)
        self.resolved.clicked.connect(self.resolved_requested)
        self.not_evaluable.clicked.connect(self.not_evaluable_requested)
        self.new.clicked.connect(self.new_requested)
        self.merge.clicked.connect(self.merge_requested)
        self.split.clicked.connect(self.split_requested)
        self.next.clicked.connect(self.next_requested)


def review_text(lesion_text: str, scan_id: str, finding: Finding | None, proposal: Proposal | None) -> str:
    """What is known of a lesion on a scan, in one line: "Lesion 3 on T1: accepted, 2.10 ml, ±3 mm"."""
    if not lesion_text or not scan_id:
        return "Select a lesion to review it."
    facts = ["not tracked yet"]
    if proposal is not None:
        facts = ["point accepted, to be outlined" if proposal.verified else "expected here", _far(proposal)]
    elif finding is not None:
        facts = [REVIEW[finding.review]]
        if finding.merged_into is not None:
            facts.append(f"merged into lesion {finding.merged_into}")
        elif finding.measurements is not None:
            facts.append(volume_text(finding.measurements.volume_ml))
        else:
            facts.append(PRESENCE[finding.presence])
        facts.append(_far(finding))
    return f"{lesion_text} on {scan_id}: {', '.join(fact for fact in facts if fact)}"


def _far(known: Finding | Proposal) -> str:
    return "" if known.uncertainty_mm is None else f"±{known.uncertainty_mm:.0f} mm"
