"""Volumes and affine transforms as SimpleITK has them."""

from __future__ import annotations

from typing import Any

from napari_longiseg.core.geometry import Array, Grid, as_point
from napari_longiseg.core.resample import Float32
from napari_longiseg.io._itk import itk_image, simple_itk
from napari_longiseg.registration._torch.pair import Pair
from napari_longiseg.registration._torch.volume import Volume
from napari_longiseg.registration.transforms import Affine


def image_of(volume: Volume, values: Float32 | None = None) -> Any:  # noqa: ANN401 - SimpleITK has no types
    """A volume, or other values (Z, Y, X) on its grid, as a SimpleITK image."""
    grid = Grid(volume.shape, as_point(volume.spacing), as_point(volume.origin))
    return itk_image(volume.data.cpu().numpy() if values is None else values, grid)


def itk_affine(transform: Affine, centre: Array) -> Any:  # noqa: ANN401 - SimpleITK has no types
    """The same transform as SimpleITK has it, with a centre (3,) in mm of its linear part."""
    found = simple_itk().AffineTransform(3)
    found.SetMatrix(transform.matrix[::-1, ::-1].ravel().tolist())
    found.SetCenter(centre[::-1].tolist())
    found.SetTranslation((transform(centre)[0] - centre)[::-1].tolist())
    return found


def on_source(pair: Pair, transform: Affine) -> tuple[Float32, Float32]:
    """The target (Z, Y, X) on the source's grid after a transform, and 1 where it reaches, else 0."""
    sitk = simple_itk()
    fixed, target = image_of(pair.source), image_of(pair.target)
    there = itk_affine(transform, pair.source.origin)
    moved = sitk.Resample(target, fixed, there, sitk.sitkLinear, 0.0)
    reaches = sitk.Resample(target * 0.0 + 1.0, fixed, there, sitk.sitkNearestNeighbor, 0.0)
    return sitk.GetArrayFromImage(moved), sitk.GetArrayFromImage(reaches)
