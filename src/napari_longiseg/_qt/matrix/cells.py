"""What a cell of the matrix shows of a lesion on a scan; pure functions."""

from __future__ import annotations

from dataclasses import dataclass

from napari_longiseg._qt.texts import PRESENCE, change_text, volume_text
from napari_longiseg.core.lesion import Finding, Origin, Presence, Review
from napari_longiseg.core.measure import change_pct
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.series import sizes
from napari_longiseg.session.review import is_unreviewed

EXPECTED = "○"
WAITING = "…"
MARKED = "✛"
NOTHING = "-"
REVIEW = {Review.PROPOSED: "◐", Review.ACCEPTED: "✓", Review.EDITED: "✎"}
PRESENCE_GLYPHS = {
    Presence.PRESENT: "",
    Presence.NOT_FOUND: "∅",
    Presence.OUT_OF_VIEW: "⇥",
    Presence.RESOLVED: "✕",
    Presence.NOT_EVALUABLE: "?",
}
NEW, MERGED, SPLIT = "✚", "⇒", "⇐"
DOUBT = "!"


@dataclass(frozen=True, slots=True)
class Cell:
    """One lesion on one scan, as it is shown.

    Attributes
    ----------
    glyphs : str
        Its state in short: what a reader has made of it, then what it is.
    head, detail : str
        What stands beside the glyphs, and below: volume and long axis, where they are known.
    state : str
        The state in words.
    unreviewed : bool
        A reader has still to look at it.
    volume_ml, long_axis_mm : float or None
        0 where a reader says that it is gone.
    change_pct, axis_change_pct : float or None
        Of the volume and of the long axis, against the source scan; None on that scan itself.
    """

    glyphs: str
    head: str = ""
    detail: str = ""
    state: str = ""
    unreviewed: bool = False
    volume_ml: float | None = None
    long_axis_mm: float | None = None
    change_pct: float | None = None
    axis_change_pct: float | None = None

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """One or two lines beside the glyphs, each with the change of what it tells, where that is known."""
        if not self.detail:
            return ((self.head, ""),)
        if not self.head:
            return ((self.detail, ""),)
        changes = (self.change_pct, self.axis_change_pct)
        shown = ("" if pct is None else change_text(pct) for pct in changes)
        return tuple(zip((self.head, self.detail), shown, strict=True))

    @property
    def text(self) -> str:
        """All of it."""
        first, *rest = (" ".join(filter(None, line)) for line in self.lines)
        return "\n".join([f"{self.glyphs} {first}".strip(), *rest])


def cell(
    known: Finding | Proposal | None, source: Finding | None, waiting: bool, marked: bool = False
) -> Cell:
    """What is shown of what is known.

    Parameters
    ----------
    known : Finding or Proposal or None
        Of the lesion on the scan.
    source : Finding or None
        The same lesion on the scan that *known* comes from; changes are against it.
    waiting : bool
        Something is being found there.
    marked : bool
        A reader has clicked it there, or drawn a box.
    """
    if known is None and waiting:
        return Cell(WAITING, state="being found")
    if known is None:
        return Cell(MARKED, "marked", state="marked") if marked else Cell(NOTHING)
    if isinstance(known, Proposal):
        return _expected(known, waiting)
    return _found(known, source, waiting)


def _expected(proposal: Proposal, waiting: bool) -> Cell:
    far = "" if proposal.uncertainty_mm is None else f"±{proposal.uncertainty_mm:.0f} mm"
    state = "point accepted" if proposal.verified else "expected"
    glyphs = f"{EXPECTED}{REVIEW[Review.ACCEPTED]}" if proposal.verified else EXPECTED
    return Cell(
        f"{WAITING} {EXPECTED}" if waiting else glyphs,
        far or state,
        "doubtful" if proposal.doubt and not proposal.verified else "",
        state,
        is_unreviewed(proposal),
    )


def _found(finding: Finding, source: Finding | None, waiting: bool) -> Cell:
    volume, axis, _, _ = sizes(finding)
    change, axis_change = _changes_pct(finding, source)
    glyphs, words = _edges(finding)
    if finding.is_doubtful:
        glyphs, words = f"{glyphs}{DOUBT}", f"{words}, doubtful"
    head, detail = "", words
    if finding.measurements is not None and finding.merged_into is None:
        head, detail = volume_text(finding.measurements.volume_ml), f"{axis:.1f} mm"
    return Cell(
        f"{WAITING if waiting else REVIEW[finding.review]}{glyphs}",
        head,
        detail,
        f"{words}, {finding.review}",
        is_unreviewed(finding),
        volume,
        axis,
        change,
        axis_change,
    )


def _changes_pct(finding: Finding, source: Finding | None) -> tuple[float | None, float | None]:
    """Of the volume and of the long axis."""
    if source is None or finding.scan == finding.source_scan:
        return None, None
    (volume, axis, *_), (volume_before, axis_before, *_) = sizes(finding), sizes(source)
    return change_pct(volume, volume_before), change_pct(axis, axis_before)


def _edges(finding: Finding) -> tuple[str, str]:
    """Glyphs and words of what a lesion is on a scan, and how it came to be."""
    if finding.merged_into is not None:
        return f"{MERGED}{finding.merged_into}", f"merged into {finding.merged_into}"
    glyphs, words = PRESENCE_GLYPHS[finding.presence], PRESENCE[finding.presence]
    if finding.presence is not Presence.PRESENT:
        return glyphs, words
    if finding.split_from is not None:
        return f"{SPLIT}{finding.split_from}", f"split from {finding.split_from}"
    return (NEW, "new") if finding.origin is Origin.NEW else (glyphs, words)
