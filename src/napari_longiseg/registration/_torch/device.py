"""Where torch aligns scans, and its errors as those of a registration."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from napari_longiseg.core.errors import RegistrationError
from napari_longiseg.models import device


def torch_device(name: str) -> torch.device:
    """A torch device; ``"auto"`` is a CUDA device where there is one.

    Raises
    ------
    RegistrationError
        When torch knows no such device, or has no CUDA device to work on.
    """
    return device.torch_device(name, RegistrationError)


def torch_errors() -> AbstractContextManager[None]:
    """Raise torch's errors as ours; what the progress callback raises on purpose passes.

    Raises
    ------
    RegistrationError
        When the device is missing or out of memory.
    """
    return device.torch_errors("Aligning the scans", RegistrationError)
