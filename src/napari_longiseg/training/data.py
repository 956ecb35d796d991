"""The cases of a training, in batches."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_longiseg.core.progress import Progress, silent
from napari_longiseg.training.cases import Case
from napari_longiseg.training.config import TrainingConfig

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

VALIDATION = 2**31 - 1
"""Takes the place of the epoch in the seed of the cases that are set aside."""


class RandomisedBatches:
    """Random cases: others in every epoch, and some that are set aside, in memory.

    Raises
    ------
    InputError
        When a background of the config cannot be read.
    """

    def __init__(self, config: TrainingConfig, progress: Progress = silent) -> None:
        from napari_longiseg.training.randomised.cases import RandomCases

        self._config = config
        self._cases = RandomCases(config.kind, config.inputs, 0, config.data)
        self._cases.seed = seed_of(config.seed, VALIDATION)
        self._aside: list[Case] = []
        for case in islice(self._cases, config.validation_cases):
            progress("Making cases for validation", len(self._aside) / config.validation_cases)
            self._aside.append(case)

    def training(self, epoch: int, rank: int) -> DataLoader[Case]:
        """The batches of an epoch on a device; a training that is resumed sees what it would have seen."""
        self._cases.seed = seed_of(self._config.seed, epoch, rank)
        return _loader(self._cases, self._config.batch_size, num_workers=self._config.workers)

    def validation(self) -> DataLoader[Case]:
        """The cases that are set aside."""
        return _loader(self._aside, self._config.batch_size)


def _loader(cases: Any, batch_size: int, **options: Any) -> DataLoader[Case]:  # noqa: ANN401
    from torch.utils.data import DataLoader

    return DataLoader(cases, batch_size, **options)


def seed_of(*numbers: int) -> int:
    """One seed for several numbers, unlike that of all others."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
