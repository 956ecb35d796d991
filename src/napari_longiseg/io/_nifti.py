"""What ITK does not check in a NIfTI file: that it is whole, and that its two geometries can be used.

ITK reads truncated files and files with flipped bits without a word, and falls back on the ``qform`` where
the ``sform`` is sheared.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.geometry import Array

ORTHONORMAL_TOLERANCE = 1e-3
"""Largest dot product of two axes that still count as perpendicular."""
_CHUNK = 1 << 22


def check_nifti(path: Path) -> None:
    """Refuse a damaged NIfTI file, and one whose axes are not perpendicular.

    Raises
    ------
    InputError
        One sentence, naming the file.
    """
    damaged = f"{path} is damaged or not a NIfTI file; get a new copy of it."
    try:
        header, size = _header_and_size(path)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(damaged) from error
    order = {348: "<", 0x5C010000: ">", 540: "<", 0x1C020000: ">"}.get(
        struct.unpack("<I", header[:4])[0] if len(header) >= 348 else -1
    )
    if order is None or size < _expected_size(header, order):
        raise InputError(damaged)
    axes = _sform_axes(header, order)
    if axes is not None and not is_orthonormal(axes):
        msg = f"{path}: the axes of its grid (sform) are not perpendicular; resample it on a straight grid."
        raise InputError(msg)


def is_orthonormal(direction: Array) -> bool:
    """Whether the columns (3, 3) are perpendicular unit vectors."""
    return bool(np.allclose(direction.T @ direction, np.eye(3), rtol=0, atol=ORTHONORMAL_TOLERANCE))


def _header_and_size(path: Path) -> tuple[bytes, int]:
    """First bytes and full length of the (unpacked) file; reading all of a gzip file checks its sum."""
    if path.suffix.lower() != ".gz":
        with path.open("rb") as plain:
            return plain.read(540), path.stat().st_size
    with gzip.open(path) as packed:
        header = packed.read(540)
        size = len(header)
        while chunk := packed.read(_CHUNK):
            size += len(chunk)
    return header, size


def _expected_size(header: bytes, order: str) -> float:
    """Number of bytes of header and voxels together."""
    if _is_nifti_2(header, order):
        dims = struct.unpack_from(order + "8q", header, 16)
        bits: int = struct.unpack_from(order + "h", header, 14)[0]
        offset = float(struct.unpack_from(order + "q", header, 168)[0])
    else:
        dims = struct.unpack_from(order + "8h", header, 40)
        bits = struct.unpack_from(order + "h", header, 72)[0]
        offset = struct.unpack_from(order + "f", header, 108)[0]
    count = float(np.prod([max(n, 1) for n in dims[1 : 1 + max(dims[0], 0)]], dtype=np.float64))
    return offset + count * bits / 8


def _sform_axes(header: bytes, order: str) -> Array | None:
    """Columns (3, 3) of the sform, each of unit length; None where the file has no sform."""
    second = _is_nifti_2(header, order)
    code = struct.unpack_from(order + ("i" if second else "h"), header, 348 if second else 254)[0]
    if code <= 0:
        return None
    rows = struct.unpack_from(order + ("12d" if second else "12f"), header, 400 if second else 280)
    axes: Array = np.asarray(rows, dtype=np.float64).reshape(3, 4)[:, :3]
    lengths = np.linalg.norm(axes, axis=0)
    return axes / np.where(lengths > 0, lengths, 1.0)


def _is_nifti_2(header: bytes, order: str) -> bool:
    return bool(struct.unpack_from(order + "i", header)[0] == 540)
