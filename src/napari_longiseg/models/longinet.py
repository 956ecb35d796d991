"""LongiNet: two encoders with tied weights see a lesion on the baseline and on the follow-up scan.

Rocholl, Smit, Hering, "LongiNet: Dual-Encoder Longitudinal Lesion Segmentation" (2025), section 2.3.
What the paper leaves open is decided here:

- Tied weights: everything is shared but the first convolution, since the baseline stream has one channel
  more, the mask. Its weights start as the follow-up's, those of the mask at zero.
- Fusion: at every skip level and at the bottleneck a 1 x 1 x 1 convolution of both streams' features. It
  starts as a pass-through of the follow-up's, so that an untrained LongiNet on the weights of a single-scan
  network gives that network's output.
- The auxiliary branch that reconstructs the baseline mask: a 1 x 1 x 1 convolution on the baseline features
  of every level, so that the mask is kept in the coarse levels too. It exists in training only.
- Each VOI is centred on the lesion's point on its own scan, both at one spacing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from napari_longiseg.models.architecture import Architecture, build

NAMED = 3
"""A report names so many tensors of each kind."""


class LongiNet(nn.Module):
    """The dual-encoder network.

    Parameters
    ----------
    architecture : Architecture
        Of the single-scan U-Net that it is made from.
    channels : int
        Of the follow-up stream's input; the baseline stream has one more, the mask, as its last.
    deep_supervision : bool
        Return logits of every decoder stage, the finest first.
    """

    def __init__(self, architecture: Architecture, channels: int, deep_supervision: bool = False) -> None:
        super().__init__()
        self.unet = build(architecture, channels, deep_supervision)
        self._stem_name, stem = first_convolution(self._encoder)
        shape: Any = {"kernel_size": stem.kernel_size, "stride": stem.stride, "padding": stem.padding}
        self.baseline_stem = nn.Conv3d(channels + 1, stem.out_channels, **shape)
        self.fusion = nn.ModuleList(nn.Conv3d(2 * n, n, 1) for n in architecture.features)
        self.reconstruction = nn.ModuleList(
            nn.Conv3d(n, architecture.classes, 1) for n in architecture.features
        )
        self.reset_transfer()

    def forward(self, baseline: Tensor, followup: Tensor) -> Tensor | list[Tensor]:
        """Outline the lesion on the follow-up scan.

        Parameters
        ----------
        baseline : (B, channels + 1, Z, Y, X)
            The lesion's mask (0 or 1) is the last channel.
        followup : (B, channels, Z, Y, X)
            Centred on the lesion's point on this scan.

        Returns
        -------
        (B, classes, Z, Y, X)
            Logits; a list of them with deep supervision.
        """
        return self._decode(self._baseline_features(baseline), followup)

    def with_reconstruction(
        self, baseline: Tensor, followup: Tensor
    ) -> tuple[Tensor | list[Tensor], list[Tensor]]:
        """As :meth:`forward`, and the logits of the baseline mask at every level, the finest first."""
        features = self._baseline_features(baseline)
        masks = [head(level) for head, level in zip(self.reconstruction, features, strict=True)]
        return self._decode(features, followup), masks

    def reset_transfer(self) -> None:
        """Start from the single-scan network: the mask is not seen yet, the fusion passes the follow-up."""
        _, stem = first_convolution(self._encoder)
        with torch.no_grad():
            self.baseline_stem.weight[:, :-1] = stem.weight
            self.baseline_stem.weight[:, -1] = 0
            self.baseline_stem.get_parameter("bias").copy_(stem.get_parameter("bias"))
        for fusion in self.fusion:
            nn.init.dirac_(fusion.get_parameter("weight"))
            nn.init.zeros_(fusion.get_parameter("bias"))

    @property
    def _encoder(self) -> nn.Module:
        return self.unet.get_submodule("encoder")

    def _baseline_features(self, baseline: Tensor) -> list[Tensor]:
        """The encoder's levels with the baseline's own first convolution in place of the follow-up's."""
        stem: dict[str, Tensor] = {
            f"{self._stem_name}.{name}": value for name, value in self.baseline_stem.named_parameters()
        }
        # nnU-Net's blocks hold their convolution under two names; tied, it would not be put back.
        levels: list[Tensor] = functional_call(self._encoder, stem, (baseline,), tie_weights=False)
        return levels

    def _decode(self, baseline: list[Tensor], followup: Tensor) -> Tensor | list[Tensor]:
        levels = self._encoder(followup)
        fused = [
            fusion(torch.cat((now, before), dim=1))
            for fusion, now, before in zip(self.fusion, levels, baseline, strict=True)
        ]
        logits: Tensor | list[Tensor] = self.unet.get_submodule("decoder")(fused)
        return logits


def first_convolution(encoder: nn.Module) -> tuple[str, nn.Conv3d]:
    """Name and module of the convolution that sees the input."""
    return next((name, part) for name, part in encoder.named_modules() if isinstance(part, nn.Conv3d))


@dataclass(frozen=True, slots=True)
class Misfit:
    """A tensor that has another shape in other weights.

    Attributes
    ----------
    name : str
        Of the tensor.
    own, theirs : tuple of int
        Shapes, in the network and in the weights.
    """

    name: str
    own: tuple[int, ...]
    theirs: tuple[int, ...]

    def __str__(self) -> str:
        if len(self.own) > 1 and (self.own[0], *self.own[2:]) == (self.theirs[0], *self.theirs[2:]):
            return f"{self.name} sees {self.own[1]} channels here and {self.theirs[1]} there"
        here, there = (" x ".join(map(str, shape)) for shape in (self.own, self.theirs))
        return f"{self.name} is {here} here and {there} there"


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a network took over from other weights; as text, a report for the user.

    Attributes
    ----------
    taken, missing, left : tuple of str
        Names of tensors: loaded; not in the source, so as they were; in the source alone.
    misfits : tuple of Misfit
        Those of another shape, so as they were.
    """

    taken: tuple[str, ...]
    missing: tuple[str, ...]
    left: tuple[str, ...]
    misfits: tuple[Misfit, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the weights are of this very network."""
        return not (self.missing or self.left or self.misfits)

    def __str__(self) -> str:
        own = len(self.taken) + len(self.missing) + len(self.misfits)
        words = [f"{len(self.taken)} of {own} tensors taken"]
        if self.misfits:
            words.append(f"{len(self.misfits)} of another shape not taken ({_some(self.misfits)})")
        if self.missing:
            words.append(f"{len(self.missing)} not in the source ({_some(self.missing)})")
        if self.left:
            words.append(f"{len(self.left)} of the source without a place here ({_some(self.left)})")
        return "; ".join(words)


def _some(things: Sequence[object]) -> str:
    """The first few of many things."""
    named = ", ".join(map(str, things[:NAMED]))
    more = len(things) - NAMED
    return f"{named} and {more} more" if more > 0 else named


def transfer(network: nn.Module, weights: Mapping[str, Tensor]) -> Transfer:
    """Take over every tensor of the same name and shape; the others stay as they are.

    Weights of a network that sees another number of channels do all fit but the first convolution's, which
    is then a misfit and has to be learnt anew.

    Tensors that the network holds under several names (nnU-Net's decoder repeats its encoder) count once.
    """
    own = dict(network.named_parameters())
    fits = {name: weights[name].shape == value.shape for name, value in own.items() if name in weights}
    with torch.no_grad():
        for name in fits:
            if fits[name]:
                own[name].copy_(weights[name])
    every = dict(network.named_parameters(remove_duplicate=False))
    return Transfer(
        taken=tuple(name for name, does in fits.items() if does),
        missing=tuple(name for name in own if name not in weights),
        left=tuple(name for name in weights if name not in every),
        misfits=tuple(
            Misfit(name, tuple(own[name].shape), tuple(weights[name].shape))
            for name, does in fits.items()
            if not does
        ),
    )
