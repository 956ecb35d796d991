"""The session file ``*.longiseg.zarr``: a study with all that is known of it, to go on with another day.

A folder in zarr format 3. ``scans/<key>`` are OME-Zarr images on their working grids, each with the labels
``lesions`` for other tools; ``masks/<hash>`` holds the exact masks, which may overlap; all else stands in the
attribute ``longiseg`` of the root's ``zarr.json``. That one file is exchanged last, and names the parts that
belong to it, so that a session is either what it was or what it is. Images are written once.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from napari_longiseg.core.errors import InputError, LongisegError
from napari_longiseg.core.progress import Progress, scaled, silent
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.core.state import State
from napari_longiseg.io._session.arrays import (
    METADATA,
    arriving_folder,
    read_attribute,
    read_bytes,
    read_image,
    remove_unfinished,
    write_bytes,
    write_group,
    write_image,
    write_labels,
)
from napari_longiseg.io._session.entries import SCHEMA, ScanEntry, SessionEntry
from napari_longiseg.io._session.values import Bytes, digest, to_entry, to_scan, to_study

SUFFIX = ".longiseg.zarr"
ATTRIBUTE = "longiseg"
ABANDONED_S = 3600.0
"""What belongs to no session and is so old was left by a program that was ended."""


def is_session(path: str | Path) -> bool:
    """Whether a folder is a session file, or is called like one; reading says what is wrong with it."""
    path = Path(path)
    return path.is_dir() and (path.name.lower().endswith(SUFFIX) or _schema_of(path) is not None)


def write_session(
    path: str | Path,
    study: Study,
    state: State,
    history: Sequence[str] = (),
    progress: Progress = silent,
) -> None:
    """Write a session, or write it anew.

    Whatever stops this, the session that was there before can be read.

    Parameters
    ----------
    path : path
        A folder, made where it does not exist; its name should end with :data:`SUFFIX`.
    study : Study
        Its scans and landmarks. Scans that the session has already are not written again.
    state : State
        The lesions, and what is known of them.
    history : sequence of str
        What was done, in order.
    progress : Progress
        Called for each slab of a new scan; may raise to cancel.

    Raises
    ------
    InputError
        When there is something else at *path*, or it cannot be written.
    """
    path = Path(path)
    if path.exists() and not is_session(path) and not (path.is_dir() and not any(path.iterdir())):
        msg = f"{path} is something else than a session; choose another name for the new one."
        raise InputError(msg)
    try:
        _write(path, study, state, history, progress)
    except OSError as error:
        msg = f"The session cannot be saved in {path}: {error.strerror or error}."
        raise InputError(msg) from error


def read_session(path: str | Path, progress: Progress = silent) -> tuple[Study, State]:
    """Read a session.

    Parameters
    ----------
    path : path
        The folder.
    progress : Progress
        Called for each slab of a scan; may raise to cancel.

    Returns
    -------
    study : Study
        With the lesions as they were left.
    state : State
        The same lesions, and what is known of them.

    Raises
    ------
    InputError
        When it is no session, of another version, or damaged.
    """
    path = Path(path)
    entry = _read_entry(path)
    scans = [
        _read_scan(path, one, scaled(progress, number / len(entry.scans), (number + 1) / len(entry.scans)))
        for number, one in enumerate(entry.scans)
    ]
    found = _with_outlines(path, entry, scans)
    progress("Session read", 1.0)
    return found


def read_state(path: str | Path, study: Study) -> State:
    """What is known in a session of these very scans; their voxels are not read again.

    Raises
    ------
    InputError
        As :func:`read_session`, and when it is a session of other scans.
    """
    path = Path(path)
    entry = _read_entry(path)
    if [(one.id, one.key) for one in entry.scans] != [(scan.id, scan.key) for scan in study.scans]:
        msg = f"{path} is a session of other scans."
        raise InputError(msg)
    return _with_outlines(path, entry, study.scans)[1]


def read_history(path: str | Path) -> tuple[str, ...]:
    """What was done in a session, in order.

    Raises
    ------
    InputError
        As :func:`read_session`.
    """
    return tuple(_read_entry(Path(path)).history)


def read_title(path: str | Path) -> tuple[str, int]:
    """Whose session it is, and how many lesions it has; neither voxels nor outlines are read.

    Raises
    ------
    InputError
        As :func:`read_session`.
    """
    entry = _read_entry(Path(path))
    return entry.patient, len(entry.lesions)


def _write(path: Path, study: Study, state: State, history: Sequence[str], progress: Progress) -> None:
    before = _parts_of(path)
    for folder in (path, path / "scans", path / "masks", *path.glob("scans/*/labels")):
        remove_unfinished(folder)
    for place in ("scans", "masks"):
        write_group(path / place, {})
    images = _image_names(study)
    for number, scan in enumerate(study.scans):
        part = scaled(progress, number / len(study.scans), (number + 1) / len(study.scans))
        _write_scan(path / "scans" / images[scan.id], scan, state, part)
    entry, content = to_entry(study, state, history, images)
    _write_masks(path / "masks" / entry.masks, content)
    write_group(path, {ATTRIBUTE: json.loads(entry.model_dump_json(by_alias=True))})
    _remove_others(path, _parts(entry), before)
    progress("Session saved", 1.0)


def _write_scan(folder: Path, scan: Scan, state: State, progress: Progress) -> None:
    """The image, where it is not there yet, and the labels as they are now."""
    if not folder.exists():
        with arriving_folder(folder) as part:
            write_image(part, scan, progress)
    lesions = [state.lesions[i] for i in sorted(state.lesions)]
    write_labels(folder, scan, lesions, [found for key, found in state.findings.items() if key[1] == scan.id])


def _write_masks(folder: Path, content: Bytes) -> None:
    if not folder.exists():
        with arriving_folder(folder) as part:
            write_bytes(part, content)


def _image_names(study: Study) -> Mapping[str, str]:
    """Scan id to the name of its image: its key, with a number where scans are the same."""
    names: dict[str, str] = {}
    for scan in study.scans:
        same = sum(other.key == scan.key for other in study.scans[: len(names)])
        names[scan.id] = f"{scan.key}-{same}" if same else scan.key
    return names


def _remove_others(path: Path, parts: set[str], before: set[str]) -> None:
    """Remove the parts that no longer belong to the session, and those of a save that broke long ago.

    Younger ones may be those of another program that is about to save the same session.
    """
    for folder in (*path.glob("scans/*/"), *path.glob("masks/*/")):
        name = folder.relative_to(path).as_posix()
        if name in parts or not folder.is_dir():
            continue
        if name in before or folder.stat().st_mtime < time.time() - ABANDONED_S:
            shutil.rmtree(folder, ignore_errors=True)


def _parts_of(path: Path) -> set[str]:
    """The folders that belong to the session as it is; none where there is none that can be read."""
    try:
        return _parts(_read_entry(path))
    except InputError:
        return set()


def _parts(entry: SessionEntry) -> set[str]:
    return {f"scans/{scan.image}" for scan in entry.scans} | {f"masks/{entry.masks}"}


def _schema_of(path: Path) -> str | None:
    attributes = read_attribute(path, ATTRIBUTE)
    return str(attributes.get("schema")) if isinstance(attributes, dict) else None


def _read_entry(path: Path) -> SessionEntry:
    attributes = read_attribute(path, ATTRIBUTE)
    if not path.exists():
        msg = f"There is no session {path}."
        raise InputError(msg)
    if attributes is None:
        there = "is damaged or unfinished" if is_session(path) else "is no session"
        msg = f"{path} {there}: its {METADATA} does not describe one; choose another, or open the scans."
        raise InputError(msg)
    schema = _schema_of(path)
    if schema != SCHEMA:
        msg = f"{path} was saved by another version ({schema}, not {SCHEMA}); update napari-longiseg."
        raise InputError(msg)
    try:
        return SessionEntry.model_validate_json(json.dumps(attributes))
    except ValidationError as error:
        place = ".".join(str(step) for step in error.errors(include_url=False)[0]["loc"])
        raise InputError(_damaged(path, f"{place} in its {METADATA} is wrong")) from error


def _with_outlines(path: Path, entry: SessionEntry, scans: Sequence[Scan]) -> tuple[Study, State]:
    with _whole(path, "its outlines cannot be read"):
        content = read_bytes(path / "masks" / entry.masks)
        if digest(content) != entry.masks:
            msg = "its outlines have changed"
            raise InputError(msg)
    with _whole(path, "its parts do not fit together"):
        return to_study(entry, scans, content)


def _read_scan(path: Path, entry: ScanEntry, progress: Progress) -> Scan:
    with _whole(path, f"scan {entry.id} cannot be read"):
        scan = to_scan(entry, read_image(path / "scans" / entry.image, entry.id, progress))
        if scan.key != entry.key:
            msg = f"voxels of scan {entry.id} are missing or have changed"
            raise InputError(msg)
        return scan


@contextmanager
def _whole(path: Path, otherwise: str) -> Iterator[None]:
    """Turn whatever zarr and our own values make of a damaged part into a sentence."""
    try:
        yield
    except InputError as error:
        raise InputError(_damaged(path, str(error).rstrip("."))) from error
    except (LongisegError, MemoryError):  # cancelled, or nothing to do with the file
        raise
    except Exception as error:
        raise InputError(_damaged(path, otherwise)) from error


def _damaged(path: Path, what: str) -> str:
    return f"{path} is damaged: {what}; open a copy of it, or its scans themselves."
