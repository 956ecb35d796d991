"""Where two scans overlap: an exhaustive search over shifts, since headers and borders cannot tell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from napari_longiseg.core.geometry import Array
from napari_longiseg.registration._torch.volume import Volume
from napari_longiseg.registration.transforms import Affine

SEARCH_MM = 12.0
"""Voxel size at which shifts are searched."""
MIN_OVERLAP = 0.25
"""Share of the smaller volume that must meet the other one."""
CANDIDATES = 3


def shifts(fixed: Volume, moving: Volume) -> list[Affine]:
    """The best shifts between two coarse volumes of the same spacing, best first.

    Normalised cross-correlation over the common part for every shift at once (Padfield, "Masked object
    registration in the Fourier domain", 2012). Neither the patient coordinates nor the centres of mass
    are trusted: another field of view moves both.
    """
    score = _masked_ncc(_array(fixed), _array(moving))
    peaks = (score == ndimage.maximum_filter(score, size=5)) & (score > 0.0)
    indices = np.argwhere(peaks)
    best = indices[np.argsort(-score[peaks], kind="stable")][:CANDIDATES]
    lowest = 1 - np.asarray(fixed.shape)
    return [_shift(fixed, moving, index + lowest) for index in best]


def _shift(fixed: Volume, moving: Volume, voxels: npt.NDArray[np.int64]) -> Affine:
    """Fixed voxel i goes to moving voxel i + *voxels*."""
    return Affine.shift(moving.origin - fixed.origin + voxels * fixed.spacing)


def _masked_ncc(fixed: Array, moving: Array) -> Array:
    """Correlation for every shift; entry s is shift ``s + 1 - fixed.shape``; -1 at too small overlaps."""
    full = np.add(fixed.shape, moving.shape) - 1
    size = [fft.next_fast_len(int(n), real=True) for n in full]

    def transformed(data: Array) -> npt.NDArray[np.complex128]:
        return np.asarray(fft.rfftn(data, size))

    def correlated(a: npt.NDArray[np.complex128], b: npt.NDArray[np.complex128]) -> Array:
        wrapped = fft.irfftn(np.conj(a) * b, size)
        rolled = np.roll(wrapped, np.subtract(fixed.shape, 1), axis=(0, 1, 2))
        return np.asarray(rolled[: full[0], : full[1], : full[2]])

    ones_f, ones_m = transformed(np.ones_like(fixed)), transformed(np.ones_like(moving))
    f, ff = transformed(fixed), transformed(fixed**2)
    m, mm = transformed(moving), transformed(moving**2)
    count = np.rint(correlated(ones_f, ones_m)).clip(1)
    sum_f, sum_m = correlated(f, ones_m), correlated(ones_f, m)
    variance_f = correlated(ff, ones_m) - sum_f**2 / count
    variance_m = correlated(ones_f, mm) - sum_m**2 / count
    covariance = correlated(f, m) - sum_f * sum_m / count
    spread = np.sqrt(np.clip(variance_f, 0, None) * np.clip(variance_m, 0, None))
    valid = (count >= MIN_OVERLAP * min(fixed.size, moving.size)) & (spread > 1e-4 * count)
    return np.where(valid, covariance / np.where(valid, spread, 1.0), -1.0)


def _array(volume: Volume) -> Array:
    return np.asarray(volume.data.cpu().numpy(), dtype=np.float64)
