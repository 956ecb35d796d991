"""From requests to results with one network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from napari_longiseg.core.errors import InputError
from napari_longiseg.core.progress import Progress
from napari_longiseg.models.network_file import Kind, NetworkCard, read_card
from napari_longiseg.models.shipped import network_path
from napari_longiseg.segmentation._network.runner import carry_out, loaded
from napari_longiseg.segmentation._network.search import searches
from napari_longiseg.segmentation._replies import not_found, nothing_to_see
from napari_longiseg.segmentation.base import Prompt, SegmenterInfo, VoiRequest, VoiResult

ROOM = 1.3
"""The VOI is larger than the coarsest look by this factor, since the second look is taken elsewhere."""


def chosen(weights: str, kind: Kind) -> tuple[Path, NetworkCard]:
    """The network of this kind that a user named, or ours.

    Raises
    ------
    InputError
        When it cannot be read or is of another kind.
    """
    path = network_path(weights, kind)
    card = read_card(path)
    if card.kind != kind:
        msg = f"{path} holds a network of the kind {card.kind}, not {kind}; choose the segmenter {card.kind}."
        raise InputError(msg)
    return path, card


def engine_info(name: str, card: NetworkCard) -> SegmenterInfo:
    """What a segmenter with this network is and wants."""
    prompts: tuple[Prompt, ...] = ("click",)
    if card.inputs.click_sigma is not None:
        prompts += ("negative_click",)
    if card.kind == "longinet":
        prompts += ("prior",)
    z, y, x = card.inputs.size
    if card.inputs.spacings_mm is None:
        about = (float(z), float(y), float(x))
        return SegmenterInfo(name, prompts, about, None, card.licence, voi_voxels=card.inputs.size)
    edge = ROOM * max(card.inputs.spacings_mm)
    return SegmenterInfo(name, prompts, (edge * z, edge * y, edge * x), None, card.licence)


def prepare(name: str, path: Path, device: str, progress: Progress) -> None:
    """Load the network of a file, which may import torch.

    Raises
    ------
    SegmentationError, InputError
        As :func:`loaded`.
    Cancelled
        From *progress*.
    """
    progress(f"Loading weights of {name}", 0.0)
    loaded(path, device)


def check_batch(batch: int) -> None:
    """Refuse a batch without lesions.

    Raises
    ------
    InputError
        When it is not positive.
    """
    if batch < 1:
        msg = f"batch must be 1 or more, not {batch}."
        raise InputError(msg)


def outlined(
    requests: Sequence[VoiRequest], path: Path, card: NetworkCard, device: str, batch: int, missing: str
) -> Iterator[tuple[VoiResult, ...]]:
    """What the network outlines for each request, in their order, the surest outline first.

    *missing* is the reason where the network sees nothing.

    Raises
    ------
    SegmentationError, InputError
        As :func:`carry_out`.
    """
    with_prior = card.kind == "longinet"
    reasons = [nothing_to_see(request) for request in requests]
    begun = [
        () if reason else searches(request, card.inputs, request.prior if with_prior else None)
        for request, reason in zip(requests, reasons, strict=True)
    ]
    if any(begun):
        carry_out(list(chain.from_iterable(begun)), path, card.inputs, device, batch)
    for request, reason, ended in zip(requests, reasons, begun, strict=True):
        results = [one.result(missing) for one in ended] or [not_found(request, reason)]
        yield tuple(sorted(results, key=_sureness, reverse=True))


def _sureness(result: VoiResult) -> float:
    return result.confidence or 0.0
