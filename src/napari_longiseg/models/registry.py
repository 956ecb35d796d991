"""The folder where weights of networks are kept; nothing is fetched without being asked for.

The folder is what the environment variable ``LONGISEG_MODELS`` names, else the one that the user has
chosen (:func:`choose_folder`), else the user's data folder for this program. Beside each file lies a small
record of its size and SHA-256.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

from napari_longiseg.core.errors import InputError, MissingMethodError
from napari_longiseg.core.progress import Progress, silent
from napari_longiseg.io.arriving import arriving
from napari_longiseg.models import known
from napari_longiseg.models._fetch import copied, fetched
from napari_longiseg.models.known import KnownModel, known_model
from napari_longiseg.models.weights import layout, read_weights, size_in_words

ENVIRONMENT = "LONGISEG_MODELS"


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a file since it was put here.

    Attributes
    ----------
    sha256 : str
        Hexadecimal.
    size : int
        Bytes.
    origin : str
        The file or the address that it came from.
    date : str
        ISO 8601, UTC.
    """

    sha256: str
    size: int
    origin: str
    date: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A known model, and whether its weights are here.

    Attributes
    ----------
    model : KnownModel
        What it is.
    path : Path
        Where its weights are, or would be.
    is_here : bool
        Whether the file exists.
    record : Record or None
        None where the file is missing, or was not put there by this program.
    """

    model: KnownModel
    path: Path
    is_here: bool
    record: Record | None


_chosen = ""


def choose_folder(named: str) -> None:
    """Keep weights in this folder while the program runs, unless the environment names one.

    Parameters
    ----------
    named : str
        Its path, which need not exist; empty for the user's data folder.
    """
    global _chosen
    _chosen = named


def folder() -> Path:
    """Where weights are kept; it need not exist."""
    if named := os.environ.get(ENVIRONMENT) or _chosen:
        return Path(os.path.expanduser(named))  # Path's own fails where there is no such home
    return platformdirs.user_data_path("napari-longiseg", appauthor=False) / "models"


def entries() -> list[Entry]:
    """Every known model."""
    return [_entry(model) for model in known.MODELS]


def path_of(name: str) -> Path:
    """Where the weights of a model are, or would be.

    Raises
    ------
    InputError
        When there is no such model.
    """
    return folder() / known_model(name).file


def find(name: str) -> Path:
    """The weights of a model.

    Raises
    ------
    InputError
        When there is no such model, or its file has changed its size since it was put here.
    MissingMethodError
        When its weights are not here; the sentence says how to get them.
    """
    entry = _entry(known_model(name))
    if not entry.is_here:
        msg = (
            f"{name} needs its weights, which are not here; run `longiseg models download {name}` "
            f"({entry.model.megabytes} MB), or `longiseg models add {name} FILE` with a file that you have."
        )
        raise MissingMethodError(msg)
    if entry.record and entry.path.stat().st_size != entry.record.size:
        msg = f"{entry.path} has changed since it came; run `longiseg models remove {name}` and get it again."
        raise InputError(msg)
    return entry.path


def add(name: str, file: str | Path, progress: Progress = silent) -> Entry:
    """Copy weights that the user has.

    Raises
    ------
    InputError
        When there is no such model, its weights are here already, or the file does not hold them; then
        nothing is changed.
    """
    return _put(known_model(name), str(Path(file).resolve()), lambda part: copied(Path(file), part, progress))


def download(name: str, progress: Progress = silent) -> Entry:
    """Fetch weights from where their authors publish them. Call this only when the user asks for it.

    Raises
    ------
    InputError
        When there is no such model, its weights are here already, they cannot be fetched, or what arrives
        is something else; then nothing is changed.
    Cancelled
        From *progress*; what has arrived is deleted.
    """
    model = known_model(name)
    return _put(model, model.url, lambda part: fetched(model.url, part, model.megabytes, progress))


def remove(name: str) -> Entry:
    """Delete the weights of a model and their record.

    Raises
    ------
    InputError
        When there is no such model, its weights are not here, or they cannot be deleted.
    """
    entry = _entry(known_model(name))
    if not entry.is_here:
        msg = f"The weights of {name} are not here; there is nothing to remove."
        raise InputError(msg)
    try:
        entry.path.unlink()
        _record_path(entry.path).unlink(missing_ok=True)
    except OSError as error:
        msg = f"{entry.path} cannot be removed: {error.strerror or error}."
        raise InputError(msg) from error
    return _entry(entry.model)


def _put(model: KnownModel, origin: str, bring: Callable[[Path], str]) -> Entry:
    """Let *bring* write the file and tell its SHA-256; keep it if it holds the model's weights."""
    path = path_of(model.name)
    if path.exists():
        msg = f"{path} is there already; to replace it, run `longiseg models remove {model.name}` first."
        raise InputError(msg)
    with arriving(path) as part:
        sha256 = bring(part)
        _check(model, part, origin)
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        record = Record(sha256, part.stat().st_size, origin, now)
        with arriving(_record_path(path)) as note:
            note.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")
    return _entry(model)


def _check(model: KnownModel, part: Path, origin: str) -> None:
    """Refuse a file that does not hold the weights of the model."""
    found = read_weights(part, called=origin)
    if layout(found) != model.layout:
        size = size_in_words(found)
        msg = f"{origin} does not hold weights of {model.name}: its {size} are another network's."
        raise InputError(msg)


def _entry(model: KnownModel) -> Entry:
    path = path_of(model.name)
    is_here = path.is_file()
    return Entry(model, path, is_here, _read_record(path) if is_here else None)


def _record_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _read_record(path: Path) -> Record | None:
    try:
        content = json.loads(_record_path(path).read_text(encoding="utf-8"))
        return Record(content["sha256"], content["size"], content["origin"], content["date"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
