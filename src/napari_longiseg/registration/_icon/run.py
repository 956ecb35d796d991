"""From two scans that are aligned about to the displacements that a network finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from napari_longiseg.core.components import Mask
from napari_longiseg.core.progress import Progress
from napari_longiseg.core.scan import Scan
from napari_longiseg.registration._icon.common import common_lattice
from napari_longiseg.registration._icon.images import Window, network_input
from napari_longiseg.registration._icon.instance import optimise
from napari_longiseg.registration._icon.network import displacement, watch
from napari_longiseg.registration.transforms import Affine, Chain


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is asked.

    Attributes
    ----------
    window : Window
        Of the images it knows.
    dark_outside : bool
        As :func:`napari_longiseg.registration._icon.instance.optimise` takes it.
    steps : int
        Of instance optimisation.
    """

    window: Window
    dark_outside: bool
    steps: int


Seen = tuple[Scan, Mask | None]
"""A scan, and where the network shall look (on the scan's grid)."""


def ask(
    network: Any,  # noqa: ANN401 - the ICON package has no types
    source: Seen,
    target: Seen,
    affine: Affine,
    recipe: Recipe,
    progress: Progress,
) -> Chain:
    """The transform from source to target points: the network's displacements, then the affine map.

    The network maps points of its fixed image to its moving one, so the source is the fixed image, and the
    moving one is the target as the affine map brings it to the source.

    Parameters
    ----------
    network : module
        As :func:`napari_longiseg.registration._icon.network.load_network` gives it; changed by instance
        optimisation.
    source, target
        What is aligned.
    affine : Affine
        From source to target points, about.
    recipe : Recipe
        How.
    progress : Progress
        Also called between the network's layers.

    Raises
    ------
    RegistrationError
        When the scans have too little in common, or the network's answer is not finite.
    """
    stage = f"Aligning {source[0].id} to {target[0].id}"
    passes, done = 2 * recipe.steps + 1, 0.0

    def advance(share: float) -> None:
        nonlocal done
        progress(stage, min(done / passes, 1.0))
        done += share

    identity = network.identity_map
    lattice = common_lattice(source[0], target[0], affine, identity.shape[-1])
    fixed, moving = (
        network_input(*seen, recipe.window, lattice, there, identity.device)
        for seen, there in ((source, Affine.identity()), (target, affine))
    )
    watch(network, advance)
    if recipe.steps:
        optimise(network, moving, fixed, recipe.steps, dark_outside=recipe.dark_outside)
    with torch.no_grad():
        found = displacement(network(moving, fixed), identity, lattice)
    return Chain((found, affine))
