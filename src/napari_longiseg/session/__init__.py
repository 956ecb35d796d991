"""The one mutable object that a reader works on, what readers do with it, and undo."""

from napari_longiseg.session.session import Session

__all__ = ["Session"]
