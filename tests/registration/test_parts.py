"""The pieces of the embedded registration, one by one."""

import numpy as np
import pytest
import torch  # noqa: TID253 - these are the pieces that work on it
from scipy import ndimage

from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._torch.adam import Adam
from napari_longiseg.registration._torch.affine import fit_affine, half_of
from napari_longiseg.registration._torch.body import body_of, without_table
from napari_longiseg.registration._torch.flow import Velocity
from napari_longiseg.registration._torch.lattice import Lattice, gradient
from napari_longiseg.registration._torch.lncc import LocalCorrelation
from napari_longiseg.registration._torch.pair import Pair
from napari_longiseg.registration._torch.search import shifts
from napari_longiseg.registration._torch.spline import empty_field
from napari_longiseg.registration._torch.volume import Volume, load, sample
from napari_longiseg.registration.agreement import Agreement
from napari_longiseg.registration.region import Region
from napari_longiseg.registration.transforms import Affine

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


def test_the_slopes_of_the_correlation_are_exact():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.rand((2, 7, 8, 6), generator=generator)
    weight = (torch.rand((7, 8, 6), generator=generator) > 0.3).float()
    measure = LocalCorrelation(a.shape, 2, CPU)
    measure.weigh(weight)
    _, slope_a, slope_b = measure.slopes(a, b)

    def total(a, b):
        return float((weight * measure.correlation(a, b)).sum())

    for place in [(3, 4, 2), (0, 0, 0), (6, 7, 5), (2, 6, 3)]:
        step = torch.zeros_like(a)
        step[place] = 1e-2
        of_a = (total(a + step, b) - total(a - step, b)) / 2e-2
        of_b = (total(a, b + step) - total(a, b - step)) / 2e-2
        assert of_a == pytest.approx(float(slope_a[place]), abs=2e-2, rel=0.02)
        assert of_b == pytest.approx(float(slope_b[place]), abs=2e-2, rel=0.02)


def test_correlation_is_one_for_equal_and_minus_one_for_inverted():
    image = torch.rand((9, 9, 9), generator=torch.Generator().manual_seed(0))
    measure = LocalCorrelation(image.shape, 2, CPU)
    assert measure.correlation(image, image * 0.5 + 0.1).mean() > 0.99
    assert measure.correlation(image, 1 - image).mean() < -0.99


def test_the_correlation_sees_weighted_voxels_only():
    generator = torch.Generator().manual_seed(0)
    a = torch.rand((9, 9, 9), generator=generator)
    spoilt = a.clone()
    spoilt[5:] = torch.rand((4, 9, 9), generator=generator)
    measure = LocalCorrelation(a.shape, 2, CPU)
    weight = torch.ones_like(a)
    weight[5:] = 0.0
    measure.weigh(weight)
    assert measure.mean(measure.correlation(a, spoilt)) == pytest.approx(1.0, abs=0.01)


def test_gradients_are_per_millimetre():
    z, y, x = torch.meshgrid(*[torch.arange(n, dtype=torch.float32) for n in (6, 7, 5)], indexing="ij")
    slopes = gradient(2 * z - 3 * y + x, spacing_mm=4.0)
    assert torch.allclose(slopes, torch.tensor([0.5, -0.75, 0.25])[:, None, None, None].expand_as(slopes))


def test_adam_is_the_published_one():
    generator = torch.Generator().manual_seed(0)
    start, slopes = torch.randn(5, generator=generator), torch.randn(8, 5, generator=generator)
    ours, theirs = start.clone(), start.clone()
    adam = Adam(ours, floor=1e-8, memory=0.999)
    steps, exp_avg, exp_avg_sq = torch.zeros(()), torch.zeros(5), torch.zeros(5)
    for slope in slopes:
        adam.climb(-slope, 0.01)
        steps += 1
        exp_avg = 0.9 * exp_avg + 0.1 * slope
        exp_avg_sq = 0.999 * exp_avg_sq + 0.001 * slope**2
        first, second = exp_avg / (1 - 0.9**steps), exp_avg_sq / (1 - 0.999**steps)
        theirs = theirs - 0.01 * first / (second.sqrt() + 1e-8)
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_half_an_affine_map_twice_is_the_whole():
    whole = Affine(
        np.array([[1.02, 0.03, 0.0], [-0.03, 0.98, 0.04], [0.0, -0.04, 1.0]]), np.array([300.0, -8, 5])
    )
    half = half_of(whole)
    points = np.random.default_rng(0).uniform(-200, 200, (20, 3))
    assert np.allclose(half(half(points)), whole(points), atol=1e-6)


def textured(shape, spacing_mm, origin):
    noise = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal(shape), 1.5)
    data = torch.from_numpy((0.5 + noise / noise.std() / 8).clip(0.1, 1).astype(np.float32))
    return Volume(data, np.full(3, spacing_mm), np.asarray(origin, dtype=np.float64))


def everywhere(volume):
    return Volume(torch.ones_like(volume.data), volume.spacing, volume.origin)


@pytest.mark.parametrize("rigid", [True, False])
def test_affine_alignment_is_the_same_both_ways(rigid):
    a, b = textured((24, 22, 26), 8.0, (0, 0, 0)), textured((24, 22, 26), 8.0, (9.0, -6.0, 12.0))
    there, correlation = fit_affine(
        Pair(a, b, everywhere(a), everywhere(b)), Affine.identity(), 60, 2.0, lambda _: None, rigid=rigid
    )
    back, _ = fit_affine(
        Pair(b, a, everywhere(b), everywhere(a)), Affine.identity(), 60, 2.0, lambda _: None, rigid=rigid
    )
    points = np.random.default_rng(0).uniform(20, 150, (20, 3))
    assert np.allclose(there(points), points + np.array([9.0, -6.0, 12.0]), atol=0.5)
    assert np.allclose(back(there(points)), points, atol=0.02)
    assert correlation > 0.9
    if rigid:
        assert np.allclose(there.matrix @ there.matrix.T, np.eye(3), atol=1e-9)


def strong_velocity(seed=0):
    """Some 20 mm here and there, so that adding it up as a displacement would fold."""
    lattice = Lattice.over(np.zeros(3), np.array([160.0, 140.0, 150.0]), 4.0, CPU)
    velocity = Velocity(lattice, extends=True)
    noise = torch.randn(velocity.coefficients.shape, generator=torch.Generator().manual_seed(seed))
    velocity.coefficients += 16.0 * noise
    return velocity


def test_a_flow_never_folds():
    half = strong_velocity().displacement()
    nodes = np.stack(np.meshgrid(*[np.arange(20.0, 120.0, 4.0)] * 3, indexing="ij"), -1).reshape(-1, 3)
    steps = [(half(nodes + d) - half(nodes - d)) / 0.2 for d in 0.1 * np.eye(3)]
    determinants = np.linalg.det(np.stack(steps, axis=-1))
    assert np.linalg.norm(half(nodes) - nodes, axis=1).max() > 8.0
    assert determinants.min() > 0.0


def test_the_flow_backwards_is_the_inverse():
    half = strong_velocity().displacement()
    points = np.random.default_rng(0).uniform(30, 110, (200, 3))
    assert np.linalg.norm(half.inverse(half(points)) - points, axis=1).mean() < 0.2


def test_a_velocity_on_finer_control_points_is_the_same():
    coarse = strong_velocity()
    fine = Velocity(
        Lattice.over(coarse.lattice.low, coarse.lattice.high, 2.0, CPU), coarse.fitted(), extends=True
    )
    points = np.random.default_rng(0).uniform(20, 120, (50, 3))
    assert np.allclose(fine.fitted()(points), coarse.fitted()(points), atol=1.0)


def test_a_velocity_that_does_not_extend_moves_nothing_beyond_its_reach():
    lattice = Lattice.over(np.zeros(3), np.full(3, 40.0), 2.0, CPU)
    velocity = Velocity(lattice, extends=False)
    velocity.coefficients += 3.0
    far = np.array([[20.0, 20.0, 80.0], [-40.0, 20.0, 20.0]])
    assert np.allclose(velocity.displacement()(far), far, atol=1e-5)
    assert np.linalg.norm(velocity.displacement()(np.full((1, 3), 20.0)) - 20.0) > 2.0


def test_the_table_is_no_part_of_the_body():
    data = torch.zeros((20, 40, 40))
    data[:, 8:24, 10:30] = 0.7
    data[:, 12:18, 14:20] = 0.12  # lung
    data[:, 26:27, 4:36] = 0.6  # table
    data[::4, 24:26, 19:20] = 0.3  # what the patient lies on
    volume = Volume(data, np.full(3, 4.0), np.zeros(3))
    body = body_of(volume)
    assert body.data[10, 15, 17] == 1
    assert body.data[:, 26, 5].sum() == 0
    cleared = without_table(volume, body)
    assert cleared.data[:, 26:].sum() < 0.05 * data[:, 26:].sum()
    assert torch.equal(cleared.data[:, 8:24, 10:30], data[:, 8:24, 10:30])


def test_a_region_is_the_same_after_it_was_kept():
    cells = np.random.default_rng(0).random((5, 6, 7)) > 0.5
    region = Region(cells, np.array([1.0, 2.0, 3.0]), 5.0)
    again = Region.of_state(region.state("lungs"), "lungs")
    points = np.random.default_rng(1).uniform(0, 30, (20, 3))
    assert np.array_equal(again.share(points), region.share(points))


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
