"""What ITK does not check in a NIfTI file: that it is whole, its values finite and its axes perpendicular.

ITK reads truncated files and files with flipped bits without a word, turns NaN into 0, and falls back on
the ``qform`` where the ``sform`` is sheared.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Array

ORTHONORMAL_TOLERANCE = 1e-3
"""Largest dot product of two axes that still count as perpendicular."""
_CHUNK = 1 << 22
_ORDERS = {348: "<", 540: "<", 0x5C010000: ">", 0x1C020000: ">"}
"""Byte order by the header's size, read as little-endian."""
_FLOATS = {16: "f4", 64: "f8"}
"""NIfTI's codes of real number types."""


@dataclass(frozen=True, slots=True)
class NiftiHeader:
    """Where the voxels lie in the file, and the sform."""

    offset: int
    size: int
    """Bytes of all voxels."""
    dtype: np.dtype[Any] | None
    """Of real numbers; None for all other types."""
    sform: Array | None
    """(3, 3), columns of unit length; None where the file has none."""


def check_nifti(path: Path) -> None:
    """Refuse a damaged NIfTI file, values that are not finite, and axes that are not perpendicular.

    All of the file is read; of a packed one this checks the sum as well.

    Raises
    ------
    InputError
        One sentence, naming the file.
    """
    try:
        # ITK unpacks by content, whatever the name says.
        with path.open("rb") as start:
            packed = start.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            header = _header(file.read(540))
            wrong = _count_not_finite(cast("BinaryIO", file), header)
    except (gzip.BadGzipFile, EOFError, zlib.error, struct.error) as error:
        msg = f"{path} is damaged or not a NIfTI file; get a new copy of it."
        raise InputError(msg) from error
    if header.sform is not None and not is_orthonormal(header.sform):
        msg = f"{path}: the axes of its grid (sform) are not perpendicular; resample it on a straight grid."
        raise InputError(msg)
    if wrong:
        raise InputError(not_finite(path, wrong))


def not_finite(path: Path, count: int) -> str:
    """The sentence about values that are not numbers."""
    return f"{path} holds {count} values that are not finite numbers (NaN or infinite); replace them first."


def is_orthonormal(direction: Array) -> bool:
    """Whether the columns (3, 3) are perpendicular unit vectors."""
    return bool(np.allclose(direction.T @ direction, np.eye(3), rtol=0, atol=ORTHONORMAL_TOLERANCE))


def _header(start: bytes) -> NiftiHeader:
    """Read NIfTI-1 and NIfTI-2 headers, either byte order; struct.error where it is none."""
    order = _ORDERS.get(struct.unpack_from("<I", start)[0])
    if order is None:
        msg = "not a NIfTI header"
        raise struct.error(msg)
    if struct.unpack_from(order + "i", start)[0] == 540:
        dims = struct.unpack_from(order + "8q", start, 16)
        code, bits = struct.unpack_from(order + "2h", start, 12)
        (offset,) = struct.unpack_from(order + "q", start, 168)
        (sform,) = struct.unpack_from(order + "i", start, 348)
        rows = struct.unpack_from(order + "12d", start, 400)
    else:
        dims = struct.unpack_from(order + "8h", start, 40)
        code, bits = struct.unpack_from(order + "2h", start, 70)
        (offset,) = struct.unpack_from(order + "f", start, 108)
        (sform,) = struct.unpack_from(order + "h", start, 254)
        rows = struct.unpack_from(order + "12f", start, 280)
    count = int(np.prod([max(n, 1) for n in dims[1 : 1 + min(max(dims[0], 0), 7)]], dtype=np.int64))
    axes = np.asarray(rows, dtype=np.float64).reshape(3, 4)[:, :3]
    lengths = np.linalg.norm(axes, axis=0)
    return NiftiHeader(
        offset=int(offset),
        size=count * bits // 8,
        dtype=np.dtype(order + _FLOATS[code]) if code in _FLOATS else None,
        sform=axes / np.where(lengths > 0, lengths, 1.0) if sform > 0 else None,
    )


def _count_not_finite(file: BinaryIO, header: NiftiHeader) -> int:
    """Read all voxels of an open file; EOFError where some are missing."""
    file.seek(max(header.offset, 0))
    left, wrong = header.size, 0
    while left > 0:
        chunk = file.read(min(_CHUNK, left))
        if not chunk:
            raise EOFError
        left -= len(chunk)
        if header.dtype is not None:
            values = np.frombuffer(chunk, header.dtype, len(chunk) // header.dtype.itemsize)
            wrong += values.size - int(np.isfinite(values).sum())
    while file.read(_CHUNK):  # the sum of a packed file comes at its very end
        pass
    return wrong
