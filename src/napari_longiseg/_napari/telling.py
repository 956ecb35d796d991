"""What a reader's wish brings: one sentence, be it done or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from napari_longiseg.core.errors import LongisegError

Tell = Callable[[str], None]
"""Shows one sentence."""


@contextmanager
def told(failed: Tell) -> Iterator[None]:
    """Show our own errors to the reader; nothing has been changed by what raised them."""
    try:
        yield
    except LongisegError as error:
        failed(str(error))
