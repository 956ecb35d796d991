"""Random numbers from one generator, as plain values or as tensors where the work is done."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


class Dice:
    """A stream of random numbers.

    Parameters
    ----------
    seed : int
        Equal seeds give equal streams on one kind of device.
    device : torch.device
        Where tensors are made; plain values always come from the CPU, so that nothing waits for a GPU.
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self._values = torch.Generator().manual_seed(seed)
        self._tensors = torch.Generator(self.device).manual_seed(seed)

    def uniform(self, low: float, high: float) -> float:
        """A number between two others."""
        return low + (high - low) * float(torch.rand((), generator=self._values))

    def log_uniform(self, low: float, high: float) -> float:
        """A positive number whose logarithm is uniform."""
        return math.exp(self.uniform(math.log(low), math.log(high)))

    def normal(self) -> float:
        """A number of mean 0 and deviation 1."""
        return float(torch.randn((), generator=self._values))

    def chance(self, share: float) -> bool:
        """True in this share of all throws."""
        return self.uniform(0, 1) < share

    def integer(self, low: int, high: int) -> int:
        """A whole number from *low* to *high*, both included."""
        return int(torch.randint(low, high + 1, (), generator=self._values))

    def choice(self, items: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """One of the items."""
        if weights is None:
            return items[self.integer(0, len(items) - 1)]
        drawn = torch.multinomial(torch.tensor(weights, dtype=torch.float), 1, generator=self._values)
        return items[int(drawn)]

    def uniforms(self, *shape: int) -> Tensor:
        """Numbers between 0 and 1."""
        return torch.rand(shape, generator=self._tensors, device=self.device)

    def normals(self, *shape: int) -> Tensor:
        """Numbers of mean 0 and deviation 1."""
        return torch.randn(shape, generator=self._tensors, device=self.device)

    def rotation(self) -> Tensor:
        """A random orthogonal matrix (3, 3)."""
        rotation: Tensor = torch.linalg.qr(self.normals(3, 3).cpu())[0]
        return rotation.to(self.device)
