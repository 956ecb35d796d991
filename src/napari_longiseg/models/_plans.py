"""What nnU-Net v2 writes of a network in ``plans.json`` and ``dataset.json``, in old words and in new ones.

Since its presets with residual encoders nnU-Net names the class of a network and its arguments
(``architecture``); before, it wrote a few numbers (``UNet_class_name`` and others), and built the rest in.
Nothing that a file names is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from napari_longiseg.core.errors import InputError
from napari_longiseg.models._mistake import first_mistake
from napari_longiseg.models.architecture import Architecture

T = TypeVar("T")
Words = Mapping[str, Any]

PLAIN, RESIDUAL = "PlainConvUNet", "ResidualEncoderUNet"
DEPTHS = {PLAIN: "n_conv_per_stage", RESIDUAL: "n_blocks_per_stage"}
CLASSES = {
    f"dynamic_network_architectures.architectures.{module}.{name}": name
    for module in ("unet", "residual_unet")
    for name in DEPTHS
}
SIZES = ("n_stages", "features_per_stage", "kernel_sizes", "strides", "n_conv_per_stage_decoder")
OURS: dict[str, tuple[object, ...]] = {
    "conv_op": ("torch.nn.modules.conv.Conv3d", "torch.nn.Conv3d"),
    "norm_op": ("torch.nn.modules.instancenorm.InstanceNorm3d", "torch.nn.InstanceNorm3d"),
    "nonlin": ("torch.nn.LeakyReLU", "torch.nn.modules.activation.LeakyReLU"),
    "conv_bias": (True,),
    "norm_op_kwargs": ({"eps": 1e-5, "affine": True},),
    "nonlin_kwargs": ({"inplace": True}, {"inplace": False}, {}),
}
"""What an :class:`Architecture` does not say because it is always so; the first is how nnU-Net writes it."""
WITHOUT_EFFECT = ("deep_supervision", "dropout_op_kwargs")


def entry(words: Words, key: str, kind: type[T], source: str) -> T:
    """A value that must be there.

    Raises
    ------
    InputError
        When it is missing or of another kind.
    """
    value = words.get(key)
    if not isinstance(value, kind):
        problem = "of another kind" if key in words else "missing"
        raise InputError(f"{source} is not as nnU-Net writes it: {key} is {problem}.")
    return value


def configuration_words(plans: Words, name: str, source: str) -> Words:
    """A configuration with all that it inherits from others.

    Raises
    ------
    InputError
        When there is none of this name, or it inherits from itself.
    """
    known = entry(plans, "configurations", dict, source)
    found: dict[str, Any] = {}
    seen: set[str] = set()
    while True:
        if name in seen:
            raise InputError(f"{source} is not as nnU-Net writes it: {name} inherits from itself.")
        if name not in known:
            raise InputError(f"{source} has no configuration {name}; there is {', '.join(known) or 'none'}.")
        seen.add(name)
        own = entry(known, name, dict, source)
        found = own | found
        if "inherits_from" not in own:
            return found
        name = entry(own, "inherits_from", str, source)


def architecture_of(words: Words, classes: int, source: str) -> Architecture:
    """The network of a configuration.

    Parameters
    ----------
    words : dict
        The configuration, in old or new words.
    classes : int
        Background included.

    Raises
    ------
    InputError
        When it is not one of those that an :class:`Architecture` can say.
    """
    name, sizes = _new(words, source) if "architecture" in words else _old(words, source)
    stages = entry(sizes, "n_stages", int, source)
    try:
        return Architecture(
            kind="plain" if name == PLAIN else "residual",
            features=_each(sizes.get("features_per_stage"), stages),
            kernels=_triples(sizes.get("kernel_sizes"), stages),
            strides=_triples(sizes.get("strides"), stages),
            encoder_convs=_each(sizes.get(DEPTHS[name]), stages),
            decoder_convs=_each(sizes.get("n_conv_per_stage_decoder"), stages - 1),
            classes=classes,
        )
    except ValidationError as error:
        msg = f"{source} describes a network that cannot be built here: {first_mistake(error)}."
        raise InputError(msg) from error


def class_count(dataset: Words, source: str) -> int:
    """Classes that a network tells apart, background included.

    Raises
    ------
    InputError
        When they overlap (nnU-Net's regions).
    """
    labels = entry(dataset, "labels", dict, source)
    values = [value for name, value in labels.items() if name != "ignore"]
    if any(isinstance(value, list) and len(value) > 1 for value in values):
        raise InputError(f"{source} has labels that overlap; a network of such regions cannot be used here.")
    try:
        return len({int(value[0] if isinstance(value, list) else value) for value in values})
    except (TypeError, ValueError, IndexError) as error:
        msg = f"{source} is not as nnU-Net writes it: labels are not names with their values."
        raise InputError(msg) from error


def _new(words: Words, source: str) -> tuple[str, Words]:
    """Class and arguments of a network, after a look that nothing in them is unlike ours."""
    described = entry(words, "architecture", dict, source)
    full_name = entry(described, "network_class_name", str, source)
    name = _known(CLASSES.get(full_name), full_name, source)
    arguments = entry(described, "arch_kwargs", dict, source)
    for key, values in OURS.items():
        if (value := arguments.get(key)) not in values:
            msg = f"{source} describes a network with {key} {value}; only {values[0]} can be used here."
            raise InputError(msg)
    for key in arguments.keys() - {*SIZES, DEPTHS[name], *OURS, *WITHOUT_EFFECT}:
        if arguments[key]:
            msg = f"{source} describes a network with {key} {arguments[key]}, which cannot be used here."
            raise InputError(msg)
    return name, arguments


def _old(words: Words, source: str) -> tuple[str, Words]:
    """The same of old plans, which leave to nnU-Net what is always so."""
    name = entry(words, "UNet_class_name", str, source)
    _known(name if name in DEPTHS else None, name, source)
    depths = entry(words, "n_conv_per_stage_encoder", list, source)
    first = entry(words, "UNet_base_num_features", int, source)
    most = entry(words, "unet_max_num_features", int, source)
    return name, {
        "n_stages": len(depths),
        "features_per_stage": [min(first * 2**stage, most) for stage in range(len(depths))],
        "kernel_sizes": words.get("conv_kernel_sizes"),
        "strides": words.get("pool_op_kernel_sizes"),
        "n_conv_per_stage_decoder": words.get("n_conv_per_stage_decoder"),
        DEPTHS[name]: depths,
    }


def _known(name: str | None, written: str, source: str) -> str:
    if name is None:
        raise InputError(f"{source} describes a {written}; only {PLAIN} and {RESIDUAL} can be used here.")
    return name


def _each(value: Any, stages: int) -> Any:  # noqa: ANN401 - Architecture checks what it is
    """One number per stage, where one may stand for all."""
    return [value] * stages if isinstance(value, int) else value


def _triples(value: Any, stages: int) -> Any:  # noqa: ANN401 - as above
    """Three numbers per stage, where one may stand for three or for all."""
    each = _each(value, stages)
    return [_each(edges, 3) for edges in each] if isinstance(each, list) else each
