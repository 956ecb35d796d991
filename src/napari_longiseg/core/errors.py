"""Everything that this package raises on purpose.

Each message is one sentence for the reader of scans, and says what they can do. None of these is a
``RuntimeError``: one raised inside a napari generator worker would vanish without a trace.
"""


class LongisegError(Exception):
    """Base of all errors that the package raises on purpose."""


class InputError(LongisegError, ValueError):
    """A file, a manifest, a click or an option that cannot be used."""


class UntrustedFileError(InputError):
    """A file that cannot be opened without running code from it."""


class StorageError(LongisegError):
    """A folder that nothing can be kept in."""


class GeometryError(InputError):
    """Scans, grids or points that do not fit together in space."""


class RegistrationError(LongisegError):
    """Two scans could not be aligned."""


class SegmentationError(LongisegError):
    """An engine could not outline a lesion."""


class MissingMethodError(InputError, LookupError):
    """A registration or segmenter that is not installed."""


class Cancelled(LongisegError):
    """The user cancelled the work."""


class Underway(LongisegError):
    """The thread that asks is at that work already, and was called away from it: ask again later."""
