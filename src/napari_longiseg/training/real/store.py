"""Scans and masks unpacked once into a folder, from which training reads VOIs alone.

Two compressed scans of 512 x 512 x 400 voxels with their masks take 4.3 s to read on one core; the two VOIs
of one lesion take 0.02 s from unpacked ones at the published size, and 0.07 s where they are resampled to
40 x 40 x 40. The system keeps what is read often in memory, once for all processes. The folder takes 2 bytes
per voxel: 0.2 GB for such a scan, and by the sizes of its files about 60 GB for all of Longitudinal-CT.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_longiseg.core.components import deepest_point
from napari_longiseg.core.errors import InputError, StorageError
from napari_longiseg.core.geometry import Box, Grid, Point, as_point, as_shape
from napari_longiseg.core.lesion import LesionMask
from napari_longiseg.core.scan import Scan
from napari_longiseg.io.arriving import arriving
from napari_longiseg.io.outlines import read_labels_on
from napari_longiseg.io.scans import load_scan, readable
from napari_longiseg.io.schema import LARGEST_LESION_ID
from napari_longiseg.training.real.pairs import ScanFile

DAMAGED = (OSError, EOFError, ValueError, KeyError, BadZipFile)
"""What numpy and json make of files that were cut off."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredLesion:
    """A lesion on a scan's working grid.

    Attributes
    ----------
    mask : LesionMask
        Its voxels.
    point_mm : Point
        Its deepest point, LPS mm, order (z, y, x).
    """

    mask: LesionMask
    point_mm: Point


class ScanStore:
    """Scans and the lesions of label images, unpacked on first use.

    A file that has changed since the last run is unpacked again. Several processes may use one folder: files
    in it appear whole, and two that unpack the same file write the same.

    Parameters
    ----------
    folder : path
        Made where it does not exist; it may be deleted at any time but while it is used.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._stamps: dict[Path, str] = {}

    def unpack(self, file: ScanFile, mask: Path | None = None) -> None:
        """Unpack a scan, and a label image of it, unless this has been done.

        Raises
        ------
        InputError, GeometryError
            As :func:`~napari_longiseg.io.scans.load_scan`, and when the mask is no label image or lies
            elsewhere.
        StorageError
            When the folder cannot be written to, or is full.
        """
        if not self._path(file, None, ".json").is_file():
            self._unpack_scan(file)
        if mask is not None and not self._path(file, mask, ".npz").is_file():
            self._unpack_mask(file, mask)

    def scan(self, file: ScanFile) -> Scan:
        """A scan whose image lies on disk and is read where it is looked at.

        Raises
        ------
        InputError, GeometryError, StorageError
            As :meth:`unpack`, and when what was unpacked is damaged.
        """
        self.unpack(file)
        record = self._path(file, None, ".json")
        try:
            grids = json.loads(record.read_text(encoding="utf-8"))
            return Scan(
                file.id,
                np.load(self._path(file, None, ".npy"), mmap_mode="r", allow_pickle=False),
                _grid(grids["grid"]),
                _grid(grids["native"]),
                path=file.path,
            )
        except DAMAGED as error:
            raise InputError(_damaged(record, file.path)) from error

    def lesion(self, file: ScanFile, mask: Path, label: int) -> StoredLesion | None:
        """The lesion of a label image on a scan; None where there is no such label.

        Raises
        ------
        InputError, GeometryError, StorageError
            As :meth:`unpack`, and when what was unpacked is damaged.
        """
        self.unpack(file, mask)
        path = self._path(file, mask, ".npz")
        try:
            with path.open("rb") as packed, np.load(packed, allow_pickle=False) as content:
                (found,) = np.nonzero(content["labels"] == label)
                if not len(found):
                    return None
                start, stop, point = (content[name][found[0]] for name in ("starts", "stops", "points_mm"))
                box = Box(as_shape(start), as_shape(stop))
                bits = np.unpackbits(content[f"voxels_{label}"], count=int(np.prod(box.shape)))
        except DAMAGED as error:
            raise InputError(_damaged(path, mask)) from error
        return StoredLesion(LesionMask(box, bits.astype(bool).reshape(box.shape)), as_point(point))

    def _path(self, file: ScanFile, mask: Path | None, suffix: str) -> Path:
        """Where a part of an unpacked scan, or of its unpacked mask, lies."""
        for path in (file.path, mask):
            if path is not None and path not in self._stamps:
                self._stamps[path] = _stamp(path)
        parts = (self._stamps[file.path], file.series, mask and self._stamps[mask])
        return self.folder / (blake2b(repr(parts).encode(), digest_size=16).hexdigest() + suffix)

    @contextmanager
    def _writing(self, path: Path) -> Iterator[BinaryIO]:
        try:
            with arriving(path) as part, part.open("wb") as out:
                yield out
        except InputError as error:
            msg = f"Scans cannot be unpacked: {error} They take 2 bytes per voxel."
            raise StorageError(msg) from error

    def _unpack_scan(self, file: ScanFile) -> None:
        scan = load_scan(file.path, scan_id=file.id, series=file.series)
        grids = {"grid": asdict(scan.grid), "native": asdict(scan.native)}
        with self._writing(self._path(file, None, ".npy")) as out:
            np.save(out, scan.image, allow_pickle=False)
        # Last, since it says that the image is there.
        with self._writing(self._path(file, None, ".json")) as out:
            out.write(json.dumps(grids).encode())

    def _unpack_mask(self, file: ScanFile, mask: Path) -> None:
        scan = self.scan(file)
        labels = read_labels_on(mask, scan)
        if labels.max() > LARGEST_LESION_ID:
            msg = (
                f"{mask} holds the label {labels.max()}; the largest that can be used is {LARGEST_LESION_ID}."
            )
            raise InputError(msg)
        arrays: dict[str, npt.NDArray[Any]] = {}
        found: list[tuple[int, Box, Point]] = []
        for label, slices in enumerate(ndimage.find_objects(labels), start=1):
            if slices is None:
                continue
            box = Box(as_shape([s.start for s in slices]), as_shape([s.stop for s in slices]))
            voxels = labels[slices] == label
            found.append((label, box, deepest_point(voxels, scan.grid.crop(box))))
            arrays[f"voxels_{label}"] = np.packbits(voxels)
        arrays["labels"] = np.array([label for label, _, _ in found], dtype=np.int64)
        arrays["starts"] = np.array([box.start for _, box, _ in found], dtype=np.int64).reshape(-1, 3)
        arrays["stops"] = np.array([box.stop for _, box, _ in found], dtype=np.int64).reshape(-1, 3)
        arrays["points_mm"] = np.array([point for _, _, point in found]).reshape(-1, 3)
        with self._writing(self._path(file, mask, ".npz")) as out:
            np.savez(out, **arrays)  # type: ignore[arg-type]  # their names are not its options


def _stamp(path: Path) -> str:
    """Tells a file or folder apart from others, and from itself before it changed."""
    if not path.exists():
        msg = f"There is no file or folder {path}."
        raise InputError(msg)
    with readable(path):
        parts = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        return repr([(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in parts])


def _grid(record: Mapping[str, Any]) -> Grid:
    z, y, x = (as_point(row) for row in record["direction"])
    shape, spacing, origin = record["shape"], record["spacing_mm"], record["origin_mm"]
    return Grid(as_shape(shape), as_point(spacing), as_point(origin), (z, y, x))


def _damaged(path: Path, source: Path) -> str:
    return f"{path}, which was unpacked from {source}, is damaged; delete its folder and start again."
