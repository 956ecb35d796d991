"""The small networks that come with the package; MODEL_CARD.md beside this file says what they are."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from napari_longiseg.models.network_file import Kind

FOLDER = Path(str(files("napari_longiseg.models.shipped")))


def network_path(weights: str, kind: Kind) -> Path:
    """The file that a user named, else the network of this kind that comes with the package."""
    return Path(weights).expanduser() if weights else FOLDER / f"{kind}.safetensors"
