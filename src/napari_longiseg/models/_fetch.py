"""Copy or download a file, with its checksum."""

from __future__ import annotations

import hashlib
import http.client
import urllib.request
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.progress import Progress

CHUNK = 1 << 20
TIMEOUT_S = 30.0
"""Without a byte for this long, a download has failed."""


def copied(file: Path, part: Path, progress: Progress) -> str:
    """Copy a file; its SHA-256.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    try:
        stream = file.open("rb")
    except OSError as error:
        msg = f"{file} cannot be read: {error.strerror or error}."
        raise InputError(msg) from error
    with stream:
        return _pour(stream, part, file.stat().st_size, progress, f"Copying {file.name}")


def fetched(url: str, part: Path, megabytes: int, progress: Progress) -> str:
    """Download a file; its SHA-256.

    Parameters
    ----------
    url : str
        What to download.
    part : Path
        Where to write it.
    megabytes : int
        How much to expect where the server does not say.
    progress : Progress
        Called for every MB.

    Raises
    ------
    InputError
        When the server cannot be reached, has no such file, or breaks off.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "napari-longiseg"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            length = answer.headers.get("Content-Length")
            total = int(length) if length else megabytes * 10**6
            digest = _pour(answer, part, total, progress, f"Downloading {url.rsplit('/', 1)[1]}")
    except (URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise InputError(_failed(url, _reason(error))) from error
    if length and part.stat().st_size != int(length):
        raise InputError(_failed(url, "the connection broke off"))
    return digest


def _pour(stream: BinaryIO, part: Path, total: int, progress: Progress, stage: str) -> str:
    """Write a stream to a file; its SHA-256."""
    digest, done = hashlib.sha256(), 0
    with part.open("wb") as out:
        progress(stage, 0.0)
        while chunk := stream.read(CHUNK):
            out.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            progress(f"{stage}: {done / 1e6:.0f} MB", min(done / max(total, 1), 1.0))
    return digest.hexdigest()


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"the server says {error.code} {error.reason}"
    cause = getattr(error, "reason", error)
    return str(getattr(cause, "strerror", "") or cause or type(error).__name__)


def _failed(url: str, reason: str) -> str:
    return (
        f"{url} could not be downloaded ({reason}); try again, or fetch it with a browser and run "
        "`longiseg models add`."
    )
