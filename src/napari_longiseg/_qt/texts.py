"""What the panel says about studies, lesions and findings; pure functions."""

from __future__ import annotations

from napari_longiseg._napari.check_layers import SOURCE_COLOUR, TARGET_COLOUR, View
from napari_longiseg.core.lesion import Finding, Lesion, Presence
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.registration.check import LINES_MM, RegistrationCheck

PRESENCE = {
    Presence.PRESENT: "present",
    Presence.NOT_FOUND: "not found",
    Presence.OUT_OF_VIEW: "out of view",
    Presence.RESOLVED: "resolved",
    Presence.NOT_EVALUABLE: "not evaluable",
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
        return "Open all scans of one patient: with the button above, File > Open, or File > Open Sample."
    if not study.lesions:
        return "Click a lesion on any scan: it is outlined there and on all the others."
    marked = "1 lesion is" if len(study.lesions) == 1 else f"{len(study.lesions)} lesions are"
    return f"{marked} marked. Press Track all, or click any lesion on any scan."


def scan_text(scan: Scan) -> str:
    """Header of a scan's column."""
    return f"{scan.id}\n{scan.date.isoformat()}" if scan.date else scan.id


def finding_text(finding: Finding | None, waiting: bool) -> str:
    """Volume over long axis, or why there is none."""
    if finding is None:
        return "…" if waiting else "-"
    if finding.merged_into is not None:
        return f"merged\ninto {finding.merged_into}"
    if finding.measurements is None:
        return PRESENCE[finding.presence]
    return f"{volume_text(finding.measurements.volume_ml)}\n{finding.measurements.long_axis_mm:.1f} mm"


def volume_text(volume_ml: float) -> str:
    """Volume with two or three figures that count."""
    return f"{volume_ml:.2f} ml" if volume_ml < 10 else f"{volume_ml:.1f} ml"


def finding_tip(finding: Finding | None) -> str:
    """All that is known of a finding, one fact per line."""
    if finding is None:
        return "Not tracked yet."
    lines = [f"{PRESENCE[finding.presence].capitalize()} ({finding.origin}, {finding.review})"]
    if size := finding.measurements:
        lines.append(f"Volume {volume_text(size.volume_ml)}")
        lines.append(f"Long axis {size.long_axis_mm:.1f} mm, short axis {size.short_axis_mm:.1f} mm")
        lines.append(f"Mean {size.mean_hu:.0f} HU")
    if finding.uncertainty_mm is not None:
        lines.append(f"Point carried over from {finding.source_scan}, ± {finding.uncertainty_mm:.1f} mm")
    if finding.reason:
        lines.append(finding.reason)
    return "\n".join(lines)


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
