"""An affine transform by mutual information, which does not mind another contrast phase."""

from __future__ import annotations

import numpy as np

from napari_longiseg.core.errors import RegistrationError
from napari_longiseg.io._itk import matrix_of, simple_itk
from napari_longiseg.io.transforms import LinearStep
from napari_longiseg.registration._itk.run import Tick, part, run
from napari_longiseg.registration._itk.volumes import image_of, itk_affine
from napari_longiseg.registration._torch.pair import Pair
from napari_longiseg.registration._torch.search import SEARCH_MM, shifts
from napari_longiseg.registration.transforms import Affine

AFFINE_MM = 6.0
"""Voxel size of the last fit."""
BINS = 32
SEARCH_STEPS, AFFINE_STEPS = 40, 80
STEP_MM, LAST_STEP_MM = 4.0, 0.02


def fit_affine(pair: Pair, tick: Tick) -> Affine:
    """The affine transform from source to target points by Mattes' mutual information.

    Mattes et al., "PET-CT image registration in the chest using free-form deformations", 2003.

    Raises
    ------
    RegistrationError
        When nothing of the two scans can be laid over each other.
    """
    start = search_affine(pair, part(tick, 0.0, 0.5))
    return _climb(pair.reduced(AFFINE_MM), start, AFFINE_STEPS, part(tick, 0.5, 1.0))[0]


def search_affine(pair: Pair, tick: Tick) -> Affine:
    """A coarse one, from each of the best shifts of an exhaustive search.

    Raises
    ------
    RegistrationError
        When nothing of the two scans can be laid over each other.
    RuntimeError
        From ITK, where it fails from every start.
    """
    coarse = pair.reduced(SEARCH_MM)
    starts = shifts(coarse.source, coarse.target)
    if not starts:
        msg = f"{pair.scans} have no common part that could be aligned."
        raise RegistrationError(msg)
    tried: list[tuple[Affine, float]] = []
    failed: RuntimeError | None = None
    for n, start in enumerate(starts):
        try:
            tried.append(
                _climb(coarse, start, SEARCH_STEPS, part(tick, n / len(starts), (n + 1) / len(starts)))
            )
        except RuntimeError as error:  # a false start may lead out of the target
            failed = error
    if failed and not tried:
        raise failed
    return max(tried, key=lambda t: t[1])[0]


def _climb(pair: Pair, start: Affine, steps: int, tick: Tick) -> tuple[Affine, float]:
    """A better transform, and the mutual information after it."""
    sitk = simple_itk()
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricFixedMask(sitk.Cast(image_of(pair.source_body) > 0.5, sitk.sitkUInt8))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(STEP_MM, LAST_STEP_MM, steps, relaxationFactor=0.7)
    method.SetOptimizerScalesFromPhysicalShift()
    centre = pair.source.origin + (np.asarray(pair.source.shape) - 1) / 2 * pair.source.spacing
    method.SetInitialTransform(itk_affine(start, centre), inPlace=True)
    found = run(method, steps, tick, image_of(pair.source), image_of(pair.target))
    step = LinearStep.of_xyz(matrix_of(found))
    return Affine(step.matrix, step.offset), -method.GetMetricValue()
