"""Write a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_longiseg.core.errors import InputError


@contextmanager
def arriving(path: Path) -> Iterator[Path]:
    """A file of another name in the same folder, moved to *path* when all went well, else deleted.

    Raises
    ------
    InputError
        When the folder cannot be written to, or has no space.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=".part", prefix=f".{path.stem}.", dir=path.parent)
        os.close(handle)
        part = Path(name)
        try:
            yield part
            part.chmod(0o644)  # mkstemp makes files that no one else can read
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        msg = f"{path.parent} cannot be written to: {error.strerror or error}."
        raise InputError(msg) from error
