"""What ITK does not check in a MetaImage file: that all of its voxels are there and can be unpacked.

ITK prints what is wrong to the terminal, and where unpacking fails it goes on with what it has.
"""

from __future__ import annotations

import math
import re
import zlib
from pathlib import Path
from typing import BinaryIO

from napari_longiseg.core.errors import InputError

_FIELD = re.compile(r"\s*(\w+)\s*[=:]\s*(.*?)\s*")
_LONGEST_HEADER = 1 << 16
_CHUNK = 1 << 22
_BYTES = {
    **dict.fromkeys(("MET_CHAR", "MET_UCHAR"), 1),
    **dict.fromkeys(("MET_SHORT", "MET_USHORT"), 2),
    **dict.fromkeys(("MET_INT", "MET_UINT", "MET_LONG", "MET_ULONG", "MET_FLOAT"), 4),
    **dict.fromkeys(("MET_LONG_LONG", "MET_ULONG_LONG", "MET_DOUBLE"), 8),
}
"""Bytes of one value; a ``LONG`` has four in the file."""


def check_metaimage(path: Path) -> None:
    """Refuse a damaged MetaImage file, or one whose data file is missing or damaged.

    Raises
    ------
    InputError
        One sentence, naming the file.
    """
    try:
        with path.open("rb") as file:
            fields = _header(file)
            name, local = fields["ElementDataFile"], file.tell()
        size = _size(fields)
    except (KeyError, ValueError) as error:
        msg = f"{path} is damaged or not a MetaImage file; get a new copy of it."
        raise InputError(msg) from error
    if size is None or name.startswith("LIST") or "%" in name:  # several files: ITK counts them itself
        return
    data = path if name.upper() == "LOCAL" else path.parent / name
    if not data.is_file():
        msg = f"{path} needs the file {name} beside it, and there is none."
        raise InputError(msg)
    with data.open("rb") as file:
        file.seek(local if data == path else max(int(fields.get("HeaderSize", 0)), 0))
        whole = _unpacks(file, size) if _is_true(fields.get("CompressedData")) else _holds(file, data, size)
    if not whole:
        of = "" if data == path else f" or its data file {name}"
        msg = f"{path}{of} is damaged; get a new copy of it."
        raise InputError(msg)


def _header(file: BinaryIO) -> dict[str, str]:
    """The fields up to the last one, ``ElementDataFile``; ValueError where it does not come."""
    fields: dict[str, str] = {}
    while "ElementDataFile" not in fields:
        line = file.readline(_LONGEST_HEADER)
        if not line or file.tell() > _LONGEST_HEADER:
            msg = "not a MetaImage header"
            raise ValueError(msg)
        if match := _FIELD.fullmatch(line.decode("utf-8").rstrip("\r\n")):
            fields[match[1]] = match[2]
    return fields


def _size(fields: dict[str, str]) -> int | None:
    """Bytes of all voxels when unpacked; None where only ITK knows."""
    sizes = [int(size) for size in fields["DimSize"].split()]
    if len(sizes) != int(fields["NDims"]):
        msg = "DimSize and NDims differ"
        raise ValueError(msg)
    value = _BYTES.get(fields["ElementType"].removesuffix("_ARRAY"))
    if value is None or not _is_true(fields.get("BinaryData", "True")):
        return None
    return math.prod(sizes) * value * int(fields.get("ElementNumberOfChannels", 1))


def _is_true(text: str | None) -> bool:
    return text is not None and text[:1] in ("T", "t", "1")


def _holds(file: BinaryIO, path: Path, size: int) -> bool:
    return path.stat().st_size - file.tell() >= size


def _unpacks(file: BinaryIO, size: int) -> bool:
    """Whether the rest of the file unpacks, with the right sum, to so many bytes."""
    unpacking, count = zlib.decompressobj(wbits=47), 0  # zlib's or gzip's wrapping
    try:
        while not unpacking.eof and (chunk := file.read(_CHUNK)):
            count += len(unpacking.decompress(chunk))
    except zlib.error:
        return False
    return unpacking.eof and count >= size
