"""Instance optimisation: a network's weights are fitted further to the one pair at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from napari_longiseg.registration._torch.adam import Adam

Map = Callable[[Tensor], Tensor]

RATE = 2e-5
STIFFNESS = 1.5
"""Weight of the regulariser."""
SIGMA = 5
"""Of the local correlation's Gaussian window, in voxels."""
DELTA = 1e-3
"""Step of the finite differences."""


def optimise(
    network: Any,  # noqa: ANN401 - the ICON package has no types
    moving: Tensor,
    fixed: Tensor,
    steps: int,
    *,
    dark_outside: bool,
) -> None:
    """Change a network's weights so that it aligns two images better.

    Adam with the loss and the constants of the authors' own program (Tian et al., "uniGradICON", MICCAI
    2024): 1 - local correlation in both directions, and 1.5 times the GradICON regulariser. The random
    places of the latter are the same in every run.

    Parameters
    ----------
    network : module
        As :func:`load_network` gives it.
    moving, fixed : (1, 1, Z, Y, X) tensor
        What the network sees.
    steps : int
        How many.
    dark_outside : bool
        Whether an image counts as 0 beyond its border, as uniGradICON takes it, or goes on as at the
        border, as LungGradICON does.
    """
    generator = torch.Generator().manual_seed(0)
    weights = list(network.parameters())
    adams = [Adam(tensor.data, floor=1e-8, memory=0.999) for tensor in weights]
    for _ in range(steps):
        slopes = torch.autograd.grad(
            loss(network, moving, fixed, generator, dark_outside=dark_outside), weights
        )
        for adam, slope in zip(adams, slopes, strict=True):
            adam.climb(-slope, RATE)


def loss(
    network: Any,  # noqa: ANN401 - the ICON package has no types
    moving: Tensor,
    fixed: Tensor,
    generator: torch.Generator,
    *,
    dark_outside: bool,
) -> Tensor:
    """What instance optimisation makes small; parameters as :func:`optimise`."""
    from icon_registration.losses import LNCC
    from icon_registration.mermaidlite import compute_warped_image_multiNC

    def warped(image: Tensor, phi: Map) -> Tensor:
        found: Tensor = compute_warped_image_multiNC(
            image, phi(network.identity_map), network.spacing, 1, zero_boundary=dark_outside
        )
        return found

    there, back = network(moving, fixed), network(fixed, moving)
    differ = LNCC(sigma=SIGMA)
    similarity: Tensor = differ(warped(moving, there), fixed) + differ(warped(fixed, back), moving)
    return similarity + STIFFNESS * _inconsistency(there, back, network.identity_map, generator)


def _inconsistency(there: Map, back: Map, identity: Tensor, generator: torch.Generator) -> Tensor:
    """Mean squared slope of the error of going there and back (Tian et al., "GradICON", CVPR 2023).

    By finite differences at places scattered around every other node.
    """
    scatter = torch.randn(identity.shape, generator=generator).to(identity.device)
    places = (identity + 2 * scatter / identity.shape[-1])[:, :, ::2, ::2, ::2]

    def error(points: Tensor) -> Tensor:
        return points - there(back(points))

    here = error(places)
    total = torch.zeros((), device=identity.device)
    for axis in range(3):
        step = torch.zeros((1, 3, 1, 1, 1), device=identity.device)
        step[0, axis] = DELTA
        total = total + (((here - error(places + step)) / DELTA) ** 2).mean()
    return total
