"""The pieces of the embedded registration, one by one."""

import numpy as np
import pytest
import torch  # noqa: TID253 - these are the pieces that work on it
from scipy import ndimage

from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._spline import empty_field
from napari_longiseg.registration._torch.lncc import LocalCorrelation
from napari_longiseg.registration._torch.search import shifts
from napari_longiseg.registration._torch.volume import Volume, load, sample
from napari_longiseg.registration._torch.warp import Warp
from napari_longiseg.registration._transform import Transform
from napari_longiseg.registration.agreement import Agreement

CPU = torch.device("cpu")


def ramp(shape, spacing_mm, origin_mm):
    """HU grow linearly with the coordinates, so every average has a known value."""
    grid = Grid(shape, spacing_mm, origin_mm)
    points = grid.to_mm(np.stack(np.indices(shape), axis=-1))
    return Scan("ramp", (points @ [1.0, 2.0, -3.0]).astype(np.float32) - 300, grid)


def random_field(extends, seed=0):
    field = empty_field(np.zeros(3), np.array([50.0, 40.0, 60.0]), 8.0, extends)
    field.coefficients[:] = np.random.default_rng(seed).standard_normal(field.coefficients.shape)
    return field


@pytest.mark.parametrize("spacing_mm", [(1.3, 1.7, 1.1), (7.0, 3.0, 5.5)])
def test_averaging_keeps_places(spacing_mm):
    scan = ramp((40, 30, 35), spacing_mm, (5.0, -20.0, 10.0))
    volume = load(scan, 4.0, CPU, lambda _: None)
    points = np.stack(np.meshgrid(*volume.axes_mm(), indexing="ij"), axis=-1)
    inner = (slice(2, -2),) * 3
    expected = (points @ [1.0, 2.0, -3.0] + 700) / 1400
    assert np.allclose(volume.data.numpy()[inner], expected[inner], atol=1e-4)


def test_intensities_are_clipped():
    image = np.array([-3000, -1000, 400, 3000], np.int16).reshape(4, 1, 1).repeat(8, 1).repeat(8, 2)
    volume = load(Scan("x", image, Grid((4, 8, 8), (4.0, 4.0, 4.0))), 4.0, CPU, lambda _: None)
    assert volume.data.min() == 0
    assert volume.data.max() == 1


def test_sampling_is_trilinear_for_any_number_of_points():
    data = np.random.default_rng(0).random((2, 6, 7, 8), dtype=np.float32)
    index = np.random.default_rng(1).random((3, 3, 5, 7), dtype=np.float32) * 5
    values = sample(torch.from_numpy(data), torch.from_numpy(index)).numpy()
    expected = [ndimage.map_coordinates(channel, index, order=1) for channel in data]
    assert np.allclose(values, expected, atol=1e-5)


def test_the_slope_of_the_correlation_is_exact():
    generator = torch.Generator().manual_seed(0)
    fixed, moving = torch.rand((2, 7, 8, 6), generator=generator)
    weight = (torch.rand((7, 8, 6), generator=generator) > 0.3).float()
    measure = LocalCorrelation(fixed, 2)
    measure.weigh(weight)
    _, slope = measure.compare(moving)
    for place in [(3, 4, 2), (0, 0, 0), (6, 7, 5), (2, 6, 3)]:
        step = torch.zeros_like(moving)
        step[place] = 1e-2
        up, down = (float((weight * measure.compare(m)[0]).sum()) for m in (moving + step, moving - step))
        assert (up - down) / 2e-2 == pytest.approx(float(slope[place]), abs=2e-2, rel=0.02)


def test_correlation_is_one_for_equal_and_minus_one_for_inverted():
    image = torch.rand((9, 9, 9), generator=torch.Generator().manual_seed(0))
    measure = LocalCorrelation(image, 2)
    assert measure.compare(image * 0.5 + 0.1)[0].mean() > 0.99
    assert measure.compare(1 - image)[0].mean() < -0.99


@pytest.mark.parametrize("extends", [True, False])
def test_points_and_volumes_see_the_same_field(extends):
    field = random_field(extends)
    fixed = Volume(torch.zeros(12, 11, 13), np.full(3, 6.0), np.array([-6.0, -8.0, -5.0]))
    moving = Volume(torch.zeros(9, 9, 9), np.full(3, 3.0), np.array([4.0, 5.0, 6.0]))
    transform = Transform(np.array([1.0, 2, 3]), np.array([5.0, 4, 1]), np.diag([1.1, 0.9, 1.0]), (field,))
    points = np.stack(np.meshgrid(*fixed.axes_mm(), indexing="ij"), axis=-1).reshape(-1, 3)
    expected = (transform(points) - moving.origin) / 3.0
    places = Warp(fixed, moving).places(transform).flatten(1).T.numpy()
    assert np.allclose(places, expected, atol=1e-4)


def test_a_field_goes_on_or_fades():
    far = np.array([[200.0, 20.0, 30.0]])
    border = np.array([[50.0, 20.0, 30.0]])
    assert np.allclose(random_field(True)(far), random_field(True)(border))
    assert np.allclose(random_field(False)(far), 0)


def test_the_search_finds_a_crop_in_other_coordinates():
    noise = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((20, 16, 18)), 1.0)
    whole = Volume(torch.from_numpy(noise), np.full(3, 12.0), np.array([100.0, 50.0, -70.0]))
    part = Volume(torch.from_numpy(noise[9:17, 2:, :15]), np.full(3, 12.0), np.zeros(3))
    start = np.array([100.0, 50.0, -70.0]) + 12.0 * np.array([9, 2, 0])
    assert np.allclose(shifts(whole, part)[0](start), 0, atol=1e-6)
    assert np.allclose(shifts(part, whole)[0](np.zeros(3)), start, atol=1e-6)


def test_agreement_is_averaged_around_points_where_it_is_known():
    correlation = np.full((10, 10, 10), np.nan, np.float32)
    correlation[:5] = 0.5
    agreement = Agreement(correlation, np.zeros(3), np.full(3, 4.0))
    assert agreement.mean == pytest.approx(0.5)
    near = agreement.near(np.array([[8.0, 20.0, 20.0], [36.0, 20.0, 20.0], [8.0, 99.0, 20.0]]))
    assert near[0] == pytest.approx(0.5)
    assert np.isnan(near[1:]).all()
