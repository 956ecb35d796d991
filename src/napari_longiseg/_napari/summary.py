"""What came of a tracking run, in a few sentences; pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from napari_longiseg.core.lesion import Presence
from napari_longiseg.session import Session
from napari_longiseg.tracking.record import PairRecord


def run_summary(session: Session, lesion_ids: Collection[int]) -> str:
    """Say on which scans lesions were found."""
    known = [lesion for lesion in session.lesions if lesion.id in lesion_ids]
    if session.study is None or not known:
        return "Done."
    scans = [scan.id for scan in session.study.scans]
    if len(known) > 1:
        found = sum(_is_present(session, lesion.id, scan) for lesion in known for scan in scans)
        return f"Tracked {len(known)} lesions: outlined {found} times of {len(known) * len(scans)}."
    lesion = known[0]
    name = lesion.name or f"Lesion {lesion.id}"
    missing = [scan for scan in scans if not _is_present(session, lesion.id, scan)]
    what = f"{name}: outlined on {len(scans) - len(missing)} of {len(scans)} scans"
    what += f", not on {' and '.join(missing)}." if missing else "."
    return f"{what} To mark another one, click it on {lesion.source_scan}, or press Add lesion."


def doubts_of(session: Session, lesion_ids: Collection[int], pairs: Iterable[PairRecord]) -> str:
    """Say which alignments that lesions were carried over by are doubtful; empty where none is."""
    sources = {lesion.source_scan for lesion in session.lesions if lesion.id in lesion_ids}
    doubtful = [pair for pair in pairs if pair.doubt and pair.source in sources]
    if not doubtful:
        return ""
    first, others = doubtful[0], len(doubtful) - 1
    more = ["", " So is 1 other pair.", f" So are {others} other pairs."][min(others, 2)]
    return f"The alignment of {first.source} to {first.target} is doubtful: {first.doubt}{more}"


def _is_present(session: Session, lesion_id: int, scan_id: str) -> bool:
    finding = session.finding(lesion_id, scan_id)
    return finding is not None and finding.presence is Presence.PRESENT and finding.mask is not None
