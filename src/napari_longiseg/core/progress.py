"""How long work reports where it is, and learns that it was cancelled."""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""``progress(stage, fraction)``: *stage* is a few words for the status line, *fraction* is 0 to 1.

It is called often (several times a second) from the thread that works, and raises
:class:`~napari_longiseg.core.errors.Cancelled` when the user has asked to stop. Let that pass through.
"""


def silent(stage: str, fraction: float) -> None:
    """Report nothing."""


def scaled(progress: Progress, start: float, stop: float) -> Progress:
    """Report the fraction 0 to 1 of a part as *start* to *stop* of the whole."""

    def report(stage: str, fraction: float) -> None:
        progress(stage, start + (stop - start) * fraction)

    return report
