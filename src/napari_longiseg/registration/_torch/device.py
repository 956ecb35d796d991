"""Where torch works, and its errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from napari_longiseg.core.errors import RegistrationError


def torch_device(name: str) -> torch.device:
    """A torch device; ``"auto"`` is a CUDA device where there is one.

    Raises
    ------
    RegistrationError
        When torch knows no such device, or has no CUDA device to work on.
    """
    has_cuda = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if has_cuda else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        msg = f"There is no device called {name!r}; choose auto, cpu or cuda."
        raise RegistrationError(msg) from error
    if device.type == "cuda" and not has_cuda:
        msg = "There is no CUDA device that torch can work on; choose auto or cpu as the device."
        raise RegistrationError(msg)
    return device


@contextmanager
def torch_errors() -> Iterator[None]:
    """Raise torch's errors as ours; what the progress callback raises on purpose passes.

    Raises
    ------
    RegistrationError
        When the device is missing or out of memory.
    """
    try:
        yield
    except (RuntimeError, MemoryError, AssertionError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        msg = f"Aligning the scans failed on this device ({first}); choose another device, such as cpu."
        raise RegistrationError(msg) from error
