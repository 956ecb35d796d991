"""Show scenes to a network, in batches, where there is a device for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_longiseg.core.errors import SegmentationError
from napari_longiseg.models.device import torch_device, torch_errors
from napari_longiseg.models.inputs import Inputs, channels, click_map, hu_at
from napari_longiseg.models.network_file import load_network
from napari_longiseg.segmentation._network.scene import Scene, scene
from napari_longiseg.segmentation._network.search import Search

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Float32 = npt.NDArray[np.float32]


def carry_out(searches: Sequence[Search], path: Path, inputs: Inputs, device: str, batch: int) -> None:
    """Show the network of a file what the searches want to see, until none wants more.

    Parameters
    ----------
    searches : sequence of Search
        All for a network of this kind.
    device : str
        As torch calls it, or ``"auto"``.
    batch : int
        So many scenes at once.

    Raises
    ------
    SegmentationError
        When the device is missing or fails.
    InputError
        When the file cannot be used.
    """
    network = loaded(path, device)
    with torch_errors("Outlining", SegmentationError):
        while waiting := [(one, one.next) for one in searches if one.next]:
            for part in (waiting[i : i + batch] for i in range(0, len(waiting), batch)):
                scenes = [scene(one.request, look, inputs, one.prior) for one, look in part]
                found = _probabilities(network, inputs, scenes)
                for (one, _), shown, probability in zip(part, scenes, found, strict=True):
                    one.take(probability, shown.grid)


def loaded(path: Path, device: str) -> nn.Module:
    """The network of a file on a device, named as for :func:`carry_out`; read where that was not done yet.

    Raises
    ------
    SegmentationError
        When the device is missing or fails.
    InputError
        When the file cannot be used.
    """
    with torch_errors("Loading weights", SegmentationError):
        return _loaded(path, path.stat().st_mtime_ns, str(torch_device(device, SegmentationError)))


@lru_cache(maxsize=4)
def _loaded(path: Path, changed: int, device: str) -> nn.Module:
    """The network on its device; a file that has changed is read again."""
    network, _ = load_network(path)
    return network.to(device)


def _probabilities(network: nn.Module, inputs: Inputs, scenes: Sequence[Scene]) -> Iterator[Float32]:
    """Probability of lesion (Z, Y, X) of each scene."""
    import torch

    device = next(network.parameters()).device
    half: AbstractContextManager[Any] = (
        torch.autocast("cuda", torch.float16) if device.type == "cuda" else nullcontext()
    )
    with torch.inference_mode(), half:
        image = _stacked([shown.image for shown in scenes], device)
        clicks = [_clicks(shown, inputs, device) for shown in scenes]
        if scenes[0].baseline is None:
            points = [torch.as_tensor(shown.positive, device=device).float() for shown in scenes]
            reference = torch.stack([hu_at(one, where) for one, where in zip(image, points, strict=True)])
            logits = network(channels(inputs, image, reference, _maps(clicks)))
        else:
            before = _stacked([shown.baseline for shown in scenes], device)
            mask = _stacked([shown.baseline_mask for shown in scenes], device)
            reference = (before * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp_min(1)
            middle = _middle(inputs, len(scenes), device)
            baseline = channels(inputs, before, reference, middle)
            followup = channels(inputs, image, reference, _maps(clicks))
            logits = network(torch.cat([baseline, mask[:, None]], dim=1), followup)
        yield from logits.float().softmax(1)[:, 1].cpu().numpy()


def _stacked(arrays: Sequence[Any], device: torch.device) -> Tensor:
    import torch

    return torch.from_numpy(np.stack(arrays).astype(np.float32)).to(device)


def _clicks(shown: Scene, inputs: Inputs, device: torch.device) -> Tensor | None:
    """The map of a scene's clicks, where the network has a channel for them."""
    import torch

    if inputs.click_sigma is None:
        return None
    positive, negative = (
        torch.as_tensor(points, device=device).float() for points in (shown.positive, shown.negative)
    )
    return click_map(inputs.size, positive, negative, inputs.click_sigma)


def _maps(clicks: Sequence[Tensor | None]) -> Tensor | None:
    import torch

    present = [one for one in clicks if one is not None]
    return torch.stack(present) if present else None


def _middle(inputs: Inputs, count: int, device: torch.device) -> Tensor | None:
    """Maps of a click in the middle: the baseline's VOI lies around its lesion."""
    import torch

    if inputs.click_sigma is None:
        return None
    middle = torch.tensor([[(n - 1) / 2 for n in inputs.size]], device=device)
    one = click_map(inputs.size, middle, middle[:0], inputs.click_sigma)
    return one[None].expand(count, *one.shape)
