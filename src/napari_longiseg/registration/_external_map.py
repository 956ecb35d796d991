"""The map of a transform that was made elsewhere, with what the two scans say about it."""

from __future__ import annotations

import numpy as np

from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.scan import Scan
from napari_longiseg.io.transforms import FileTransform, LinearStep
from napari_longiseg.registration.base import MapReport
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.quality import Quality, assess
from napari_longiseg.registration.transforms import Chain

HARDLY = 0.05
"""Share of the source scan; where less of it lands on the target, the file hardly means these scans."""
SAMPLES = 12
"""Points along each axis of the source scan that are tried for that."""
FINE, UNLIKE = 0.7, 0.25
"""Mean local correlations from which on nothing speaks against a transform, and below which the scans are not
alike at all. Measured after affine maps: 0.30 to 0.58 on true pairs, mostly below 0.30 on others."""
BETTER = 0.1
"""By so much more the scans must correlate the other way round to say so."""


class ExternalMap(TransformMap):
    """Carries source points to the target scan by a transform that was made elsewhere.

    Parameters
    ----------
    transform, quality
        As of any map of images.
    report : MapReport
        Where the transform is from, how well the scans agree, and what speaks against it.
    """

    def __init__(self, transform: Chain, quality: Quality, report: MapReport) -> None:
        super().__init__(transform, quality)
        self._report = report

    @property
    def report(self) -> MapReport:
        """Where the transform is from, how well the scans agree, and what speaks against it."""
        return self._report


def external_map(
    name: str, found: FileTransform, transform: Chain, source: Scan, target: Scan, progress: Progress
) -> ExternalMap:
    """Compare two scans after a transform.

    Parameters
    ----------
    name : str
        Of its file, for the report.
    found : FileTransform
        What the file holds.
    transform : Chain
        The same, from source to target.

    Raises
    ------
    RegistrationError
        When torch fails.
    Cancelled
        From *progress*.
    """
    quality = assess(source, target, transform, scaled(progress, 0.0, 0.5))
    doubt = _doubt(name, found, source, target, transform, quality, scaled(progress, 0.5, 1.0))
    progress(f"Comparing {source.id} with {target.id}", 1.0)
    summary = f"{name}: {_kinds(found)}. {quality.report.summary}"
    return ExternalMap(transform, quality, MapReport(summary, " ".join([*found.notes, doubt]).strip()))


def _doubt(
    name: str,
    found: FileTransform,
    source: Scan,
    target: Scan,
    transform: Chain,
    quality: Quality,
    progress: Progress,
) -> str:
    """What speaks against the transform; empty where nothing does."""
    lands = _share_inside(source.grid, transform, target.grid)
    mean = np.nan_to_num(quality.agreement.mean, nan=-1.0)
    if lands >= HARDLY and mean >= FINE:
        return ""
    other = assess(source, target, transform.inverse, progress).agreement.mean
    if other >= max(mean + BETTER, UNLIKE):
        remedy = "check its frames of reference" if found.is_directed else "change the option invert"
        return (
            f"{name} seems to map {target.id} to {source.id}: the other way round the scans agree better "
            f"(correlation {other:.2f}); {remedy}."
        )
    if lands < HARDLY:
        return (
            f"Hardly any point of {source.id} lands on {target.id}: {name} belongs to other scans, maps the "
            "other way (option invert) or counts its axes differently (option axes)."
        )
    if mean < UNLIKE:
        return f"After {name} the scans hardly agree; check that it belongs to them."
    return quality.report.doubt


def _share_inside(source: Grid, transform: Chain, target: Grid) -> float:
    """Share of a scan's volume that lands on the other one."""
    axes = [np.linspace(0, n - 1, SAMPLES) for n in source.shape]
    points = source.to_mm(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3))
    return float(target.contains(transform(points)).mean())


def _kinds(found: FileTransform) -> str:
    """The steps of a transform in words, in the order in which they are applied."""
    words = {1: "displacement field", 3: "B-spline"}
    return ", ".join("affine" if isinstance(s, LinearStep) else words[s.order] for s in found.steps)
