"""What came of a tracking run, in a few sentences; pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from napari_longiseg.core.lesion import Lesion, Presence
from napari_longiseg.core.state import Key
from napari_longiseg.session import Session
from napari_longiseg.tracking.record import PairRecord


def what_next(lesions: int) -> str:
    """What a reader can do with a study in which so many lesions are marked."""
    if not lesions:
        return "Click a lesion on any scan: it is outlined there and on all the others."
    marked = "1 lesion is" if lesions == 1 else f"{lesions} lesions are"
    return f"{marked} marked. Press Track all, or click any lesion on any scan."


def run_summary(session: Session, keys: Collection[Key]) -> str:
    """Say on which scans lesions were outlined."""
    known = _known(session, keys)
    if session.study is None or not known:
        return "Done."
    scans = [scan.id for scan in session.study.scans]
    if len(known) > 1:
        found = sum(_is_present(session, lesion.id, scan) for lesion in known for scan in scans)
        return f"Tracked {len(known)} lesions: outlined {found} times of {len(known) * len(scans)}."
    lesion = known[0]
    missing = [scan for scan in scans if not _is_present(session, lesion.id, scan)]
    what = f"{_name(lesion)}: outlined on {len(scans) - len(missing)} of {len(scans)} scans"
    what += f", not on {' and '.join(missing)}." if missing else "."
    return f"{what} To mark another one, click it on {lesion.source_scan}, or press Add lesion."


def proposal_summary(session: Session, keys: Collection[Key]) -> str:
    """Say on which scans lesions are proposed, and wait for a reader."""
    known = _known(session, keys)
    open_ = [key for key in keys if session.proposal(*key) is not None]
    if not known or not open_:
        return run_summary(session, keys)
    if len(known) > 1:
        return f"{len(known)} lesions are proposed at {len(open_)} places: accept or move each point."
    scans = " and ".join(sorted(scan for _, scan in open_))
    return f"{_name(known[0])} is proposed on {scans}: look there, then accept or move the point."


def outline_summary(session: Session, keys: Collection[Key]) -> str:
    """Say whether lesions were outlined where that was asked for."""
    if len(keys) != 1:
        found = sum(_is_present(session, *key) for key in keys)
        return f"Outlined {found} times of {len(keys)}."
    ((lesion_id, scan),) = keys
    finding, known = session.finding(lesion_id, scan), _known(session, keys)
    if not known or finding is None:
        return "Done."
    if _is_present(session, lesion_id, scan):
        return f"{_name(known[0])} is outlined on {scan}."
    return f"{_name(known[0])} is not outlined on {scan}: {finding.reason or 'it was not found there.'}"


def export_summary(session: Session, folder: Path) -> str:
    """Say where results are, and how many rows of them nobody has reviewed."""
    rows = len(session.lesions) * len(session.study.scans if session.study else ())
    left = rows - sum(finding.is_reviewed for finding in session.findings)
    return f"Results are in {folder}." + (f" {left} of {rows} rows were not reviewed." if left else "")


def doubts_of(session: Session, keys: Collection[Key], pairs: Iterable[PairRecord]) -> str:
    """Say which alignments that lesions were carried over by are doubtful; empty where none is."""
    sources = {lesion.id: lesion.source_scan for lesion in session.lesions}
    carried = {(sources.get(lesion_id), scan) for lesion_id, scan in keys}
    doubtful = [pair for pair in pairs if pair.doubt and (pair.source, pair.target) in carried]
    if not doubtful:
        return ""
    first, others = doubtful[0], len(doubtful) - 1
    more = ["", " So is 1 other pair.", f" So are {others} other pairs."][min(others, 2)]
    return f"The alignment of {first.source} to {first.target} is doubtful: {first.doubt}{more}"


def _known(session: Session, keys: Collection[Key]) -> list[Lesion]:
    ids = {lesion_id for lesion_id, _ in keys}
    return [lesion for lesion in session.lesions if lesion.id in ids]


def _name(lesion: Lesion) -> str:
    return lesion.name or f"Lesion {lesion.id}"


def _is_present(session: Session, lesion_id: int, scan_id: str) -> bool:
    finding = session.finding(lesion_id, scan_id)
    return finding is not None and finding.presence is Presence.PRESENT and finding.mask is not None
