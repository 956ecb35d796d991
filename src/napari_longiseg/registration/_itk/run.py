"""Run SimpleITK's filters: with progress, with cancel, and with errors of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

from napari_longiseg.core.errors import RegistrationError
from napari_longiseg.io._itk import simple_itk

Tick = Callable[[float], None]
"""Hears the fraction done, and raises to cancel."""
PATIENCE_S = 0.1
"""How often it is asked whether to go on."""


def run(process: Any, iterations: int, tick: Tick, *arguments: Any) -> Any:  # noqa: ANN401 - SimpleITK has no types
    """Execute a filter that iterates.

    It works in a thread of its own: an exception must not travel through ITK, where it would arrive as
    another one, and Python raises a KeyboardInterrupt in the main thread whatever that is calling.

    Parameters
    ----------
    process : SimpleITK.ProcessObject
        Its observers are removed afterwards.
    iterations : int
        How many it makes at most.
    tick : callable
        Called ten times a second, in the caller's thread. What it raises stops the filter after the
        iteration that is under way, and is raised once it has stopped.
    *arguments
        Of the filter's ``Execute``.

    Raises
    ------
    RuntimeError
        SimpleITK's own; see :func:`itk_errors`.
    """
    done, is_wanted = 0, True

    def on_iteration() -> None:
        nonlocal done
        done += 1
        if not is_wanted:
            process.Abort()

    process.AddCommand(simple_itk().sitkIterationEvent, on_iteration)
    try:
        with ThreadPoolExecutor(1, "itk") as pool:
            working = pool.submit(process.Execute, *arguments)
            try:
                while not wait([working], PATIENCE_S).done:
                    tick(min(done / iterations, 1.0))
            except BaseException:
                is_wanted = False
                raise
            tick(1.0)
            return working.result()
    finally:
        process.RemoveAllCommands()


def part(tick: Tick, start: float, stop: float) -> Tick:
    """Report the fraction 0 to 1 of a part as *start* to *stop* of the whole."""
    return lambda done: tick(start + (stop - start) * done)


@contextmanager
def itk_errors() -> Iterator[None]:
    """Raise SimpleITK's errors as ours.

    Raises
    ------
    RegistrationError
        With the last line of ITK's message, without the place in its sources.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        last = str(error).strip().split("\n")[-1].split("ERROR: ")[-1].rstrip(".") or type(error).__name__
        msg = (
            f"The scans could not be aligned (ITK says: {last}); check that they show the same part of the "
            "body, or use another registration."
        )
        raise RegistrationError(msg) from error
