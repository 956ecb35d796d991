"""What rigid and affine alignment have in common."""

from __future__ import annotations

from napari_longiseg.core.progress import Progress, scaled
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration.maps import TransformMap
from napari_longiseg.registration.quality import Quality, require_one_patient

MIN_CORRELATION = 0.25
"""Mean local correlation of scans of one patient, if nothing bends. Measured: 0.30 to 0.58 on true pairs;
0.11 to 0.29 on other patients or parts, but for two of ten."""


def align_linear(source: Scan, target: Scan, device: str, progress: Progress, *, rigid: bool) -> TransformMap:
    """Align two scans by rotation and shift, and scale and shear too where it is not *rigid*.

    Raises
    ------
    RegistrationError
        When a scan is too small, when they do not show the same part of one patient, or when torch fails.
    """
    stage = f"Aligning {source.id} to {target.id}"
    progress(stage, 0.0)
    from napari_longiseg.registration._torch.align import FINE_MM, align_affine, load_pair
    from napari_longiseg.registration._torch.compare import compare
    from napari_longiseg.registration._torch.device import torch_device, torch_errors

    with torch_errors():
        pair = load_pair(source, target, FINE_MM, torch_device(device), scaled(progress, 0.0, 0.4))
        transform = align_affine(pair, scaled(progress, 0.4, 0.95), stage, rigid=rigid)
        quality = Quality.of(compare(pair.source, pair.target, transform), source, target)
    require_one_patient(quality, source, target, MIN_CORRELATION)
    progress(stage, 1.0)
    return TransformMap(transform, quality)
