"""Undo and redo: the states between a reader's actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from napari_longiseg.core.state import State

DEPTH = 500
"""Steps that can be undone. States share what they have in common, so that one costs a few kilobytes."""


@dataclass(eq=False)
class Step:
    """One action of the reader.

    Attributes
    ----------
    label : str
        What was done, for the menu: "Accept lesion 3 on T1".
    before, after : State
        What was known; the step that is being done has no *after* yet.
    """

    label: str
    before: State
    after: State


class History:
    """The steps that were done, and those that were undone."""

    def __init__(self) -> None:
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._past: list[str] = []

    @property
    def labels(self) -> tuple[str, ...]:
        """All that was done, in order, also what can no longer be undone."""
        return (*self._past, *(step.label for step in self._done))

    @property
    def undo_label(self) -> str:
        """What would be undone; empty where there is nothing."""
        return self._done[-1].label if self._done else ""

    @property
    def redo_label(self) -> str:
        """What would be done again; empty where there is nothing."""
        return self._undone[-1].label if self._undone else ""

    def __len__(self) -> int:
        return len(self._done)

    def clear(self, past: Sequence[str] = ()) -> None:
        """Forget all steps; *past* says what was done before."""
        self._done.clear()
        self._undone.clear()
        self._past = list(past)

    def add(self, step: Step) -> None:
        """A step was done; what was undone before cannot be done again."""
        self._done.append(step)
        self._past += [forgotten.label for forgotten in self._done[:-DEPTH]]
        del self._done[:-DEPTH]
        self._undone.clear()

    def undo(self) -> Step | None:
        """Take the newest step back."""
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._undone[-1]

    def redo(self) -> Step | None:
        """Do the step again that was taken back last."""
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self._done[-1]

    def withdraw(self, step: Step) -> bool:
        """Forget a step as if it had not been done, where it is the newest one."""
        if not self._done or self._done[-1] is not step:
            return False
        self._done.pop()
        return True

    def amend(self, change: Callable[[State], State]) -> None:
        """Let something that has become known be known to all steps, done and undone."""
        changed: dict[int, State] = {}  # a state is shared by the steps before and after it

        def amended(state: State) -> State:
            if id(state) not in changed:
                changed[id(state)] = change(state)
            return changed[id(state)]

        steps = (*self._done, *self._undone)
        kept = [(step.before, step.after) for step in steps]  # alive, so that no id is used twice
        for step, (before, after) in zip(steps, kept, strict=True):
            step.before, step.after = amended(before), amended(after)
