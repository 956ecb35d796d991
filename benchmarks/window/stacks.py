"""Where threads are at this moment, as text."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

PACKAGE = "napari_longiseg"
OURS = (f"{PACKAGE}.", "window.")
LOOPS = ("__main__.", f"{PACKAGE}._qt.demo.", "napari._qt.qt_main_window._QtMainWindow.event", "contextlib.")
"""Functions that run the event loop, or lead there."""
DEEP = 3
"""So many names of our own are told of a stack, the innermost ones."""

Stack = tuple[str, ...]
"""``module.function:line``, the outermost first."""


def stacks_of(idents: Sequence[int]) -> list[Stack]:
    """The stacks of threads by their ids; empty for one that has ended.

    Nothing of a frame outlives the call: one that was kept would keep the objects of the GUI that it knows,
    and let go of them in another thread.
    """
    frames = sys._current_frames()
    found: list[Stack] = []
    for ident in idents:
        frame, names = frames.get(ident), []
        while frame is not None:
            code, module = frame.f_code, frame.f_globals.get("__name__", "?")
            names.append(f"{module}.{code.co_qualname}:{frame.f_lineno}")
            frame = frame.f_back
        found.append(tuple(reversed(names)))
    del frames, frame
    return found


def told(stack: Stack) -> str:
    """The innermost functions of the package on a stack, and what the last of them has called."""
    ours = [i for i, name in enumerate(stack) if name.startswith(OURS) and not name.startswith(LOOPS)]
    parts = [stack[i].removeprefix(f"{PACKAGE}.") for i in ours[-DEEP:]]
    after = [name for name in stack[ours[-1] + 1 if ours else 0 :] if not name.startswith(LOOPS)]
    return " > ".join([*parts, *after[:DEEP]]) or "Qt"


def usual(stacks: Sequence[Stack]) -> str:
    """What most of the stacks were at."""
    counts = Counter(told(stack) for stack in stacks)
    if not counts:
        return "not seen"
    text, count = counts.most_common(1)[0]
    return f"{text} ({count} of {len(stacks)})"
