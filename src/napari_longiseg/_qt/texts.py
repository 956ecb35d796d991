"""What the panel says about studies, lesions and findings; pure functions."""

from __future__ import annotations

from napari_longiseg._napari.check.layers import SOURCE_COLOUR, TARGET_COLOUR, View
from napari_longiseg._napari.work.summary import what_next
from napari_longiseg.core.lesion import Finding, Lesion, Origin, Presence, Review
from napari_longiseg.core.proposal import Proposal
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.registration.check import LINES_MM, RegistrationCheck

PRESENCE = {
    Presence.PRESENT: "present",
    Presence.NOT_FOUND: "not found",
    Presence.OUT_OF_VIEW: "out of view",
    Presence.RESOLVED: "resolved",
    Presence.NOT_EVALUABLE: "not evaluable",
}

REVIEW = {
    Review.PROPOSED: "not reviewed yet",
    Review.ACCEPTED: "accepted",
    Review.EDITED: "edited by a reader",
}
ORIGIN = {
    Origin.SOURCE: "A reader marked it on this scan.",
    Origin.PROPAGATED: "Found from another scan.",
    Origin.NEW: "New on this scan.",
}


def lesion_text(lesion: Lesion) -> str:
    """Its name, or its number where it has none."""
    return lesion.name or f"Lesion {lesion.id}"


def study_text(study: Study | None) -> str:
    """Patient, number of scans and dates."""
    if study is None:
        return "No study is open."
    dates = [scan.date.isoformat() for scan in study.scans if scan.date]
    scans = "1 scan" if len(study.scans) == 1 else f"{len(study.scans)} scans"
    parts = [study.patient, scans]
    if dates:
        parts.append(dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}")
    return " · ".join(parts)


def next_step(study: Study | None) -> str:
    """What to do now that this study is open."""
    if study is None:
        return "Open all scans of one patient, or the sample, with Open… above; or drop files on the viewer."
    return what_next(len(study.lesions))


def scan_text(scan: Scan) -> str:
    """Header of a scan's column."""
    return f"{scan.id}\n{scan.date.isoformat()}" if scan.date else scan.id


def volume_text(volume_ml: float) -> str:
    """Volume with two or three figures that count."""
    return f"{volume_ml:.2f} ml" if volume_ml < 10 else f"{volume_ml:.1f} ml"


def change_text(pct: float) -> str:
    """A change in per cent, always with its sign."""
    return f"{round(pct):+d} %" if round(pct) else "0 %"


def doubt_text(known: Finding | Proposal | None) -> str:
    """Why a reader should look twice at what nobody has reviewed yet; empty where all seems well."""
    if isinstance(known, Proposal):
        return "" if known.verified else known.doubt
    if known is not None and known.presence is Presence.NOT_FOUND and not known.is_reviewed:
        return f"Accepted, it counts as gone. {known.reason}".strip()
    if known is None or not known.is_doubtful:
        return ""
    return known.reason or f"{known.segmenter.capitalize()} is not sure of this outline: check it."


def cell_tip(
    known: Finding | Proposal | None, change_pct: float | None, waiting: bool, marked: bool = False
) -> str:
    """All that is known of a lesion on a scan, one fact per line.

    Parameters
    ----------
    known : Finding or Proposal or None
        What was found there, or where it is expected.
    change_pct : float or None
        Of the volume, against the source scan.
    waiting : bool
        Something is being found there.
    marked : bool
        A reader has clicked it there, or drawn a box.
    """
    lines = ["Being found now."] if waiting else []
    if isinstance(known, Proposal):
        lines += _proposal_lines(known)
    elif known is not None:
        lines += _finding_lines(known, change_pct)
    return "\n".join(lines) or ("Marked here: Track outlines it." if marked else "Not tracked yet.")


def _proposal_lines(proposal: Proposal) -> list[str]:
    lines = ["Expected here; the outline comes when the point is accepted."]
    if proposal.verified:
        lines = ["The point is accepted; the outline is still to come."]
    lines.append(_carried(proposal.source_scan, proposal.uncertainty_mm, proposal.registration))
    return [*lines, proposal.doubt] if proposal.doubt else lines


def _finding_lines(finding: Finding, change_pct: float | None) -> list[str]:
    lines = [f"{PRESENCE[finding.presence].capitalize()}, {REVIEW[finding.review]}."]
    if finding.merged_into is not None:
        lines = [f"Merged into lesion {finding.merged_into}, {REVIEW[finding.review]}."]
    if finding.split_from is not None:
        lines.append(f"Split from lesion {finding.split_from}.")
    lines.append(ORIGIN[finding.origin])
    if size := finding.measurements:
        change = "" if change_pct is None else f", {change_text(change_pct)} against {finding.source_scan}"
        lines.append(f"Volume {volume_text(size.volume_ml)}{change}")
        lines.append(f"Long axis {size.long_axis_mm:.1f} mm, short axis {size.short_axis_mm:.1f} mm")
        lines.append(f"Mean {size.mean_hu:.0f} HU")
    if finding.uncertainty_mm is not None:
        lines.append(_carried(finding.source_scan, finding.uncertainty_mm, finding.registration))
    if finding.mask is not None and finding.confidence is not None:
        lines.append(f"Confidence {finding.confidence:.2f} of {finding.segmenter}.")
    return [*lines, finding.reason] if finding.reason else lines


def _carried(source: str, uncertainty_mm: float | None, registration: str) -> str:
    far = "" if uncertainty_mm is None else f", ± {uncertainty_mm:.1f} mm"
    by = f" by {registration}" if registration else ""
    return f"Point carried over from {source}{by}{far}."


def check_text(check: RegistrationCheck) -> str:
    """Which scans were aligned and by what, which the form may not show any more, and how well they fit."""
    by = f" by {check.method}" if check.method else ""
    return f"{check.source.id} on {check.target.id}{by}: {check.report.summary}"


def view_hint(check: RegistrationCheck, view: View) -> str:
    """What to look for in a view of a registration."""
    source, target = check.source.id, check.target.id
    if view is View.OVERLAY:
        colours = (
            f"{SOURCE_COLOUR.capitalize()}: {source} alone. {TARGET_COLOUR.capitalize()}: {target} alone."
        )
        return f"Grey: both agree. {colours}"
    if view is View.CHECKERBOARD:
        return f"{source} and {target} in turn: outlines must run on."
    if view is View.GRID:
        return f"Lines {LINES_MM:g} mm apart on {source}, as they lie on {target}."
    if view is View.UNCERTAINTY and not check.tells_uncertainty:
        return "This registration cannot tell how far off it is."
    return "In mm: nine of ten points are off by less." if view is View.UNCERTAINTY else ""
