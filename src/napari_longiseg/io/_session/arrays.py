"""The arrays of a session file: zarr 3 with the metadata of OME-Zarr 0.5. Zarr is imported on first use."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.geometry import Box, Grid, Shape, as_shape
from napari_longiseg.core.labels import label_volume
from napari_longiseg.core.lesion import Finding, Lesion, LesionMask
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import Scan
from napari_longiseg.io.arriving import arriving

CHUNK: Shape = (64, 128, 128)
LABELS = "lesions"
OME_VERSION = "0.5"
PART = ".part"
METADATA = "zarr.json"
SHOWN = "longiseg-shown"
"""Attribute of labels: a hash of what they show."""
AXES = [{"name": name, "type": "space", "unit": "millimeter"} for name in "zyx"]


@contextmanager
def arriving_folder(path: Path) -> Iterator[Path]:
    """A folder of another name beside it, which takes its place when all went well, and is deleted else."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{PART}")
    try:
        yield part
        if path.exists():
            shutil.rmtree(path)
        part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what a program that was ended has left in a folder."""
    for left in folder.glob(f".*{PART}"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def write_group(folder: Path, attributes: Mapping[str, Any]) -> None:
    """A group that has these attributes, exchanged in one step; its members stay."""
    content = {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)}
    with arriving(folder / METADATA) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_attribute(folder: Path, name: str) -> Any:  # noqa: ANN401 - whatever stands there
    """What a group says of itself; None where it says nothing, or cannot be read."""
    try:
        return json.loads((folder / METADATA).read_text(encoding="utf-8"))["attributes"][name]
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return None


def write_image(folder: Path, scan: Scan, progress: Progress) -> None:
    """One scan as an OME-Zarr image, slab by slab."""
    array = _image_array(folder, scan.image.dtype, scan.grid, {"ome": _multiscales(scan.id, scan.grid)})
    for slab in _slabs(scan.grid.shape):
        progress(f"Saving {scan.id}", slab.start / scan.grid.shape[0])
        array[slab] = scan.image[slab]


def read_image(folder: Path, name: str, progress: Progress) -> npt.NDArray[Any]:
    """The voxels (Z, Y, X) of an image, slab by slab; *name* is for the progress."""
    import zarr

    array: Any = zarr.open_array(folder / "0", mode="r")
    voxels = np.empty(array.shape, array.dtype)
    for slab in _slabs(array.shape):
        progress(f"Reading {name}", slab.start / array.shape[0])
        voxels[slab] = array[slab]
    return voxels


def write_labels(image: Path, scan: Scan, lesions: Sequence[Lesion], findings: Sequence[Finding]) -> None:
    """The findings of one scan as labels of its image, for other tools: a voxel has one lesion only.

    Labels that show the same already are left as they are.
    """
    about: dict[str, Any] = {
        "properties": [{"label-value": lesion.id, "name": lesion.name} for lesion in lesions],
        "source": {"image": "../../"},
    }
    if colours := [_label_colour(lesion) for lesion in lesions if lesion.colour]:
        about["colors"] = colours
    ome = {**_multiscales(LABELS, scan.grid), "image-label": about}
    metadata = {"ome": ome, SHOWN: _digest_of(ome, findings)}
    if read_attribute(image / "labels" / LABELS, SHOWN) == metadata[SHOWN]:
        return
    write_group(image / "labels", {"ome": {"version": OME_VERSION, "labels": [LABELS]}})
    with arriving_folder(image / "labels" / LABELS) as part:
        array = _image_array(part, np.dtype(np.uint16), scan.grid, metadata)
        for box in _chunks(scan.grid.shape):
            if inside := [cut for finding in findings if (cut := _cut(finding, box))]:
                array[box.slices] = label_volume(inside, scan.grid.crop(box))


def write_bytes(folder: Path, content: npt.NDArray[np.uint8]) -> None:
    """An array (N,) of bytes."""
    import zarr

    array: Any = zarr.create_array(
        folder,
        shape=content.shape,
        dtype=np.uint8,
        chunks=(1 << 20,),
        compressors=_compressor(),
        fill_value=0,
    )
    array[:] = content


def read_bytes(folder: Path) -> npt.NDArray[np.uint8]:
    """An array (N,) of bytes."""
    import zarr

    array: Any = zarr.open_array(folder, mode="r")
    return np.asarray(array[:], dtype=np.uint8)


def _digest_of(about: Mapping[str, Any], findings: Sequence[Finding]) -> str:
    """A hash of all that labels depend on."""
    found = hashlib.blake2b(json.dumps(about).encode(), digest_size=16)
    for finding in sorted(findings, key=lambda one: one.lesion):
        if finding.mask is not None:
            found.update(repr((finding.lesion, finding.mask.box, finding.point_mm)).encode())
            found.update(np.packbits(finding.mask.voxels).data)
    return found.hexdigest()


def _image_array(folder: Path, dtype: np.dtype[Any], grid: Grid, attributes: Mapping[str, Any]) -> Any:  # noqa: ANN401 - zarr's array
    import zarr

    write_group(folder, attributes)
    return zarr.create_array(
        folder / "0",
        shape=grid.shape,
        dtype=dtype,
        chunks=as_shape(np.minimum(grid.shape, CHUNK)),
        compressors=_compressor(),
        fill_value=0,
        dimension_names=("z", "y", "x"),
    )


def _compressor() -> Any:  # noqa: ANN401 - zarr's codec
    from zarr.codecs import BloscCodec

    # A third of the time of level 3 for files that are a tenth larger, measured on the sample study.
    return BloscCodec(cname="zstd", clevel=1, shuffle="shuffle")


def _multiscales(name: str, grid: Grid) -> dict[str, Any]:
    """One scale, placed in patient space; the working grid has no direction but the patient's."""
    placed = [
        {"type": "scale", "scale": list(grid.spacing_mm)},
        {"type": "translation", "translation": list(grid.origin_mm)},
    ]
    datasets = [{"path": "0", "coordinateTransformations": placed}]
    return {
        "version": OME_VERSION,
        "multiscales": [{"name": name, "axes": AXES, "datasets": datasets}],
    }


def _label_colour(lesion: Lesion) -> dict[str, Any]:
    return {"label-value": lesion.id, "rgba": [*bytes.fromhex(lesion.colour[1:]), 255]}


def _slabs(shape: Sequence[int]) -> Iterator[slice]:
    return (slice(z, min(z + CHUNK[0], shape[0])) for z in range(0, shape[0], CHUNK[0]))


def _chunks(shape: Shape) -> Iterator[Box]:
    starts = (range(0, size, step) for size, step in zip(shape, CHUNK, strict=True))
    return (Box(as_shape(start), as_shape(np.add(start, CHUNK))).clipped(shape) for start in product(*starts))


def _cut(finding: Finding, box: Box) -> Finding | None:
    """The part of a finding in a box, counted from its start; None where there is none."""
    if finding.mask is None or finding.mask.box.intersection(box).is_empty:
        return None
    inside = Box((0, 0, 0), box.shape)
    return replace(finding, mask=LesionMask(inside, finding.mask.within(box)))
