"""Find the studies and sessions that the reader or File > Open Sample has put into a viewer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_longiseg._napari.layers.scans import SCAN_KEY, SESSION_KEY, STUDY_KEY
from napari_longiseg.core.progress import Progress, silent
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.core.state import State
from napari_longiseg.io.session_store import read_history, read_session
from napari_longiseg.session import Session

STATE_KEY = "longiseg_state"
PAST_KEY = "longiseg_past"
FILE_KEY = "longiseg_file"
"""Where an image layer keeps what was known in the session file that it was read from, what had been done by
then, and the file."""


@dataclass(frozen=True, eq=False)
class Left:
    """Where the work on a study was left.

    Attributes
    ----------
    state : State
        What was known.
    past : tuple of str
        What had been done, in order.
    path : Path
        The session file.
    """

    state: State
    past: tuple[str, ...]
    path: Path

    def metadata(self) -> dict[str, Any]:
        """The same, for an image layer to keep."""
        return {STATE_KEY: self.state, PAST_KEY: self.past, FILE_KEY: self.path}


def read_left(path: Path, progress: Progress = silent) -> tuple[Study, Left]:
    """The study of a session file, and where the work on it was left.

    Raises
    ------
    InputError
        As :func:`napari_longiseg.io.session_store.read_session`.
    """
    study, state = read_session(path, progress)
    return study, Left(state, read_history(path), path)


def scan_layers(layers: Iterable[Any], study: Study) -> dict[str, Any]:
    """The image layers that hold scans of this study, by scan id."""
    found: dict[str, Any] = {}
    for layer in layers:
        if _scan_id(layer) is None:
            continue
        for scan in study.scans:
            if layer.data is scan.image:
                found.setdefault(scan.id, layer)
    return found


def same_scans(one: Study | None, other: Study | None) -> bool:
    """Whether two studies are made of the same voxels, in the same order."""
    if one is None or other is None:
        return one is other
    voxels = [[scan.image for scan in study.scans] for study in (one, other)]
    return len(voxels[0]) == len(voxels[1]) and all(a is b for a, b in zip(*voxels, strict=True))


def kept_session(layers: Iterable[Any]) -> Session | None:
    """The session of a panel that was closed, where its scans are still what the viewer shows."""
    layers = list(layers)
    study = loaded_study(layers)
    sessions = [layer.metadata.get(SESSION_KEY) for layer in layers]
    found = [s for s in sessions if isinstance(s, Session) and same_scans(s.study, study)]
    return found[-1] if study is not None and found else None


def left_off(layers: Iterable[Any], study: Study) -> Left | None:
    """Where the work on a study was left, where its layers were read from one session file."""
    kept = [layer.metadata for layer in scan_layers(layers, study).values()]
    states = [metadata.get(STATE_KEY) for metadata in kept]
    state = states[0] if states else None
    if not isinstance(state, State) or any(other is not state for other in states):
        return None
    return Left(state, tuple(kept[0][PAST_KEY]), Path(kept[0][FILE_KEY]))


def loaded_study(layers: Iterable[Any]) -> Study | None:
    """The study to work on, from the layers of a viewer.

    The study added last of those whose scans are all there; scans that were opened one by one are taken as
    one study together.
    """
    layers = list(layers)
    studies = [layer.metadata[STUDY_KEY] for layer in layers if _scan_id(layer) is not None]
    whole = [s for s in studies if len(s.scans) > 1 and len(scan_layers(layers, s)) == len(s.scans)]
    if whole:
        found: Study = whole[-1]
        return found
    return _together([study for study in studies if len(study.scans) == 1])


def _together(singles: list[Study]) -> Study | None:
    """Scans that were opened one by one, by date where all have one, else in the order of opening."""
    if len(singles) < 2:
        return singles[0] if singles else None
    scans = _distinct(singles)
    if all(scan.date for scan in scans):
        scans.sort(key=lambda scan: str(scan.date))
    ids = {scan.id for scan in scans}
    lesions = tuple(lesion for study in singles for lesion in study.lesions)
    unambiguous = len(ids) == len(scans) and len({x.id for x in lesions}) == len(lesions)
    return Study(" + ".join(study.patient for study in singles), tuple(scans), lesions if unambiguous else ())


def _distinct(singles: list[Study]) -> list[Scan]:
    """Their scans; where ids are equal (a file alone is always T0) each takes its file's name instead."""
    scans = [study.scans[0] for study in singles]
    if len({scan.id for scan in scans}) == len(scans):
        return scans
    names = [study.patient for study in singles]
    if len(set(names)) < len(names):
        names = [f"{name} ({number})" for number, name in enumerate(names, start=1)]
    return [replace(scan, id=name) for scan, name in zip(scans, names, strict=True)]


def _scan_id(layer: Any) -> str | None:  # noqa: ANN401 - may be a proxy of a layer
    metadata: Mapping[str, Any] = layer.metadata
    known = isinstance(metadata.get(STUDY_KEY), Study) and SCAN_KEY in metadata
    return str(metadata[SCAN_KEY]) if known else None
