"""Arrays in a folder of bounded size: what is kept of registrations from one run to the next.

No library does this as it is needed here. diskcache and joblib unpickle what they find in their folder, so
that a file put there would run as code. diskcache (last released in 2023) also needs SQLite's locks, which
not all network folders have, and joblib bounds its size only on request. Nor is a lock between processes
needed, such as filelock's: files appear whole by one renaming, and two that write one key write the same.
"""

from __future__ import annotations

import logging
import math
import os
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from tempfile import mkstemp
from typing import Any

import numpy as np
import numpy.typing as npt
import platformdirs

from napari_longiseg.core.errors import InputError
from napari_longiseg.registration.transforms import State

FOLDER_VARIABLE, SIZE_VARIABLE = "LONGISEG_CACHE", "LONGISEG_CACHE_GB"
DEFAULT_GB = 2.0
SUFFIX, UNFINISHED = ".map.npz", ".map.part"
ABANDONED_S = 3600.0
"""An unfinished file of this age was left by a process that is gone."""

logger = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where things are kept from one run to the next: ``LONGISEG_CACHE``, else the user's cache folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(os.path.expanduser(chosen))  # Path's own fails where there is no such home
    return platformdirs.user_cache_path("napari-longiseg", appauthor=False)


def cache_bytes() -> int:
    """How much may be kept, in bytes: ``LONGISEG_CACHE_GB`` gigabytes, else 2.

    Raises
    ------
    InputError
        When the variable is no such number.
    """
    text = os.environ.get(SIZE_VARIABLE) or str(DEFAULT_GB)
    try:
        size = float(text)
    except ValueError:
        size = math.nan
    if not 0 <= size < math.inf:
        msg = f"{SIZE_VARIABLE} must be a number of gigabytes, 0 to keep nothing, not {text!r}."
        raise InputError(msg)
    return round(size * 1e9)


class MapStore:
    """Named arrays by key, in files; the least recently used go first.

    Nothing here fails for whoever aligns scans: a damaged file counts as absent and is removed, and where
    the disk is full or read-only nothing is kept. Several processes may use one folder.

    Parameters
    ----------
    folder : Path, optional
        By default ``registrations`` in :func:`cache_folder`.
    limit_bytes : int, optional
        Of all files together; by default :func:`cache_bytes`.

    Raises
    ------
    InputError
        On first use, when the environment has no usable limit.
    """

    def __init__(self, folder: Path | None = None, limit_bytes: int | None = None) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._complained = False

    @cached_property
    def folder(self) -> Path:
        """Where the files lie."""
        return self._folder or cache_folder() / "registrations"

    @cached_property
    def limit_bytes(self) -> int:
        """The largest size of all files together."""
        return cache_bytes() if self._limit_bytes is None else self._limit_bytes

    def read(self, key: str) -> dict[str, npt.NDArray[Any]] | None:
        """The arrays of a key; None where there are none."""
        if self.limit_bytes == 0:
            return None
        try:
            file = self._path(key).open("rb")
        except OSError:
            return None
        try:
            with file, np.load(file, allow_pickle=False) as content:
                found = {name: content[name] for name in content.files}
        except Exception as error:  # whatever numpy and zipfile make of a damaged file
            logger.info("Removing a damaged file of the cache (%s)", error)
            self.discard(key)
            return None
        with suppress(OSError):
            os.utime(self._path(key))
        return found

    def write(self, key: str, arrays: State) -> None:
        """Keep arrays, none of which may hold Python objects."""
        if self.limit_bytes == 0:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._put(key, arrays)
            self._make_room()
        except OSError as error:
            if not self._complained:
                logger.warning("Alignments are not kept for the next run: %s", error)
            self._complained = True

    def discard(self, key: str) -> None:
        """Remove what is kept of a key."""
        with suppress(OSError):
            self._path(key).unlink()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"

    def _put(self, key: str, arrays: State) -> None:
        """Write a file, then give it its name: nobody reads half of one."""
        handle, name = mkstemp(dir=self.folder, suffix=UNFINISHED)
        unfinished = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]  # their names are not its options
            if unfinished.stat().st_size <= self.limit_bytes:
                unfinished.replace(self._path(key))
        finally:
            unfinished.unlink(missing_ok=True)

    def _make_room(self) -> None:
        """Remove what was unused for longest, until the rest is small enough."""
        kept: list[tuple[int, int, Path]] = []
        for path in self.folder.iterdir():
            with suppress(OSError):  # another process was quicker
                found = path.stat()
                if path.name.endswith(SUFFIX):
                    kept.append((found.st_mtime_ns, found.st_size, path))
                elif path.name.endswith(UNFINISHED) and found.st_mtime < time.time() - ABANDONED_S:
                    path.unlink()
        total = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if total <= self.limit_bytes:
                break
            with suppress(OSError):
                path.unlink(missing_ok=True)
                total -= size
