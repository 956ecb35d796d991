"""Where torch works, and its errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_longiseg.core.errors import LongisegError

if TYPE_CHECKING:
    import torch


def torch_device(name: str, error: type[LongisegError]) -> torch.device:
    """A torch device; ``"auto"`` is a CUDA device where there is one.

    Raises
    ------
    LongisegError
        Of the given class, when torch knows no such device, or has no CUDA device to work on.
    """
    import torch

    has_cuda = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if has_cuda else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as unknown:
        msg = f"There is no device called {name!r}; choose auto, cpu or cuda."
        raise error(msg) from unknown
    if device.type == "cuda" and not has_cuda:
        msg = "There is no CUDA device that torch can work on; choose auto or cpu as the device."
        raise error(msg)
    return device


@contextmanager
def torch_errors(doing: str, error: type[LongisegError]) -> Iterator[None]:
    """Raise torch's errors as ours; what the progress callback raises on purpose passes.

    Parameters
    ----------
    doing : str
        What fails, as the start of a sentence.

    Raises
    ------
    LongisegError
        Of the given class, when the device is missing or out of memory.
    """
    try:
        yield
    except (RuntimeError, MemoryError, AssertionError) as failure:
        first = (str(failure).splitlines() or [type(failure).__name__])[0].rstrip(".")
        msg = f"{doing} failed on this device ({first}); choose another device, such as cpu."
        raise error(msg) from failure
