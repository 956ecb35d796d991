"""The one place where array order ``(z, y, x)`` and file order ``(x, y, z)`` meet."""

from __future__ import annotations

from collections.abc import Sequence

from napari_longiseg.core.geometry import Point


def from_xyz(values: Sequence[float]) -> Point:
    """A point or spacing read from a file, ``x, y, z``, in array order ``(z, y, x)``."""
    x, y, z = (float(v) for v in values)
    return z, y, x


def to_xyz(point: Sequence[float]) -> tuple[float, float, float]:
    """A point or spacing in array order ``(z, y, x)`` as files want it, ``x, y, z``."""
    z, y, x = (float(v) for v in point)
    return x, y, z
