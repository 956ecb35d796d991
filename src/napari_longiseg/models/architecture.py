"""The U-Nets that our networks are made of: nnU-Net's, described by a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from torch import nn

Count = Annotated[int, Field(ge=1)]
Triple = tuple[Count, Count, Count]


class Architecture(BaseModel):
    """A U-Net as ``dynamic-network-architectures`` builds it, with nnU-Net's instance norm and leaky ReLU.

    Sizes are in the order (z, y, x); the first stage is the finest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["plain", "residual"] = Field(description="Plain convolutions or residual blocks.")
    features: tuple[Count, ...] = Field(min_length=2, description="Feature maps of each stage.")
    kernels: tuple[Triple, ...] = Field(description="Kernel of each stage's convolutions; odd.")
    strides: tuple[Triple, ...] = Field(
        description="Stride of each stage's first convolution; 1 in the first stage."
    )
    encoder_convs: tuple[Count, ...] = Field(description="Convolutions (or residual blocks) of each stage.")
    decoder_convs: tuple[Count, ...] = Field(description="Those of each decoder stage, the coarsest first.")
    classes: int = Field(default=2, ge=2, description="Background and lesion.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        stages = len(self.features)
        lengths = (len(self.kernels), len(self.strides), len(self.encoder_convs), len(self.decoder_convs) + 1)
        if any(length != stages for length in lengths):
            msg = (
                f"a U-Net of {stages} stages needs {stages} kernels, strides and encoder_convs, and "
                f"{stages - 1} decoder_convs; there are {lengths[0]}, {lengths[1]}, {lengths[2]} and "
                f"{lengths[3] - 1}"
            )
            raise ValueError(msg)
        if any(edge % 2 == 0 for kernel in self.kernels for edge in kernel):
            raise ValueError("kernels must be odd, or the output would be smaller than the VOI")
        if self.strides[0] != (1, 1, 1):
            raise ValueError("strides must start with 1, 1, 1, or the output would be smaller than the VOI")
        return self

    @property
    def steps(self) -> Triple:
        """A VOI's edges (z, y, x) must be multiples of these."""
        z = y = x = 1
        for stride in self.strides:
            z, y, x = z * stride[0], y * stride[1], x * stride[2]
        return z, y, x


def build(architecture: Architecture, channels: int, deep_supervision: bool = False) -> nn.Module:
    """The network with random weights; its attributes ``encoder`` and ``decoder`` are the two halves.

    Parameters
    ----------
    channels : int
        Of the input (B, channels, Z, Y, X); the output is (B, classes, Z, Y, X) logits.
    deep_supervision : bool
        Return a list of logits instead, one per decoder stage, the finest first.
    """
    from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
    from torch import nn

    shared: dict[str, Any] = {
        "input_channels": channels,
        "n_stages": len(architecture.features),
        "features_per_stage": list(architecture.features),
        "conv_op": nn.Conv3d,
        "kernel_sizes": [list(kernel) for kernel in architecture.kernels],
        "strides": [list(stride) for stride in architecture.strides],
        "num_classes": architecture.classes,
        "n_conv_per_stage_decoder": list(architecture.decoder_convs),
        "conv_bias": True,
        "norm_op": nn.InstanceNorm3d,
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "nonlin": nn.LeakyReLU,
        "nonlin_kwargs": {"inplace": True},
        "deep_supervision": deep_supervision,
    }
    depth = list(architecture.encoder_convs)
    network: nn.Module
    if architecture.kind == "residual":
        network = ResidualEncoderUNet(n_blocks_per_stage=depth, **shared)
        return network.apply(ResidualEncoderUNet.initialize)
    network = PlainConvUNet(n_conv_per_stage=depth, **shared)
    return network.apply(PlainConvUNet.initialize)
