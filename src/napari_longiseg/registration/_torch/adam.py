"""Adam (Kingma and Ba, 2015) for one tensor whose slope is known.

Making one of ``torch.optim`` imports triton, whose LLVM takes the process down where software OpenGL has
loaded another one: in napari on a virtual or remote screen.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Adam:
    """Climbs along slopes.

    Parameters
    ----------
    values : Tensor
        Changed in place.
    floor : float
        Slopes below it count for less and less, so that places without structure keep still.
    memory : float
        Share of the squared slopes so far that each step keeps.
    """

    def __init__(self, values: Tensor, floor: float, memory: float = 0.95) -> None:
        self._values, self._floor, self._memory = values, floor, memory
        self._first, self._second = torch.zeros_like(values), torch.zeros_like(values)
        self._steps = 0

    def climb(self, slope: Tensor, rate: float) -> None:
        """One step up, of about *rate* in every value."""
        self._steps += 1
        self._first.lerp_(slope, 0.1)
        self._second.lerp_(slope**2, 1 - self._memory)
        first = self._first / (1 - 0.9**self._steps)
        second = self._second / (1 - self._memory**self._steps)
        self._values += rate * first / (second.sqrt() + self._floor)
