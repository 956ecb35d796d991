"""Weights that are fitted further to one pair of scans."""

import copy

import numpy as np
import pytest
import torch  # noqa: TID253 - the network is made of it

from napari_longiseg.core.geometry import Grid
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._icon.images import Window
from napari_longiseg.registration._icon.instance import loss, optimise
from napari_longiseg.registration._icon.run import Recipe, ask
from napari_longiseg.registration.transforms import Affine

EDGE = 24


@pytest.fixture
def tiny():
    """The network with one layer in place of each U-Net."""
    from icon_registration.network_wrappers import (
        DownsampleRegistration,
        FunctionFromVectorField,
        TwoStepRegistration,
    )

    class Layer(torch.nn.Module):
        def __init__(self, seed):
            super().__init__()
            self.downConvs = torch.nn.Conv3d(2, 3, 3, padding=1)
            with torch.no_grad():
                generator = torch.Generator().manual_seed(seed)
                self.downConvs.weight.normal_(0, 0.01, generator=generator)
                self.downConvs.bias.zero_()

        def forward(self, moving, fixed):
            return self.downConvs(torch.cat([moving, fixed], 1))

    quarter, half, first, second = (FunctionFromVectorField(Layer(seed)) for seed in range(4))
    half = TwoStepRegistration(DownsampleRegistration(quarter, dimension=3), half)
    first = TwoStepRegistration(DownsampleRegistration(half, dimension=3), first)
    found = TwoStepRegistration(first, second)
    found.assign_identity_map((1, 1, EDGE, EDGE, EDGE))
    return found


@pytest.fixture
def images():
    drawn = torch.rand((2, 1, 1, 12, 12, 12), generator=torch.Generator().manual_seed(1))
    size = (EDGE,) * 3
    return tuple(torch.nn.functional.interpolate(image, size=size, mode="trilinear") for image in drawn)


def test_the_loss_is_the_published_one(tiny, images):
    from icon_registration.losses import LNCC, GradientICONSparse

    published = GradientICONSparse(tiny, LNCC(sigma=5), lmbda=1.5)
    published.assign_identity_map((1, 1, EDGE, EDGE, EDGE))
    torch.manual_seed(3)
    expected = published(*images).all_loss.item()
    generator = torch.Generator().manual_seed(3)
    assert loss(tiny, *images, generator, dark_outside=False).item() == pytest.approx(expected, rel=1e-5)
    assert loss(tiny, *images, generator, dark_outside=True).item() != pytest.approx(expected, rel=1e-5)


def test_makes_the_loss_smaller_and_is_deterministic(tiny, images):
    def now():
        with torch.no_grad():
            return loss(tiny, *images, torch.Generator().manual_seed(9), dark_outside=True).item()

    before, start = now(), copy.deepcopy(tiny.state_dict())
    optimise(tiny, *images, 5, dark_outside=True)
    assert now() < before
    once = copy.deepcopy(tiny.state_dict())
    tiny.load_state_dict(start)
    optimise(tiny, *images, 5, dark_outside=True)
    assert all(torch.equal(tensor, once[name]) for name, tensor in tiny.state_dict().items())


def test_is_part_of_the_alignment_and_reports_its_progress(tiny):
    hu = np.random.default_rng(0).integers(-1200, 1200, (30, 30, 30)).astype(np.int16)
    source = Scan("T0", hu, Grid(hu.shape, (2.0, 2.0, 2.0)))
    seen, start = [], copy.deepcopy(tiny.state_dict())
    recipe = Recipe(Window(-1000, 1000), dark_outside=True, steps=2)
    ask(tiny, (source, None), (source, None), Affine.identity(), recipe, lambda _, f: seen.append(f))
    assert not torch.equal(
        tiny.state_dict()["netPsi.net.downConvs.weight"], start["netPsi.net.downConvs.weight"]
    )
    assert len(seen) == 4 * (2 * 2 + 1)  # U-Nets times passes
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1 - 64 / 137 / 5)  # in front of the last U-Net of the last pass
