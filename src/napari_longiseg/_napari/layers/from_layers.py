"""Make a study of image layers that are in the viewer already, whichever plugin has put them there.

Their axes are taken to be (z, y, x) in LPS: slices from the feet to the head, rows from the front to the
back, columns from the patient's right to the left. napari knows no patients, so this cannot be checked.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

import napari.layers
from napari_longiseg._napari.layers.scans import SCAN_KEY, STUDY_KEY, space_options
from napari_longiseg.core.errors import GeometryError, InputError
from napari_longiseg.core.geometry import SNAP_TOLERANCE, Array, Grid, Point, as_point, as_shape
from napari_longiseg.core.scan import Scan, Study
from napari_longiseg.io._hu import compact
from napari_longiseg.io.orientation import to_working

ASSUMED = "The axes of the layer were taken as z, y, x in LPS."
CT_MM = (0.1, 20.0)
"""Voxels smaller or larger than this are not a CT's."""
DARK_HU, BRIGHT_HU = -300.0, 20000.0
"""CT shows air or lung below the first, and nothing above the second, metal included."""
DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")


@dataclass(frozen=True, slots=True, eq=False)
class LayerScan:
    """One open layer, as the scan that it is to be.

    Attributes
    ----------
    layer : napari.layers.Image
        Its voxels are the scan's.
    id : str
        Of the scan.
    date : date or None
        Day of the acquisition.
    spacing_mm : (3,) float or None
        Size of the voxels along the layer's axes as the user says it; None where the layer is to be believed.
    """

    layer: Any
    id: str
    date: dt.date | None = None
    spacing_mm: Point | None = None


def refusal(layer: Any) -> str:  # noqa: ANN401 - may be a proxy of a layer
    """Why a layer cannot be a scan, in one sentence; empty where it can."""
    if not isinstance(layer, napari.layers.Image):
        return f"{layer.name} is no image layer."
    if layer.rgb:
        return f"{layer.name} is in colour; a scan has one number per voxel."
    if layer.multiscale:
        return f"{layer.name} is multiscale; open its full resolution as a layer of its own."
    if layer.ndim != 3 or min(layer.data.shape) < 2:
        return f"{layer.name} is {layer.ndim}-D or one slice thin; a scan is a volume with slices."
    if np.dtype(layer.data.dtype).kind not in "iuf":
        return f"{layer.name} holds no numbers that could be HU, but {layer.data.dtype}."
    return ""


def spacing_of(layer: Any) -> Point:  # noqa: ANN401
    """Size of the voxels along the layer's axes: in mm, or as the layer says it where that is no length."""
    return as_point(np.linalg.norm(_matrix(layer), axis=0) * _millimetres(layer))


def unit_doubt(layer: Any) -> str:  # noqa: ANN401
    """What to ask about a layer's units, in one sentence; empty where they are lengths that CT has."""
    units = ", ".join(sorted({str(unit) for unit in layer.units}))
    spacing = " x ".join(f"{size:g}" for size in spacing_of(layer))
    if not _has_lengths(layer):
        return f"The layer says {units}: are its voxels {spacing} mm (z, y, x)?"
    if min(spacing_of(layer)) < CT_MM[0] or max(spacing_of(layer)) > CT_MM[1]:
        return f"Voxels of {spacing} mm are unusual for CT: is {units} the right unit?"
    return ""


def hu_doubt(layer: Any) -> str:  # noqa: ANN401
    """Why a layer's values may be no HU, in one sentence; empty where they may well be."""
    sample = np.asarray(layer.data[:: max(1, layer.data.shape[0] // 16), ::8, ::8])
    low, high = float(sample.min()), float(sample.max())
    if low > DARK_HU:
        return f"Nothing is as dark as air or lung (lowest value {low:g}): are these HU?"
    if high > BRIGHT_HU:
        return f"Some values are above all that CT shows (highest value {high:g}): are these HU?"
    return ""


def date_in(name: str) -> dt.date | None:
    """The first date in a layer's name, such as 2024-03-10 or 20240310."""
    for found in DATE.finditer(name):
        try:
            return dt.date(*map(int, found.groups()))
        except ValueError:
            continue
    return None


def layers_as_study(chosen: Sequence[LayerScan], patient: str) -> Study:
    """The study that layers make, in the order given.

    The voxels of a layer with 16-bit integers or 32-bit floats are the scan's, without a copy, unless the
    layer is flipped, turned, or lies in other memory than the computer's own. A layer that has been loaded
    as a scan keeps what is known of it.

    Raises
    ------
    InputError
        When there is no layer, one cannot be a scan, or two scans have the same id.
    GeometryError
        When a layer is sheared, or has no length as its unit and nobody has said the size of its voxels.
    """
    if not chosen:
        msg = "Choose at least one layer as a scan."
        raise InputError(msg)
    if any(not one.id.strip() for one in chosen):
        msg = "Every scan needs an id, such as T0."
        raise InputError(msg)
    return Study(patient.strip() or "patient", tuple(_scan(one) for one in chosen))


def take_over(study: Study, layers: Sequence[Any]) -> None:
    """Let layers show the scans that were made of them, so that the study does not show each twice.

    Parameters
    ----------
    study : Study
        From :func:`layers_as_study`.
    layers : sequence of napari.layers.Image
        As they were given there.
    """
    for scan, layer in zip(study.scans, layers, strict=True):
        if layer.data is not scan.image:
            layer.data = scan.image
        layer.affine, layer.rotate, layer.shear = np.eye(4), np.eye(3), np.zeros(3)
        for option, value in space_options(scan.grid).items():
            setattr(layer, option, value)
        layer.metadata[STUDY_KEY], layer.metadata[SCAN_KEY] = study, scan.id


def _scan(one: LayerScan) -> Scan:
    layer = one.layer
    if reason := refusal(layer):
        raise InputError(reason)
    loaded = _loaded_as(layer)
    if loaded is not None:
        return replace(loaded, id=one.id.strip(), date=one.date or loaded.date)
    native = _grid(layer, one.spacing_mm)
    values = np.asarray(layer.data)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        msg = f"{layer.name} holds values that are no numbers (NaN or infinite); replace them first."
        raise InputError(msg)
    if values.dtype not in (np.int16, np.float32):
        values = compact(values)
    plain = native.is_lps
    image, grid = (values, native) if plain else to_working(values, native)
    doubt = hu_doubt(layer)
    notes = (ASSUMED, doubt) if doubt else (ASSUMED,)
    return Scan(one.id.strip(), image, grid, native, one.date, notes=notes)


def _loaded_as(layer: Any) -> Scan | None:  # noqa: ANN401
    """The scan that a layer was loaded as."""
    study = layer.metadata.get(STUDY_KEY)
    scans = study.scans if isinstance(study, Study) else ()
    return next((scan for scan in scans if scan.image is layer.data), None)


def _grid(layer: Any, spacing_mm: Point | None) -> Grid:  # noqa: ANN401
    """Where a layer lies, in mm."""
    if spacing_mm is None and not _has_lengths(layer):
        msg = f"{layer.name} has no length as its unit; say how large its voxels are in mm."
        raise GeometryError(msg)
    matrix = _matrix(layer)
    sizes = np.linalg.norm(matrix, axis=0)
    direction = matrix / sizes
    if not np.allclose(direction.T @ direction, np.eye(3), rtol=0, atol=SNAP_TOLERANCE):
        msg = f"{layer.name} is sheared; resample it on a straight grid first."
        raise GeometryError(msg)
    spacing = np.asarray(spacing_of(layer) if spacing_mm is None else spacing_mm)
    # Where the voxels are of another size than the layer says, so is all that it says about its place.
    origin = np.asarray(layer.data_to_world((0.0, 0.0, 0.0))) * (direction**2 @ (spacing / sizes))
    columns = [as_point(row) for row in direction]
    return Grid(
        as_shape(layer.data.shape), as_point(spacing), as_point(origin), (columns[0], columns[1], columns[2])
    )


def _matrix(layer: Any) -> Array:  # noqa: ANN401
    """(3, 3) from index steps to the layer's own units, with all of its transforms."""
    corner = np.asarray(layer.data_to_world((0.0, 0.0, 0.0)))
    return np.stack([np.asarray(layer.data_to_world(step)) - corner for step in np.eye(3)], axis=1)


def _has_lengths(layer: Any) -> bool:  # noqa: ANN401
    return all(unit.is_compatible_with("mm") for unit in layer.units)


def _millimetres(layer: Any) -> npt.NDArray[np.float64]:  # noqa: ANN401
    """Millimetres per unit along each axis; 1 where the units are no lengths."""
    if not _has_lengths(layer):
        return np.ones(3)
    return np.array([float((1 * unit).to("mm").magnitude) for unit in layer.units])
