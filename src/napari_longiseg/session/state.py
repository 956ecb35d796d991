"""The value that a session changes; it lives in core, where session files can be written from it."""

from __future__ import annotations

from napari_longiseg.core.state import Key, State

__all__ = ["Key", "State"]
