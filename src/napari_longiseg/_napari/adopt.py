"""Find the studies that the reader or File > Open Sample has put into a viewer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from napari_longiseg._napari.layers import SCAN_KEY, STUDY_KEY
from napari_longiseg.core.scan import Study


def scan_layers(layers: Iterable[Any], study: Study) -> dict[str, Any]:
    """The image layers that hold scans of this study, by scan id."""
    voxels = {scan.id: scan.image for scan in study.scans}
    found: dict[str, Any] = {}
    for layer in layers:
        scan_id = _scan_id(layer)
        if scan_id in voxels and layer.data is voxels[scan_id]:
            found.setdefault(scan_id, layer)
    return found


def loaded_study(layers: Iterable[Any]) -> Study | None:
    """The study to work on, from the layers of a viewer.

    The study added last of those whose scans are all there; scans that were opened one by one are taken as
    one study together.
    """
    layers = list(layers)
    studies = [layer.metadata[STUDY_KEY] for layer in layers if _scan_id(layer) is not None]
    whole = [s for s in studies if len(s.scans) > 1 and len(scan_layers(layers, s)) == len(s.scans)]
    if whole:
        found: Study = whole[-1]
        return found
    return _together([study for study in studies if len(study.scans) == 1])


def _together(singles: list[Study]) -> Study | None:
    scans = {study.scans[0].id: study.scans[0] for study in singles}
    if not scans:
        return None
    ordered = list(scans.values())
    if all(scan.date for scan in ordered):
        ordered.sort(key=lambda scan: str(scan.date))
    return Study(singles[0].patient, tuple(ordered), singles[0].lesions)


def _scan_id(layer: Any) -> str | None:  # noqa: ANN401 - may be a proxy of a layer
    metadata: Mapping[str, Any] = layer.metadata
    known = isinstance(metadata.get(STUDY_KEY), Study) and SCAN_KEY in metadata
    return str(metadata[SCAN_KEY]) if known else None
