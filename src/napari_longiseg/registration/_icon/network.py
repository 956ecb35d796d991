"""The network that uniGradICON, multiGradICON and LungGradICON share, made of the ICON package's own blocks.

Four U-Nets, one after the other, at a quarter, half and twice the full resolution (Tian et al.,
"GradICON", CVPR 2023, and "uniGradICON", MICCAI 2024). The package ``unigradicon`` assembles the same one,
but importing it loads ITK, and its makers fetch weights into the working directory.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_longiseg.core.errors import InputError, MissingMethodError, RegistrationError
from napari_longiseg.core.geometry import Grid
from napari_longiseg.models.weights import read_weights, size_in_words
from napari_longiseg.registration.transforms import Displacement

WORK = (1 / 64, 1 / 8, 1.0, 1.0)
"""How much each of the U-Nets has to do."""


def load_network(weights: Path, edge: int, device: torch.device) -> Any:  # noqa: ANN401 - see below
    """The network for images of *edge* voxels along every axis, ready to be asked.

    Raises
    ------
    MissingMethodError
        When the ICON package is not installed.
    InputError
        When the file does not hold its weights.
    """
    network = make_network(edge)
    tensors = read_weights(weights)
    try:
        network.load_state_dict(tensors, strict=True, assign=True)
    except RuntimeError as error:
        msg = f"{weights} does not hold weights of this network: its {size_in_words(tensors)} are another's."
        raise InputError(msg) from error
    return network.float().to(device).eval()


def make_network(edge: int) -> Any:  # noqa: ANN401 - the ICON package has no types
    """The network before it has weights.

    Raises
    ------
    MissingMethodError
        When the ICON package is not installed.
    """
    try:
        from icon_registration.network_wrappers import (
            DownsampleRegistration,
            FunctionFromVectorField,
            TwoStepRegistration,
        )
        from icon_registration.networks import tallUNet2
    except ImportError as error:
        msg = "The networks of the ICON family are not installed; run `pip install 'napari-longiseg[icon]'`."
        raise MissingMethodError(msg) from error

    def step() -> Any:  # noqa: ANN401 - the ICON package has no types
        return FunctionFromVectorField(tallUNet2(dimension=3))

    with torch.device("meta"):  # 70 million numbers that the weights replace are not drawn first
        network = step()
        for _ in range(2):
            network = TwoStepRegistration(DownsampleRegistration(network, dimension=3), step())
        network = TwoStepRegistration(network, step())
    network.assign_identity_map((1, 1, edge, edge, edge))
    return network


def watch(network: nn.Module, advance: Callable[[float], None]) -> None:
    """Have *advance* called in front of every layer, with its share of one pass; it may raise to stop."""
    unets = [module for module in network.modules() if hasattr(module, "downConvs")]
    for unet, work in zip(unets, WORK, strict=True):
        layers = [layer for layer in unet.modules() if isinstance(layer, nn.Conv3d | nn.ConvTranspose3d)]
        share = work / sum(WORK) / len(layers)
        for layer in layers:
            layer.register_forward_pre_hook(lambda *_, share=share: advance(share))


def displacement(phi: Callable[[Tensor], Tensor], identity: Tensor, lattice: Grid) -> Displacement:
    """What a network has found, in mm.

    Parameters
    ----------
    phi : callable
        Maps (1, 3, Z, Y, X) coordinates of the fixed image to those of the moving one: 0 at the first
        node, 1 at the last, order (z, y, x).
    identity : (1, 3, Z, Y, X) tensor
        Of the nodes themselves.
    lattice : Grid
        The nodes.

    Raises
    ------
    RegistrationError
        When the field holds values that are not finite.
    """
    steps = (phi(identity) - identity)[0].cpu().numpy()
    if not np.isfinite(steps).all():
        msg = "The network's answer is not finite; its weights are damaged, or made for other images."
        raise RegistrationError(msg)
    whole = (np.asarray(lattice.shape) - 1) * np.asarray(lattice.spacing_mm)
    return Displacement((steps * whole[:, None, None, None]).astype(np.float32), lattice)
