import math

import pytest
import torch  # noqa: TID253 - batches are its tensors

from napari_longiseg.training.config import Augmentation, Draw
from napari_longiseg.training.network.augment import augmented

WINDOWS = 2


def always(value, high=None):
    return Draw(probability=1, low=value, high=value if high is None else high)


def changed(stream, mask, seed=0, **how):
    generator = torch.Generator().manual_seed(seed)
    return augmented(stream, mask, WINDOWS, Augmentation(**how), generator)


@pytest.fixture
def stream():
    """Four cases of two windows and a map of clicks, in a box whose edges differ."""
    random = torch.Generator().manual_seed(0)
    return torch.rand(4, WINDOWS + 1, 10, 12, 14, generator=random)


@pytest.fixture
def mask():
    mask = torch.zeros(4, 10, 12, 14, dtype=torch.uint8)
    mask[:, 3:7, 4:8, 5:9] = 1
    return mask


STRONG = {
    "rotation_degrees": (-10, 10),
    "smooth_sigma": (0.5, 1.0),
    "gamma": (0.8, 1.2),
    "scale": (0.8, 1.2),
    "shift": (-0.1, 0.1),
    "noise_sd": (0.02, 0.02),
}


def test_nothing_changes_where_nothing_is_drawn(stream, mask):
    never = {name: Draw(probability=0, low=low, high=high) for name, (low, high) in STRONG.items()}
    for how in ({}, never):
        image, same = changed(stream, mask, **how)
        torch.testing.assert_close(image, stream, rtol=0, atol=0)
        assert torch.equal(same, mask)


def test_nothing_changes_at_no_strength(stream, mask):
    neutral = {"rotation_degrees": 0, "gamma": 1, "scale": 1, "shift": 0, "noise_sd": 0}
    image, same = changed(stream, mask, **{name: always(value) for name, value in neutral.items()})
    torch.testing.assert_close(image, stream, rtol=0, atol=1e-5)
    assert torch.equal(same, mask)


def test_intensities_are_changed_by_what_was_drawn(stream, mask):
    windows = stream[:, :WINDOWS]
    for how, expected in (
        ({"scale": always(1.2)}, windows * 1.2),
        ({"shift": always(-0.1)}, windows - 0.1),
        ({"gamma": always(0.8)}, windows**0.8),
        ({"gamma": always(2.0), "scale": always(0.5), "shift": always(1.0)}, windows**2 * 0.5 + 1),
    ):
        image, same = changed(stream, mask, **how)
        torch.testing.assert_close(image[:, :WINDOWS], expected)
        torch.testing.assert_close(image[:, WINDOWS:], stream[:, WINDOWS:], rtol=0, atol=0)
        assert torch.equal(same, mask)


def test_each_case_has_a_draw_of_its_own_within_the_range(stream, mask):
    many, masks = stream.repeat(25, 1, 1, 1, 1) + 0.5, mask.repeat(25, 1, 1, 1)
    image, _ = changed(many, masks, scale=Draw(probability=0.3, low=0.8, high=1.2))
    factors = (image / many)[:, :WINDOWS].flatten(1)
    torch.testing.assert_close(factors.amin(1), factors.amax(1), rtol=1e-4, atol=0)
    drawn = factors[:, 0][(factors[:, 0] - 1).abs() > 1e-6]
    assert 15 < len(drawn) < 45
    assert drawn.min() >= 0.8
    assert drawn.max() <= 1.2
    assert drawn.max() - drawn.min() > 0.25


def test_noise_has_the_standard_deviation_that_was_asked_for(stream, mask):
    image, _ = changed(stream, mask, noise_sd=always(0.02))
    noise = (image - stream)[:, :WINDOWS]
    assert noise.std().item() == pytest.approx(0.02, rel=0.05)
    assert abs(noise.mean().item()) < 1e-3


def test_smoothing_spreads_a_point_by_sigma(mask):
    point = torch.zeros(1, WINDOWS, 15, 15, 15)
    point[:, :, 7, 7, 7] = 1
    image, _ = changed(point, torch.zeros(1, 15, 15, 15), smooth_sigma=always(1.0))
    away = torch.arange(15) - 7.0
    for axis in range(3):
        others = [a for a in range(3) if a != axis]
        profile = image[0, 0].sum(dim=others)
        assert profile.sum().item() == pytest.approx(1, abs=1e-4)
        assert (profile * away**2).sum().item() == pytest.approx(1.0, rel=0.05)


def test_smoothing_keeps_what_is_even(mask):
    image, _ = changed(torch.full((4, WINDOWS + 1, 10, 12, 14), 0.7), mask, smooth_sigma=always(0.5, 1.0))
    torch.testing.assert_close(image, torch.full_like(image, 0.7))


def test_a_turn_keeps_lengths_in_a_box_whose_edges_differ():
    """A rod along x, turned about all axes, stays as long; the middle stays where it is."""
    size = (21, 31, 41)
    stream = torch.zeros(1, WINDOWS + 1, *size)
    stream[:, :, 9:12, 14:17, 8:33] = 1
    mask = stream[:, 0].to(torch.uint8)
    image, turned = changed(stream, mask, rotation_degrees=always(10))
    voxels = turned[0].nonzero().float()
    torch.testing.assert_close(voxels.mean(0), torch.tensor([10.0, 15.0, 20.0]), rtol=0, atol=0.2)
    along = voxels - voxels.mean(0)
    spread, axes = torch.linalg.eigh(along.T @ along / len(along))
    before = (mask[0].nonzero().float() - torch.tensor([10.0, 15.0, 20.0]))[:, 2].std().item()
    assert math.sqrt(spread[-1]) == pytest.approx(before, rel=0.03)
    angle = math.degrees(math.acos(abs(axes[2, -1].item())))
    assert 10 < angle < 18  # by 10 degrees about y and about z
    assert turned.sum().item() == pytest.approx(mask.sum().item(), rel=0.1)
    assert ((image[:, 0] > 0.5) == (turned > 0)).float().mean() > 0.99
    assert turned.dtype == mask.dtype


def test_the_same_seed_draws_the_same(stream, mask):
    how = {name: always(low, high) for name, (low, high) in STRONG.items()}
    one, again, other = (changed(stream, mask, seed, **how)[0] for seed in (1, 1, 2))
    torch.testing.assert_close(one, again, rtol=0, atol=0)
    assert (one - other).abs().max() > 0.05
